// What is kept and what is not (RFC 9111 sections 3 and 4), seen by who asks.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct CacheHitTests {
        @Test("the origin is asked once, and the second who asks gets the same bytes", arguments: Place.allCases)
        func hit(_ place: Place) throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                let body = Pattern.bytes(300_000)
                pair.origin.on("/a", ScriptedAnswer(["Cache-Control: max-age=60", "X-Own: yes"], body))
                let first = try pair.ask("/a", at: place)
                let second = try pair.ask("/a", at: place)
                #expect(first.status == 200 && first.body == body && first.isWhole && !first.isHit)
                #expect(first.cacheStatus.hasPrefix("ssserver; fwd=uri-miss"), "\(first.cacheStatus)")
                #expect(second.status == 200 && second.body == body && second.isWhole)
                #expect(second.isHit, "\(second.cacheStatus)")
                #expect(second.age != nil && second["X-Own"] == "yes" && !second["Date"].isEmpty)
                #expect(pair.origin.count("/a") == 1)
            }
        }

        @Test func `curl by every front shares what is kept under a name`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                let body = Pattern.bytes(100_000)
                pair.origin.on("/a", ScriptedAnswer(["Cache-Control: max-age=60"], body))
                for (index, front) in [CurlFront.socks5h, .socks4a, .http, .connect].enumerated() {
                    let file = stage.workspace.unusedPath("body")
                    let result = try pair.curl(
                        ["-o", file, "-w", "%{http_code} %header{cache-status}", pair.url("/a")], by: front)
                    #expect(result.status == 0, "\(front): \(result.errors)")
                    let start = index == 0 ? "200 ssserver; fwd=uri-miss" : "200 ssserver; hit"
                    #expect(result.output.hasPrefix(start), "\(front): \(result.output)")
                    #expect(FileManager.default.contents(atPath: file) == Data(body), "\(front)")
                }
                #expect(pair.origin.count("/a") == 1)
            }
        }

        @Test func `a name and its address share nothing`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a") { request, _ in .control("max-age=60", request.values("Host").joined()) }
                for place in Place.allCases + Place.allCases {
                    #expect(try pair.ask("/a", at: place).text == pair.host(place))
                }
                #expect(pair.origin.count("/a") == 2)
            }
        }

        @Test func `what an origin keeps to one is asked for again`() throws {
            let cases: [[String]] = [
                ["Cache-Control: private, max-age=60"], ["Cache-Control: no-store, max-age=60"],
                ["Cache-Control: max-age=60", "Set-Cookie: a=b"], ["Cache-Control: max-age=60", "Vary: *"],
                ["Cache-Control: max-age=0"], ["Cache-Control: max-age=60, s-maxage=0"],
                ["Expires: 0"], ["Expires: Thu, 01 Jan 1970 00:00:00 GMT"], ["X-Nothing: said"],
                ["Cache-Control: max-age='60'"], ["Cache-Control: NO-CACHE, max-age=60"],
                ["Cache-Control: max-age=60", "Age: 60"], ["Cache-Control: PRIVATE", "Expires: FUTURE"],
            ]
            try onStage { stage in
                let pair = try CachePair(stage)
                for (index, fields) in cases.enumerated() {
                    let fields = fields.map { $0.replacing("FUTURE", with: HTTPDate.fromNow(3600)) }
                    pair.origin.on("/\(index)") { _, count in ScriptedAnswer(fields, "\(count)") }
                    #expect(try pair.ask("/\(index)").text == "1")
                    let second = try pair.ask("/\(index)")
                    #expect(second.text == "2" && !second.isHit, "\(fields) \(second.cacheStatus)")
                }
            }
        }

        @Test func `what an origin gives to all is kept`() throws {
            let cases: [[String]] = [
                ["Cache-Control: s-maxage=60, max-age=0"], ["Expires: FUTURE"], ["Last-Modified: PAST"],
                ["Cache-Control: max-age=60, foo=\"bar, no-store\""], ["Cache-Control: max-age=60", "Expires: 0"],
                ["Cache-Control: public", "Cache-Control: MAX-AGE=60"], ["Cache-Control: max-age=99999999999999999999"],
                ["Cache-Control: max-age=60", "Age: 1, 900"],
                ["Cache-Control: max-age=60", "Connection: X-One", "X-One: 1"],
            ]
            try onStage { stage in
                let pair = try CachePair(stage)
                for (index, fields) in cases.enumerated() {
                    let fields = fields.map {
                        $0.replacing("FUTURE", with: HTTPDate.fromNow(3600)).replacing(
                            "PAST", with: HTTPDate.fromNow(-86_400 * 30))
                    }
                    pair.origin.on("/\(index)") { _, count in ScriptedAnswer(fields, "\(count)") }
                    #expect(try pair.ask("/\(index)").text == "1")
                    let second = try pair.ask("/\(index)")
                    #expect(second.text == "1" && second.isHit, "\(fields) \(second.cacheStatus)")
                    #expect(second.values("Age").count == 1 && second["X-One"].isEmpty)
                }
            }
        }

        @Test func `errors and redirections are kept where the origin says how long`() throws {
            let cases: [String] = [
                "404 Not Found", "301 Moved Permanently", "302 Found", "410 Gone", "203 Non-Authoritative",
            ]
            try onStage { stage in
                let pair = try CachePair(stage)
                for (index, status) in cases.enumerated() {
                    pair.origin.on("/\(index)") { _, count in
                        .status(status, ["Cache-Control: max-age=60", "Location: /b"], "\(count)")
                    }
                    for _ in 1...2 {
                        let answer = try pair.ask("/\(index)")
                        #expect("\(answer.status)" == status.prefix(3) && answer.text == "1", "\(status)")
                        #expect(answer["Location"] == "/b")
                    }
                }
            }
        }

        @Test func `an answer's age counts what other caches and the origin's clock say`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/age", ScriptedAnswer(["Cache-Control: max-age=600", "Age: 100"], "x"))
                pair.origin.on("/late", ScriptedAnswer.control("max-age=600").with { $0.clock = -100 })
                pair.origin.on("/early", ScriptedAnswer.control("max-age=600").with { $0.clock = 3600 })
                pair.origin.on("/none", ScriptedAnswer.control("max-age=600").with { $0.clock = nil })
                pair.origin.on("/old", ScriptedAnswer.control("max-age=60").with { $0.clock = -100 })
                let ranges = ["/age": 100...103, "/late": 100...103, "/early": 0...3, "/none": 0...3]
                for (path, range) in ranges {
                    try pair.ask(path)
                    let second = try pair.ask(path)
                    #expect(
                        second.isHit && range.contains(second.age ?? -1),
                        "\(path): \(second["Age"]) \(second.cacheStatus)")
                    #expect(second.values("Date").count == 1, "\(path)")
                }
                try pair.ask("/old")
                try pair.ask("/old")
                #expect(pair.origin.count("/old") == 2, "its clock is slow by more than the lifetime")
            }
        }

        @Test func `an answer grows old and is then asked for again`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a") { _, count in .control("max-age=5", "\(count)") }
                #expect(try pair.ask("/a").text == "1")
                pause(1.1)
                let second = try pair.ask("/a")
                #expect(second.text == "1" && (1...4).contains(second.age ?? 0), "\(second["Age"])")
                pause(5)
                #expect(try pair.ask("/a").text == "2")
            }
        }

        @Test func `HEAD is answered from what GET fetched, and tells nobody that there is no body`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a", ScriptedAnswer(["Cache-Control: max-age=60"], Pattern.bytes(5000)))
                try pair.ask("/a")
                let tunnel = try pair.tunnel()
                try tunnel.send(pair.request("/a", method: "HEAD") + pair.request("/a"))
                let head = try tunnel.answer(to: "HEAD")
                #expect(head.isHit && head["Content-Length"] == "5000" && head.age != nil)
                #expect(try tunnel.answer().body == Pattern.bytes(5000))
                try pair.ask("/b", method: "HEAD")
                #expect(try pair.ask("/b").status == 404)
                #expect(pair.origin.count("/a") == 1)
            }
        }

        @Test func `the host's case is one, a path's and a query's are many`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                let paths = ["/a", "/A", "/a?", "/a?b", "/a?B", "/a/", "/%61", "//a"]
                for path in paths { pair.origin.on(path, .control("max-age=60", path)) }
                for path in paths + paths { #expect(try pair.ask(path).text == path) }
                #expect(paths.allSatisfy { pair.origin.count($0) == 1 }, "\(pair.origin.requests.map(\.path))")
                let tunnel = try pair.tunnel()
                try tunnel.send("GET /a HTTP/1.1\r\nHost: LocalHost:\(pair.port)\r\n\r\n")
                #expect(try tunnel.answer().isHit)
            }
        }

        @Test("a cookie is kept or taken away where the owner says so", arguments: ["store", "strip"])
        func cookies(_ policy: String) throws {
            try onStage { stage in
                let pair = try CachePair(stage, keys: ["set_cookie": policy])
                pair.origin.on("/a", ScriptedAnswer(["Cache-Control: max-age=60", "Set-Cookie: a=b"], "x"))
                try pair.ask("/a")
                let second = try pair.ask("/a")
                #expect(second.isHit && second["Set-Cookie"] == (policy == "store" ? "a=b" : ""))
            }
        }

        @Test func `what is larger than the owner allows goes through and is not kept`() throws {
            try onStage { stage in
                let pair = try CachePair(stage, keys: ["max_object": "64KiB"])
                let body = Pattern.bytes(200_000)
                pair.origin.on("/length", ScriptedAnswer(["Cache-Control: max-age=60"], body))
                pair.origin.on(
                    "/chunks",
                    ScriptedAnswer(["Cache-Control: max-age=60"], body).with { $0.framing = .chunked(3000) })
                for path in ["/length", "/chunks", "/length", "/chunks"] {
                    #expect(try pair.ask(path).body == body)
                }
                #expect(pair.origin.requests.count == 4)
            }
        }
    }
}
