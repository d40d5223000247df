// Asking whether what is kept still holds, and answering who asks that (RFC 9111 section 4.3, RFC 9110 section 13).
import Foundation
import Testing

extension EndToEnd {
    @Suite struct CacheValidationTests {
        /// A validator, and what a cache asks with it.
        static let validators = [
            ["ETag: \"one\"", "If-None-Match", "\"one\""], ["ETag: W/\"one\"", "If-None-Match", "W/\"one\""],
            ["Last-Modified: Mon, 06 Oct 2025 10:00:00 GMT", "If-Modified-Since", "Mon, 06 Oct 2025 10:00:00 GMT"],
        ]

        @Test(
            "what still holds is confirmed without its body, and lives on as the origin now says", arguments: validators
        )
        func confirmed(_ validator: [String]) throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                let body = Pattern.bytes(100_000)
                pair.origin.on("/a") { request, count in
                    if count == 1 {
                        return ScriptedAnswer(["Cache-Control: max-age=0", "X-New: no", validator[0]], body)
                    }
                    guard request.values(validator[1]) == [validator[2]] else { return .status("500 Not Asked") }
                    return .notModified(["Cache-Control: max-age=60", "X-New: yes", validator[0]])
                }
                try pair.ask("/a")
                let second = try pair.ask("/a")
                #expect(second.status == 200 && second.body == body && second["X-New"] == "yes")
                #expect(second.cacheStatus.contains("fwd=stale"), "\(second.cacheStatus)")
                let third = try pair.ask("/a")
                #expect(third.isHit && third.body == body && third["X-New"] == "yes")
                #expect(third["Content-Length"] == "100000" && pair.origin.count("/a") == 2)
            }
        }

        @Test func `what no longer holds is replaced`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a") { _, count in
                    ScriptedAnswer(["Cache-Control: max-age=\(count == 1 ? 0 : 60)", "ETag: \"\(count)\""], "\(count)")
                }
                try pair.ask("/a")
                #expect(try pair.ask("/a").text == "2")
                let third = try pair.ask("/a")
                #expect(third.isHit && third.text == "2" && third["ETag"] == "\"2\"")
            }
        }

        @Test func `who has it already is told so without the origin`() throws {
            let cases: [([String], Int)] = [
                (["If-None-Match: \"one\""], 304), (["If-None-Match: W/\"one\""], 304), (["If-None-Match: *"], 304),
                (["If-None-Match: \"zero\", \"one\""], 304), (["If-None-Match: \"two\""], 200),
                (["If-Modified-Since: Mon, 06 Oct 2025 10:00:00 GMT"], 304),
                (["If-Modified-Since: Monday, 06-Oct-25 10:00:00 GMT"], 304),
                (["If-Modified-Since: Mon, 06 Oct 2025 09:59:59 GMT"], 200),
                (["If-Modified-Since: yesterday"], 200),
                (["If-None-Match: \"two\"", "If-Modified-Since: Mon, 06 Oct 2025 10:00:00 GMT"], 200),
            ]
            try onStage { stage in
                let pair = try CachePair(stage)
                for (index, (fields, status)) in cases.enumerated() {
                    pair.origin.on(
                        "/\(index)",
                        ScriptedAnswer(
                            [
                                "Cache-Control: max-age=60", "ETag: \"one\"",
                                "Last-Modified: Mon, 06 Oct 2025 10:00:00 GMT",
                                "Vary: X-None", "Content-Location: /b",
                            ], "whole"))
                    try pair.ask("/\(index)")
                    let tunnel = try pair.tunnel()
                    try tunnel.send(pair.request("/\(index)", fields) + pair.request("/\(index)"))
                    let answer = try tunnel.answer()
                    #expect(answer.status == status && answer.isHit, "\(fields) \(answer.cacheStatus)")
                    #expect(answer.text == (status == 304 ? "" : "whole"))
                    for name in ["ETag", "Cache-Control", "Vary", "Content-Location", "Date"] {
                        #expect(answer.values(name).count == 1, "\(name)")
                    }
                    #expect(try tunnel.answer().text == "whole", "the connection is in step")
                    #expect(pair.origin.count("/\(index)") == 1)
                }
            }
        }

        @Test func `a question about what is not kept reaches the origin, and its 304 who asked`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a") { request, _ in
                    request.values("If-None-Match") == ["\"mine\""]
                        ? .notModified(["ETag: \"mine\"", "Cache-Control: max-age=60"])
                        : ScriptedAnswer(["ETag: \"mine\"", "Cache-Control: max-age=60"], "whole")
                }
                #expect(try pair.ask("/a", ["If-None-Match: \"mine\""]).status == 304)
                let second = try pair.ask("/a")
                #expect(second.status == 200 && second.text == "whole", "a 304 is not kept as an object")
            }
        }

        @Test func `who has an older one than the origin is given what the origin has`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a") { request, _ in
                    request.values("If-None-Match").contains { $0.contains("\"new\"") }
                        ? .notModified(["ETag: \"new\"", "Cache-Control: no-cache"])
                        : ScriptedAnswer(["ETag: \"new\"", "Cache-Control: no-cache"], "new")
                }
                try pair.ask("/a")
                let old = try pair.ask("/a", ["If-None-Match: \"old\""])
                #expect(old.status == 200 && old.text == "new")
                #expect(try pair.ask("/a", ["If-None-Match: \"new\""]).status == 304)
                #expect(pair.origin.count("/a") == 3)
            }
        }

        @Test func `who wants it anew gets it from the origin, and so do all after them`() throws {
            let cases: [String] = [
                "Cache-Control: no-cache", "Cache-Control: max-age=0", "Pragma: no-cache",
                "Cache-Control: min-fresh=3600",
            ]
            try onStage { stage in
                let pair = try CachePair(stage)
                for (index, field) in cases.enumerated() {
                    pair.origin.on("/\(index)") { _, count in
                        ScriptedAnswer(["Cache-Control: max-age=60", "ETag: \"\(count)\""], "\(count)")
                    }
                    try pair.ask("/\(index)")
                    let second = try pair.ask("/\(index)", [field])
                    #expect(second.text == "2", "\(field) \(second.cacheStatus)")
                    let third = try pair.ask("/\(index)")
                    #expect(third.isHit && third.text == "2")
                }
            }
        }

        @Test func `who wants only what is kept gets it, or 504`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a", .control("max-age=60"))
                let only = ["Cache-Control: only-if-cached"]
                #expect(try pair.ask("/a", only).status == 504)
                #expect(pair.origin.connections == 0, "the origin is not even called")
                try pair.ask("/a")
                #expect(try pair.ask("/a", only).isHit)
            }
        }

        @Test func `who takes it old gets it old, unless the origin forbids that`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                let old = ["Age: 100", "ETag: \"1\""]
                pair.origin.on("/a") { _, count in
                    ScriptedAnswer(["Cache-Control: max-age=60"] + old, "\(count)")
                }
                pair.origin.on("/must") { _, count in
                    ScriptedAnswer(["Cache-Control: max-age=60, must-revalidate"] + old, "\(count)")
                }
                try pair.ask("/a")
                try pair.ask("/must")
                let stale = try pair.ask("/a", ["Cache-Control: max-stale=600"])
                #expect(stale.isHit && stale.text == "1" && (stale.age ?? 0) >= 100, "\(stale.cacheStatus)")
                #expect(try pair.ask("/a", ["Cache-Control: max-stale=10"]).text == "2")
                #expect(try pair.ask("/must", ["Cache-Control: max-stale=600"]).text == "2")
            }
        }

        @Test func `what somebody wants kept nowhere is not kept`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a") { _, count in .control("max-age=60", "\(count)") }
                #expect(try pair.ask("/a", ["Cache-Control: no-store"]).text == "1")
                #expect(try pair.ask("/a").text == "2")
            }
        }
    }
}
