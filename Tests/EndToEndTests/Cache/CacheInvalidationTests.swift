// Requests that change something (RFC 9111 section 4.4).
import Foundation
import Testing

extension EndToEnd {
    @Suite struct CacheInvalidationTests {
        @Test func `what was changed is asked for again`() throws {
            let cases: [String] = ["POST", "PUT", "DELETE", "PATCH", "BREW"]
            try onStage { stage in
                let pair = try CachePair(stage)
                for method in cases {
                    pair.origin.on("/\(method)") { request, count in
                        request.method == "GET" ? .control("max-age=60", "\(count)") : ScriptedAnswer([], "done")
                    }
                    #expect(try pair.ask("/\(method)").text == "1")
                    let change = try pair.ask("/\(method)", method: method, body: "x=1")
                    #expect(change.text == "done" && change.status == 200 && !change.isHit)
                    #expect(try pair.ask("/\(method)").text == "3", "\(method)")
                }
            }
        }

        @Test func `a redirection changes too, an error does not`() throws {
            let cases: [(String, Bool)] = [("303 See Other", true), ("404 No", false), ("500 No", false)]
            try onStage { stage in
                let pair = try CachePair(stage)
                for (index, (status, isChanged)) in cases.enumerated() {
                    pair.origin.on("/\(index)") { request, count in
                        request.method == "GET" ? .control("max-age=60", "\(count)") : .status(status, ["Location: /b"])
                    }
                    try pair.ask("/\(index)")
                    #expect(try pair.ask("/\(index)", method: "POST", body: "x").status == Int(status.prefix(3)))
                    let last = try pair.ask("/\(index)")
                    #expect(last.text == (isChanged ? "3" : "1") && last.isHit == !isChanged, "\(status)")
                }
            }
        }

        @Test func `methods that only look change nothing`() throws {
            let cases: [String] = ["HEAD", "OPTIONS"]
            try onStage { stage in
                let pair = try CachePair(stage)
                for method in cases {
                    pair.origin.on("/\(method)") { request, count in .control("max-age=60", request.method) }
                    try pair.ask("/\(method)")
                    try pair.ask("/\(method)", method: method)
                    let last = try pair.ask("/\(method)")
                    #expect(last.isHit && last.text == "GET", "\(method)")
                }
            }
        }

        @Test func `the answer to a change is for whoever made it`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a") { request, count in .control("max-age=60", "\(request.method) \(count)") }
                for count in 1...2 {
                    #expect(try pair.ask("/a", method: "POST", body: "x").text == "POST \(count)")
                }
                #expect(try pair.ask("/a").text == "GET 3")
            }
        }

        @Test func `a body reaches the origin whole, by length and in chunks, asked for by 100 or not`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                let size = 300_000
                let file = stage.workspace.unusedPath("body")
                try Data(Pattern.bytes(size)).write(to: URL(fileURLWithPath: file))
                pair.origin.on("/a") { request, _ in ScriptedAnswer([], "\(request.bodyLength) \(request.bodyDigest)") }
                for fields in [["Expect:"], ["Expect: 100-continue"], ["Transfer-Encoding: chunked"]] {
                    let result = try pair.curl(
                        fields.flatMap { ["-H", $0] } + ["--data-binary", "@\(file)", pair.url("/a")])
                    #expect(result.status == 0, "\(fields): \(result.errors)")
                    #expect(result.output == "\(size) \(Pattern.digest(size))", "\(fields)")
                }
            }
        }

        @Test func `a change whose origin says nothing is not made twice`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on(
                    "/gone",
                    ScriptedAnswer().with {
                        $0.isMute = true; $0.end = .closes
                    })
                let answer = try? pair.ask("/gone", method: "POST", body: "x")
                #expect(answer == nil || answer?.isWhole == false || (500...599).contains(answer?.status ?? 0))
                #expect(pair.origin.count("/gone") == 1)
            }
        }
    }
}
