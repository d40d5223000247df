// Whatever is not HTTP/1.1 goes through a port of the cache as through any other.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct CacheOpaqueTests {
        static let openings: [[UInt8]] = [
            [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3] + Array(Pattern.bytes(500)),
            Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0],
            Array("CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n".utf8) + [0x16, 3, 1],
            Array("SSH-2.0-OpenSSH_9.2\r\n".utf8), [0], [13, 10, 13, 10, 1, 2, 3], Array("GET\r\n".utf8),
            Array("GET /\r\n".utf8), Array("GET / HTTP/3.0\r\n\r\n".utf8), Array("get / http/1.1\r\n\r\n".utf8),
            Array("GET / HTTP/1.1 \r\nHost: x\r\n\r\n".utf8), Array("hello\n".utf8), Array(Pattern.bytes(100_000)),
            Array("G\u{e4}T / HTTP/1.1\r\nHost: x\r\n\r\n".utf8), Array(repeating: 65, count: 70_000),
        ]

        @Test("what is no request goes through byte for byte, both ways", arguments: openings.indices)
        func opaque(_ index: Int) throws {
            let opening = Self.openings[index]
            try onStage { stage in
                let origin = try stage.rawOrigin()
                let running = try stage.runCache([origin.endpoint.port])
                let target = Target.name("localhost", origin.endpoint.port)
                let tunnel = try SOCKSClient.tunnel(via: running.front, to: target)
                try tunnel.send(opening)
                #expect(try tunnel.receive(exactly: opening.count) == opening)
                // And so does all that follows, whatever it looks like.
                let more = Array("GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
                try tunnel.send(more)
                #expect(try tunnel.receive(exactly: more.count) == more)
                tunnel.finish()
                #expect(try tunnel.receiveToEnd(seconds: 5).isEmpty)
                #expect(origin.connections == [opening + more])
            }
        }

        @Test(
            "bytes that come one by one go on when they can be no request",
            arguments: [
                "SSH-2.0-x\r\n", "\u{16}\u{3}\u{1}\u{2}", "EHLO localhost\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            ])
        func dripped(_ text: String) throws {
            try onStage { stage in
                let origin = try stage.rawOrigin()
                let running = try stage.runCache([origin.endpoint.port])
                let target = Target.name("localhost", origin.endpoint.port)
                let tunnel = try SOCKSClient.tunnel(via: running.front, to: target)
                for byte in text.utf8 {
                    try tunnel.send([byte])
                    pause(0.02)
                }
                #expect(try tunnel.receive(exactly: text.utf8.count) == Array(text.utf8))
                #expect(origin.texts == [text])
            }
        }

        @Test func `a server that speaks first is heard within a second`() throws {
            try onStage { stage in
                let banner = "220 localhost ESMTP\r\n"
                let origin = try stage.rawOrigin(banner: banner)
                let running = try stage.runCache([origin.endpoint.port])
                for place in Place.allCases {
                    let (tunnel, seconds) = try timed {
                        let tunnel = try CachePair.tunnel(via: running.front, to: origin.endpoint, place)
                        #expect(try tunnel.socket.receive(exactly: banner.utf8.count) == Array(banner.utf8))
                        return tunnel
                    }
                    #expect(seconds < 1, "\(seconds) s")
                    // What follows is no HTTP any more, even where it looks like it.
                    let line = "GET /a HTTP/1.1\r\nHost: localhost:\(origin.endpoint.port)\r\n\r\n"
                    try tunnel.send(line)
                    #expect(try tunnel.socket.receive(exactly: line.utf8.count) == Array(line.utf8))
                }
                #expect(origin.connections.count == 2)
            }
        }

        @Test func `browsers connect before they know what for, and are served from what is kept`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a", ScriptedAnswer(["Cache-Control: max-age=60"], Array("a".utf8)))
                for index in 0..<3 {
                    let tunnel = try CachePair.tunnel(via: pair.running.front, to: pair.origin.endpoint)
                    if index > 0 { pause(0.6) }
                    for _ in 0..<2 {
                        try tunnel.send("GET /a HTTP/1.1\r\nHost: localhost:\(pair.origin.endpoint.port)\r\n\r\n")
                        let answer = try tunnel.answer()
                        #expect(answer.status == 200 && answer.text == "a" && !answer.cacheStatus.isEmpty)
                    }
                }
                #expect(pair.origin.count("/a") == 1)
            }
        }

        @Test func `a client that says nothing and ends its side hears a server that speaks all the same`() throws {
            try onStage { stage in
                let banner = "12:00\r\n"
                let origin = try stage.rawOrigin(banner: banner)
                let running = try stage.runCache([origin.endpoint.port])
                let target = Target.name("localhost", origin.endpoint.port)
                let tunnel = try SOCKSClient.tunnel(via: running.front, to: target)
                tunnel.finish()
                #expect(try tunnel.receiveToEnd(seconds: 5) == Array(banner.utf8))
            }
        }

        @Test func `after 101 both sides say what they like`() throws {
            try onStage { stage in
                let frames: [UInt8] = [0x81, 5] + Array("hello".utf8)
                let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
                let origin = try stage.rawOrigin { bytes in
                    bytes.starts(with: Array("GET ".utf8)) ? Array(head.utf8) + frames : bytes
                }
                let running = try stage.runCache([origin.endpoint.port])
                let request =
                    "GET /chat HTTP/1.1\r\nHost: localhost:\(origin.endpoint.port)\r\nUpgrade: websocket\r\n"
                    + "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
                let tunnel = try CachePair.tunnel(via: running.front, to: origin.endpoint)
                try tunnel.send(request)
                let expected = Array(head.utf8) + frames
                #expect(try tunnel.socket.receive(exactly: expected.count) == expected)
                let mine: [UInt8] = [0x82, 0xfe, 0xff, 0xff] + Pattern.bytes(70_000)
                try tunnel.socket.send(mine)
                #expect(try tunnel.socket.receive(exactly: mine.count) == mine)
                #expect(origin.connections == [Array(request.utf8) + mine])
            }
        }

        @Test func `an upgrade the origin does not want is an ordinary answer`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a", .control("max-age=60"))
                let fields = ["Connection: Upgrade", "Upgrade: websocket"]
                for _ in 1...2 { #expect(try pair.ask("/a", fields).text == "kept\n") }
                #expect(try pair.ask("/a").text == "kept\n")
            }
        }

        @Test func `an origin whose answer is no HTTP is heard as it is`() throws {
            try onStage { stage in
                let reply = "ICY 200 OK\r\nicy-name: radio\r\n\r\n" + String(repeating: "x", count: 1000)
                let origin = try stage.rawOrigin { _ in Array(reply.utf8) }
                let running = try stage.runCache([origin.endpoint.port])
                let tunnel = try CachePair.tunnel(via: running.front, to: origin.endpoint)
                try tunnel.send("GET /a HTTP/1.1\r\nHost: localhost:\(origin.endpoint.port)\r\n\r\n")
                #expect(try tunnel.socket.receive(exactly: reply.utf8.count) == Array(reply.utf8))
            }
        }

        @Test func `what stops being HTTP in the middle of a connection still goes through`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                pair.origin.on("/a", .control("max-age=60"))
                let tunnel = try pair.tunnel()
                for _ in 1...2 {
                    try tunnel.send(pair.request("/a"))
                    #expect(try tunnel.answer().text == "kept\n")
                }
                let chat = pair.request("/chat", ["Connection: Upgrade", "Upgrade: echo"])
                pair.origin.on(
                    "/chat",
                    ScriptedAnswer(["Upgrade: echo", "Connection: Upgrade"]).with {
                        $0.status = "101 Switching Protocols"
                        $0.framing = .none
                    })
                try tunnel.send(chat)
                #expect(try tunnel.answer().status == 101)
            }
        }

        @Test func `a client that says nothing and one that only closes cost the origin nothing odd`() throws {
            try onStage { stage in
                let origin = try stage.rawOrigin()
                let running = try stage.runCache([origin.endpoint.port])
                let target = Target.name("localhost", origin.endpoint.port)
                let tunnel = try SOCKSClient.tunnel(via: running.front, to: target)
                tunnel.finish()
                #expect(try tunnel.receiveToEnd(seconds: 5).isEmpty)
                let late = try SOCKSClient.tunnel(via: running.front, to: target)
                pause(1.5)
                try late.send("hello\n")
                #expect(try late.receive(exactly: 6) == Array("hello\n".utf8))
            }
        }
    }
}
