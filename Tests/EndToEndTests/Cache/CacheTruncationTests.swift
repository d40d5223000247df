// Origins that break off, lie about their lengths, or say it strangely (RFC 9112 sections 6 to 8): nobody takes a part for the
// whole, and nobody gets another's bytes.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct CacheTruncationTests {
        enum Break: String, Sendable, CaseIterable {
            case closedEarly, resetEarly, tooLong, openChunks, resetChunks, resetBeforeClose

            /// An answer that does not end as it should.
            func answer(_ body: [UInt8]) -> ScriptedAnswer {
                let whole = ScriptedAnswer(["Cache-Control: max-age=60"], Array(body.prefix(body.count / 2)))
                return whole.with {
                    switch self {
                    case .closedEarly: $0.framing = .claims(body.count)
                    case .resetEarly: $0.framing = .claims(body.count)
                    case .tooLong: $0.framing = .claims(body.count / 2 + 1)
                    case .openChunks, .resetChunks: $0.framing = .openChunks(1000)
                    case .resetBeforeClose: $0.framing = .close
                    }
                    switch self {
                    case .closedEarly, .tooLong, .openChunks: $0.end = .closes
                    case .resetEarly, .resetChunks, .resetBeforeClose: $0.end = .resets
                    }
                }
            }
        }

        @Test("curl sees that an answer broke off, and the next who asks gets it whole", arguments: Break.allCases)
        func broken(_ fault: Break) throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                let body = Pattern.bytes(200_000)
                pair.origin.on("/a") { _, count in
                    count == 1 ? fault.answer(body) : ScriptedAnswer(["Cache-Control: max-age=60"], body)
                }
                let result = try pair.curl(["-o", "/dev/null", pair.url("/a")])
                #expect([18, 56].contains(result.status), "\(result.status) \(result.errors)")
                let second = try pair.ask("/a")
                #expect(second.isWhole && second.body == body && !second.isHit)
                #expect(try pair.ask("/a").isHit)
                #expect(pair.origin.count("/a") == 2)
            }
        }

        @Test("what comes after an answer is nobody's answer", arguments: [0.0, 0.05])
        func surplus(_ rest: Double) throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                let evil = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 4\r\n\r\nevil"
                let size = evil.utf8.count
                let body = Array(Pattern.bytes(size)) + Array(evil.utf8)
                pair.origin.on(
                    "/lie",
                    ScriptedAnswer(["Cache-Control: max-age=60"], body).with {
                        $0.framing = .claims(size)
                        $0.parts = rest > 0 ? 2 : 1
                        $0.rest = rest
                    })
                pair.origin.on("/victim", .control("max-age=60", "good"))
                let tunnel = try pair.tunnel()
                try tunnel.send(pair.request("/lie"))
                #expect(try tunnel.answer().body == Pattern.bytes(size))
                pause(0.1)
                try tunnel.send(pair.request("/victim"))
                #expect(try tunnel.answer().text == "good")
                #expect(try pair.ask("/victim").text == "good")
                #expect(try pair.ask("/lie").body == Pattern.bytes(size))
            }
        }

        @Test func `bodies in chunks and up to the close are kept whole`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                let body = Pattern.bytes(150_001)
                let plain = ScriptedAnswer(["Cache-Control: max-age=60"], body)
                pair.origin.on(
                    "/chunks",
                    plain.with {
                        $0.framing = .chunked(1); $0.body = Pattern.bytes(2000)
                    })
                pair.origin.on(
                    "/large",
                    plain.with {
                        $0.framing = .chunked(70_000); $0.parts = 7
                    })
                pair.origin.on(
                    "/close",
                    plain.with {
                        $0.framing = .close; $0.parts = 3; $0.rest = 0.05
                    })
                pair.origin.on(
                    "/old",
                    plain.with {
                        $0.framing = .close; $0.version = "HTTP/1.0"
                    })
                pair.origin.on(
                    "/empty",
                    plain.with {
                        $0.framing = .chunked(1); $0.body = []
                    })
                let bodies = [
                    "/chunks": Pattern.bytes(2000), "/large": body, "/close": body, "/old": body, "/empty": [],
                ]
                for (path, body) in bodies {
                    let first = try pair.ask(path)
                    #expect(first.body == body && first.isWhole && !first.isHit, "\(path)")
                    let second = try pair.ask(path)
                    #expect(second.body == body && second.isWhole && second.isHit, "\(path) \(second.cacheStatus)")
                    #expect(second.version == "HTTP/1.1")
                }
                #expect(bodies.keys.allSatisfy { pair.origin.count($0) == 1 })
            }
        }

        @Test func `trailers never become fields`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                let trailers = ["X-Check: done", "Cache-Control: no-store", "Content-Length: 1", "Set-Cookie: a=b"]
                pair.origin.on(
                    "/a",
                    ScriptedAnswer(["Cache-Control: max-age=60", "Trailer: X-Check"], "body").with {
                        $0.framing = .chunked(3, trailers: trailers)
                    })
                for round in 1...2 {
                    let answer = try pair.ask("/a", ["TE: trailers"])
                    #expect(answer.text == "body" && answer.isWhole && answer.isHit == (round == 2))
                    #expect(answer["X-Check"].isEmpty && answer["Set-Cookie"].isEmpty)
                    #expect(answer["Cache-Control"] == "max-age=60")
                }
            }
        }

        @Test func `a head that comes byte by byte is a head`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a", ScriptedAnswer.control("max-age=60").with { $0.isDripped = true })
                #expect(try pair.ask("/a").text == "kept\n")
                let tunnel = try pair.tunnel()
                for byte in pair.request("/a").utf8 {
                    try tunnel.socket.send([byte])
                    pause(0.001)
                }
                let answer = try tunnel.answer()
                #expect(answer.isHit && answer.text == "kept\n" && pair.origin.count("/a") == 1)
            }
        }

        @Test(
            "an origin that closes without a word is an error, soon", arguments: [ScriptedAnswer.End.closes, .resets])
        func mute(_ end: ScriptedAnswer.End) throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on(
                    "/a",
                    ScriptedAnswer().with {
                        $0.isMute = true; $0.end = end
                    })
                let (result, seconds) = try timed {
                    try pair.curl(["-w", "%{http_code}", "-o", "/dev/null", pair.url("/a")])
                }
                #expect(
                    result.output == "502" || [52, 56].contains(result.status), "\(result.output) \(result.status)")
                #expect(seconds < 3 && pair.origin.count("/a") <= 2)
            }
        }

        @Test func `a connection the origin closed while nobody asked is no error`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a", ScriptedAnswer.control("no-store").with { $0.end = .closes })
                let tunnel = try pair.tunnel()
                for _ in 1...4 {
                    try tunnel.send(pair.request("/a"))
                    let answer = try tunnel.answer()
                    #expect(answer.status == 200 && answer.text == "kept\n")
                    pause(0.1)
                }
            }
        }
    }
}
