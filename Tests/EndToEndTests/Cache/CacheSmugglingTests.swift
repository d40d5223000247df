// Requests whose end two readers see at different places (RFC 9112 sections 2.2, 5 and 6.3, 11.2). Such a one goes to the origin as it
// is, on a connection that serves nobody else, or is refused; nobody else ever gets an answer to it.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct CacheSmugglingTests {
        /// HOST stands for the target; what follows the first empty line is what a lenient origin takes for a request.
        static let attempts = [
            "POST /a HTTP/1.1|Host: HOST|Content-Length: 47|Transfer-Encoding: chunked||0||GET /evil HTTP/1.1|Host: HOST||",
            "POST /a HTTP/1.1|Host: HOST|Content-Length: 0|Content-Length: 60||GET /evil HTTP/1.1|Host: HOST||",
            "POST /a HTTP/1.1|Host: HOST|Content-Length: 0, 60||GET /evil HTTP/1.1|Host: HOST||",
            "POST /a HTTP/1.1|Host: HOST|Content-Length: +60||GET /evil HTTP/1.1|Host: HOST||",
            "POST /a HTTP/1.1|Host: HOST|Content-Length : 60||GET /evil HTTP/1.1|Host: HOST||",
            "POST /a HTTP/1.1|Host: HOST|Transfer-Encoding : chunked||0||GET /evil HTTP/1.1|Host: HOST||",
            "POST /a HTTP/1.1|Host: HOST|Transfer-Encoding: xchunked||0||GET /evil HTTP/1.1|Host: HOST||",
            "POST /a HTTP/1.1|Host: HOST|Transfer-Encoding: chunked, identity||0||GET /evil HTTP/1.1|Host: HOST||",
            "POST /a HTTP/1.1|Host: HOST|X-Fold: a|  Content-Length: 60||GET /evil HTTP/1.1|Host: HOST||",
            "POST /a HTTP/1.1\nHost: HOST\nContent-Length: 0\n\nGET /evil HTTP/1.1|Host: HOST||",
            "GET /a HTTP/1.1|Host: HOST|X: y\nContent-Length: 60||GET /evil HTTP/1.1|Host: HOST||",
            "GET /a HTTP/1.1|Host: HOST|X: y\rContent-Length: 60||GET /evil HTTP/1.1|Host: HOST||",
            "POST /a HTTP/1.1|Host: HOST|Transfer-Encoding: chunked||10000000000000000|GET /evil HTTP/1.1|Host: HOST||",
            "POST /a HTTP/1.1|Host: HOST|Transfer-Encoding: chunked||0x0||GET /evil HTTP/1.1|Host: HOST||",
            "POST /a HTTP/1.1|Host: HOST|Transfer-Encoding: chunked||0\n\nGET /evil HTTP/1.1|Host: HOST||",
            "GET /a HTTP/1.0|Host: HOST|Transfer-Encoding: chunked||0||GET /evil HTTP/1.1|Host: HOST||",
            "GET /a HTTP/1.1|Host: HOST|Host: other.example||GET /evil HTTP/1.1|Host: HOST||",
            "GET /a b HTTP/1.1|Host: HOST||GET /evil HTTP/1.1|Host: HOST||",
            "GET /a HTTP/1.1|Host: HOST|: empty||GET /evil HTTP/1.1|Host: HOST||",
            "GET /a HTTP/1.1|Host: HOST|X: \0||GET /evil HTTP/1.1|Host: HOST||",
        ]

        @Test func `a request that can be read in two ways poisons nobody`() throws {
            try onStage { stage in
                let origin = try stage.rawOrigin { Self.answers(to: $0) }
                let running = try stage.runCache([origin.endpoint.port])
                for index in Self.attempts.indices { try Self.attempt(index, origin, running) }
            }
        }

        private static func attempt(_ index: Int, _ origin: RawOrigin, _ running: RunningPair) throws {
            let attempt = attempts[index]
            let place = Comment(rawValue: "\(index): \(attempt.debugDescription)")
            let host = "localhost:\(origin.endpoint.port)"
            let own = ["HOST": host, "/evil": "/evil\(index)", " /a ": " /a\(index) ", "|": "\r\n"]
            let lines = own.reduce(attempt) { $0.replacing($1.key, with: $1.value) }
            let victim = "GET /victim\(index) HTTP/1.1\r\nHost: \(host)\r\n\r\n"
            // A connection to the origin that could be used again is there.
            let before = try CachePair.tunnel(via: running.front, to: origin.endpoint)
            try before.send("GET /before\(index) HTTP/1.1\r\nHost: \(host)\r\n\r\n")
            #expect(try before.answer().text == "for /before\(index)", place)
            let sent = Array((lines + victim).utf8)
            let attacker = try CachePair.tunnel(via: running.front, to: origin.endpoint)
            try attacker.socket.send(sent)
            // Either all of it as it was, or an error or the end, and nothing that was hidden in it.
            let passed = { origin.connections.contains { $0 == sent } }
            let cameWhole = eventually(1.5, passed)
            if !cameWhole {
                let status = try? attacker.head().status
                #expect(status.map { (400...599).contains($0) } ?? true, place)
                #expect(!origin.texts.contains { $0.contains("/evil\(index)") }, place)
            }
            attacker.close()
            for _ in 1...2 {
                for path in ["/victim\(index)", "/a\(index)", "/other\(index)", "/victim\(index)"] {
                    let tunnel = try CachePair.tunnel(via: running.front, to: origin.endpoint)
                    try tunnel.send("GET \(path) HTTP/1.1\r\nHost: \(host)\r\n\r\n")
                    #expect(try tunnel.answer().text == "for \(path)", place)
                    tunnel.close()
                }
            }
        }

        @Test func `a host that is not the target is passed on, and nothing of it is kept`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a") { request, count in
                    .control("max-age=60", "\(request.values("Host").joined(separator: "+")) \(count)")
                }
                for (index, host) in ["other.example", "localhost", "localhost:1", "127.0.0.1:\(pair.port)"]
                    .enumerated()
                {
                    for turn in 1...2 {
                        let tunnel = try pair.tunnel()
                        try tunnel.send("GET /a HTTP/1.1\r\nHost: \(host)\r\n\r\n")
                        let answer = try tunnel.answer()
                        #expect(answer.text == "\(host) \(index * 2 + turn)" && !answer.isHit)
                        tunnel.close()
                    }
                }
                #expect(try pair.ask("/a").text == "\(pair.host()) 9")
                #expect(try pair.ask("/a").isHit)
            }
        }

        @Test func `an absolute target counts more than the host beside it`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("http://other.example/a", .control("max-age=60", "other"))
                pair.origin.on("/a", .control("max-age=60", "own"))
                let tunnel = try pair.tunnel()
                try tunnel.send("GET http://other.example/a HTTP/1.1\r\nHost: \(pair.host())\r\n\r\n")
                _ = try? tunnel.answer(seconds: 3)
                #expect(try pair.ask("/a").text == "own")
                #expect(try pair.ask("/a").text == "own")
            }
        }

        @Test func `a request without a host reaches the origin, and nothing of it is kept`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a") { _, count in .control("max-age=60", "\(count)") }
                for turn in 1...2 {
                    let tunnel = try pair.tunnel()
                    try tunnel.send("GET /a HTTP/1.0\r\n\r\n")
                    #expect(try tunnel.answer().text == "\(turn)")
                    tunnel.close()
                }
                #expect(try pair.ask("/a").text == "3")
            }
        }

        /// As the most lenient origin answers: whatever line asks for something gets something.
        private static func answers(to bytes: [UInt8]) -> [UInt8] {
            let text = String(decoding: bytes, as: UTF8.self)
            let lines = text.split { $0 == "\n" || $0 == "\r" || $0 == "\r\n" }
            let paths = lines.compactMap { line in
                line.contains(" HTTP/1.") ? line.split(separator: " ").dropFirst().first.map(String.init) : nil
            }
            return Array(
                paths.map { path in
                    "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: \(path.utf8.count + 4)\r\n\r\nfor \(path)"
                }.joined().utf8)
        }
    }
}
