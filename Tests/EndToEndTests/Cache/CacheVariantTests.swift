// One address, several answers: Vary (RFC 9111 section 4.1), ranges (RFC 9110 section 14), Authorization (RFC 9111 section 3.5).
import Foundation
import Testing

extension EndToEnd {
    @Suite struct CacheVariantTests {
        @Test func `each coding is kept for those who take it`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a") { request, _ in
                    let isPacked = request.values("Accept-Encoding").joined().contains("gzip")
                    let fields = ["Cache-Control: max-age=60", "Vary: accept-encoding"]
                    return isPacked
                        ? ScriptedAnswer(fields + ["Content-Encoding: gzip"], "packed")
                        : ScriptedAnswer(fields, "plain")
                }
                for round in 1...2 {
                    let packed = try pair.ask("/a", ["Accept-Encoding: gzip"])
                    #expect(packed.text == "packed" && packed["Content-Encoding"] == "gzip")
                    let plain = try pair.ask("/a")
                    #expect(plain.text == "plain" && plain["Content-Encoding"].isEmpty)
                    #expect(packed.isHit == (round == 2) && plain.isHit == (round == 2))
                }
                #expect(pair.origin.count("/a") == 2)
            }
        }

        @Test func `several fields vary together, and the same said with other spaces is the same`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a") { request, count in
                    ScriptedAnswer(["Cache-Control: max-age=60", "Vary: X-One", "Vary: X-Two, X-Three"], "\(count)")
                }
                #expect(try pair.ask("/a", ["X-One: a, b", "X-Two: c"]).text == "1")
                #expect(try pair.ask("/a", ["X-One: a", "X-One: b", "X-Two:   c "]).text == "1")
                #expect(try pair.ask("/a", ["X-One: a, b"]).text == "2")
                #expect(try pair.ask("/a", ["X-One: a, b", "X-Two: c", "X-Three: "]).text == "3")
                #expect(try pair.ask("/a", ["X-One: a, b", "X-Two: c", "X-Four: d"]).text == "1")
            }
        }

        @Test func `a part of what is kept comes without the origin`() throws {
            let cases: [(String, String)] = [
                ("bytes=0-9", "bytes 0-9/1000"), ("bytes=990-", "bytes 990-999/1000"),
                ("bytes=-5", "bytes 995-999/1000"), ("bytes=-5000", "bytes 0-999/1000"),
                ("bytes=998-99999", "bytes 998-999/1000"), ("Bytes=7-7", "bytes 7-7/1000"),
            ]
            try onStage { stage in
                let pair = try Self.kept(stage)
                for (range, expected) in cases {
                    let answer = try pair.ask("/a", ["Range: \(range)"])
                    #expect(answer.status == 206 && answer["Content-Range"] == expected && answer.isHit, "\(range)")
                    let ends = expected.dropFirst(6).prefix { $0 != "/" }.split(separator: "-").compactMap { Int($0) }
                    #expect(answer.body == Array(Pattern.bytes(1000)[ends[0]...ends[1]]))
                    #expect(pair.origin.count("/a") == 1)
                }
            }
        }

        @Test func `a part that is not there is told from one that means nothing`() throws {
            let cases: [(String, [Int])] = [
                ("bytes=1000-", [416]), ("bytes=-0", [416]), ("lines=0-5", [200]),
                // RFC 9110 section 14.2: what is no range may be passed over or refused.
                ("bytes=5-2", [200, 416]), ("bytes=a-b", [200, 416]), ("bytes=99999999999999999999-", [200, 416]),
            ]
            try onStage { stage in
                let pair = try Self.kept(stage)
                for (range, statuses) in cases {
                    let tunnel = try pair.tunnel()
                    try tunnel.send(pair.request("/a", ["Range: \(range)"]) + pair.request("/a"))
                    let answer = try tunnel.answer()
                    #expect(statuses.contains(answer.status), "\(range) \(answer.status)")
                    if answer.status == 416 { #expect(answer["Content-Range"] == "bytes */1000") }
                    if answer.status == 200 { #expect(answer.body == Pattern.bytes(1000)) }
                    #expect(try tunnel.answer().body == Pattern.bytes(1000), "the connection is in step")
                }
            }
        }

        @Test func `several parts at once come as parts or whole`() throws {
            try onStage { stage in
                let pair = try Self.kept(stage)
                let answer = try pair.ask("/a", ["Range: bytes=0-0,5-9"])
                if answer.status == 206 {
                    #expect(answer["Content-Type"].hasPrefix("multipart/byteranges"))
                } else {
                    #expect(answer.status == 200 && answer.body == Pattern.bytes(1000))
                }
                #expect(answer.isWhole)
            }
        }

        @Test func `a part is given only of what the asker has the rest of`() throws {
            let cases: [(String, Int)] = [
                ("\"one\"", 206), ("\"two\"", 200), ("W/\"one\"", 200), ("Mon, 06 Oct 2025 10:00:00 GMT", 206),
                ("Mon, 06 Oct 2025 10:00:01 GMT", 200),
            ]
            try onStage { stage in
                let pair = try Self.kept(stage)
                for (condition, status) in cases {
                    let answer = try pair.ask("/a", ["Range: bytes=0-9", "If-Range: \(condition)"])
                    #expect(answer.status == status && answer.body.count == (status == 206 ? 10 : 1000), "\(condition)")
                    #expect(pair.origin.count("/a") == 1)
                }
            }
        }

        @Test func `a part of what is not kept is asked of the origin, and never taken for the whole`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a") { request, _ in
                    guard request.values("Range") == ["bytes=0-9"] else {
                        return ScriptedAnswer(["Cache-Control: max-age=60", "ETag: \"one\""], Pattern.bytes(1000))
                    }
                    let fields = ["Cache-Control: max-age=60", "ETag: \"one\"", "Content-Range: bytes 0-9/1000"]
                    return ScriptedAnswer(fields, Pattern.bytes(10)).with { $0.status = "206 Partial Content" }
                }
                let part = try pair.ask("/a", ["Range: bytes=0-9"])
                #expect(part.status == 206 && part.body == Pattern.bytes(10))
                #expect(part["Content-Range"] == "bytes 0-9/1000")
                let whole = try pair.ask("/a")
                #expect(whole.status == 200 && whole.body == Pattern.bytes(1000))
            }
        }

        @Test func `curl continues a download from what is kept`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                let body = Pattern.bytes(100_000)
                pair.origin.on("/a", ScriptedAnswer(["Cache-Control: max-age=60", "ETag: \"one\""], body))
                try pair.ask("/a")
                let file = stage.workspace.unusedPath("half")
                try Data(body[..<40_000]).write(to: URL(fileURLWithPath: file))
                let result = try pair.curl(["-C", "-", "-o", file, pair.url("/a")])
                #expect(result.status == 0, "\(result.errors)")
                #expect(FileManager.default.contents(atPath: file) == Data(body))
                #expect(pair.origin.count("/a") == 1)
            }
        }

        @Test func `what somebody got by a password is shared only where the origin says so`() throws {
            let cases: [(String, Bool)] = [
                ("max-age=60", false), ("max-age=60, private", false), ("public, max-age=60", true),
                ("s-maxage=60", true), ("max-age=60, must-revalidate", true),
            ]
            try onStage { stage in
                let pair = try CachePair(stage)
                for (index, (control, isShared)) in cases.enumerated() {
                    pair.origin.on("/\(index)") { request, count in
                        .control(control, request.values("Authorization").isEmpty ? "nobody" : "alice")
                    }
                    let alice = ["Authorization: Basic YWxpY2U6c2VjcmV0"]
                    #expect(try pair.ask("/\(index)", alice).text == "alice")
                    let other = try pair.ask("/\(index)")
                    #expect(other.text == (isShared ? "alice" : "nobody") && other.isHit == isShared, "\(control)")
                }
            }
        }

        /// A pair that keeps a thousand bytes at /a.
        private static func kept(_ stage: Stage) throws -> CachePair {
            let pair = try CachePair(stage)
            let fields = ["Cache-Control: max-age=60", "ETag: \"one\"", "Last-Modified: Mon, 06 Oct 2025 10:00:00 GMT"]
            pair.origin.on("/a", ScriptedAnswer(fields, Pattern.bytes(1000)))
            try pair.ask("/a")
            return pair
        }
    }
}
