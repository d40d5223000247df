// Several requests on one connection, early and late answers, old clients (RFC 9112 section 9, RFC 9110 sections 10.1.1 and 15.2).
import Foundation
import Testing

extension EndToEnd {
    @Suite struct CacheConnectionTests {
        @Test func `kept, fetched, empty and bodiless answers follow each other on one connection`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                let body = Pattern.bytes(70_000)
                pair.origin.on("/kept", ScriptedAnswer(["Cache-Control: max-age=60", "ETag: \"1\""], body))
                pair.origin.on("/fetched", ScriptedAnswer(["Cache-Control: no-store"], body))
                pair.origin.on(
                    "/chunks", ScriptedAnswer(["Cache-Control: no-store"], body).with { $0.framing = .chunked(999) })
                pair.origin.on("/none", ScriptedAnswer.status("204 No Content").with { $0.framing = .none })
                let tunnel = try pair.tunnel()
                for _ in 1...3 {
                    for path in ["/kept", "/fetched", "/none", "/chunks"] {
                        try tunnel.send(pair.request(path))
                        let answer = try tunnel.answer()
                        #expect(answer.isWhole && answer.body == (path == "/none" ? [] : body), "\(path)")
                    }
                    try tunnel.send(pair.request("/kept", ["If-None-Match: \"1\""]))
                    #expect(try tunnel.answer().status == 304)
                    try tunnel.send(pair.request("/fetched", method: "HEAD"))
                    #expect(try tunnel.answer(to: "HEAD")["Content-Length"] == "70000")
                    try tunnel.send(pair.request("/fetched", ["Content-Length: 3"], method: "POST") + "abc")
                    #expect(try tunnel.answer().body == body)
                }
                #expect(pair.origin.count("/kept") == 1 && tunnel.rest.isEmpty)
            }
        }

        @Test func `requests sent at once are answered in their order`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/slow", ScriptedAnswer.control("max-age=60", "slow").with { $0.delay = 0.5 })
                pair.origin.on("/fast", .control("max-age=60", "fast"))
                pair.origin.on("/never", .control("no-store", "never"))
                for _ in 1...2 {
                    let tunnel = try pair.tunnel()
                    let paths = ["/slow", "/fast", "/never", "/fast", "/slow"]
                    try tunnel.send(paths.map { pair.request($0) }.joined())
                    for path in paths { #expect(try tunnel.answer().text == path.dropFirst()) }
                    #expect(tunnel.rest.isEmpty)
                }
                #expect(pair.origin.count("/slow") == 1 && pair.origin.count("/never") == 2)
            }
        }

        @Test func `who waits for 100 before the body is told to go on, or gets the answer`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a") { request, _ in ScriptedAnswer([], "\(request.bodyLength)") }
                let tunnel = try pair.tunnel()
                try tunnel.send(pair.request("/a", ["Expect: 100-continue", "Content-Length: 5"], method: "POST"))
                let interim = try tunnel.head(Deadline(1.5))
                #expect(interim.status == 100)
                try tunnel.send("hello")
                #expect(try tunnel.answer().text == "5")
                try tunnel.send(pair.request("/a"))
                #expect(try tunnel.answer().text == "0", "the connection is in step")
                let (result, seconds) = try timed {
                    try pair.curl(["-H", "Expect: 100-continue", "-d", "x=1", pair.url("/a")])
                }
                #expect(result.status == 0 && result.output == "3" && seconds < 0.9, "\(seconds) s")
            }
        }

        @Test func `what is said before an answer passes and is not kept`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                let hints = ["HTTP/1.1 103 Early Hints\r\nLink: </a.css>", "HTTP/1.1 102 Processing"]
                pair.origin.on("/a", ScriptedAnswer.control("max-age=60").with { $0.interim = hints })
                let first = try pair.ask("/a")
                #expect(first.interim == [103, 102] && first.text == "kept\n")
                let second = try pair.ask("/a")
                #expect(second.interim.isEmpty && second.isHit && second["Link"].isEmpty)
            }
        }

        @Test func `who has said all and closes that side still gets the answer`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a", ScriptedAnswer.control("max-age=60").with { $0.delay = 0.3 })
                for _ in 1...2 {
                    let tunnel = try pair.tunnel()
                    try tunnel.send(pair.request("/a"))
                    tunnel.socket.finish()
                    #expect(try tunnel.answer().text == "kept\n")
                    #expect(try tunnel.socket.receiveToEnd(seconds: 3).isEmpty, "then it is closed")
                }
                #expect(pair.origin.count("/a") == 1)
            }
        }

        @Test func `a client of HTTP/1.0 gets what it understands`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                let body = Pattern.bytes(30_000)
                let hints = ["HTTP/1.1 103 Early Hints"]
                pair.origin.on(
                    "/a",
                    ScriptedAnswer(["Cache-Control: max-age=60"], body).with {
                        $0.framing = .chunked(1000)
                        $0.interim = hints
                    })
                for round in 1...2 {
                    let tunnel = try pair.tunnel()
                    try tunnel.send("GET /a HTTP/1.0\r\nHost: \(pair.host())\r\n\r\n")
                    let answer = try tunnel.answer()
                    #expect(answer.interim.isEmpty && answer["Transfer-Encoding"].isEmpty, "round \(round)")
                    #expect(answer.body == body && answer.isWhole, "round \(round)")
                    #expect(try tunnel.socket.receiveToEnd(seconds: 3).isEmpty, "then it is closed")
                }
            }
        }

        @Test func `a connection is closed when the client asks for it`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a", .control("max-age=60"))
                pair.origin.on("/b", .control("no-store"))
                for path in ["/a", "/a", "/b"] {
                    let tunnel = try pair.tunnel()
                    try tunnel.send(pair.request(path, ["Connection: close"]))
                    let answer = try tunnel.answer()
                    #expect(answer.text == "kept\n" && answer["Connection"] == "close", "\(path)")
                    #expect(try tunnel.socket.receiveToEnd(seconds: 3).isEmpty)
                }
            }
        }

        @Test func `fields between two neighbours stay between them`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a", ScriptedAnswer(["Cache-Control: max-age=60", "Keep-Alive: timeout=5"], "x"))
                let own = ["Connection: keep-alive, X-Hop, Host", "X-Hop: 1", "Keep-Alive: 300", "X-End: 1"]
                #expect(try pair.ask("/a", own).text == "x")
                let seen = try #require(pair.origin.requests.first)
                #expect(seen.values("X-Hop").isEmpty && seen.values("Keep-Alive").isEmpty)
                #expect(seen.values("Host") == [pair.host()] && seen.values("X-End") == ["1"])
                #expect(try pair.ask("/a")["Keep-Alive"].isEmpty)
            }
        }

        @Test func `the server ends soon though somebody keeps a connection`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a", .control("max-age=60"))
                let tunnel = try pair.tunnel()
                try tunnel.send(pair.request("/a"))
                #expect(try tunnel.answer().text == "kept\n")
                let server = try #require(pair.running.server)
                server.signal(SIGTERM)
                let (exit, seconds) = timed { server.wait(seconds: 10) }
                #expect(exit == .status(0) && seconds < 7, "\(String(describing: exit)) after \(seconds) s")
                tunnel.close()
            }
        }
    }
}
