// What the server refuses to reach unless it is told to (security.md 6.1): the address is judged, however it
// is spelled and whoever resolved it.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct EgressTests {
        private static func spellings(_ port: UInt16) -> [Target] {
            let names = [
                "127.0.0.1", "localhost", "localhost.", "LOCALHOST", "127.1", "0x7f.1", "0x7f000001", "2130706433",
                "0177.0.0.1", "0", "0.0.0.0", "::1", "[::1]", "::", "::ffff:127.0.0.1", "::ffff:7f00:1", "127.0.0.1.",
            ]
            let literals = [
                "127.0.0.1", "127.255.0.9", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "64:ff9b::7f00:1",
                "2002:7f00:1::",
            ]
            return names.map { .name($0, port) } + literals.map { Target(Endpoint($0, port)) }
        }

        private static let elsewhere: [Target] = [
            "10.0.0.1", "169.254.169.254", "172.16.0.1", "192.168.0.1", "100.100.100.200", "224.0.0.1",
            "255.255.255.255", "fe80::1", "fc00::1", "ff02::1", "::ffff:10.0.0.1",
        ].map { Target(Endpoint($0, 80)) }

        @Test func `no spelling of loopback or of a private address is reached by streams`() throws {
            try needs(Pair.underTest.server.isOurs, "no such policy")
            try onStage { stage in
                let (running, v4, v6) = try Self.refusingServer(stage)
                for target in Self.spellings(v4.endpoint.port) + Self.elsewhere {
                    // The client may already refuse what is no host name; the server must refuse the rest.
                    guard let socket = try? SOCKSClient.tunnel(via: running.front, to: target) else { continue }
                    try? socket.send("x")
                    #expect(socket.observe(for: 3) == .fin, "\(target) is closed, and at once")
                }
                #expect(v4.accepted + v6.accepted == 0, "the listeners heard nothing")
            }
        }

        @Test func `a client that refuses nothing gets no further`() throws {
            try needs(Pair.underTest.server.isOurs, "no such policy")
            try onStage { stage in
                let (running, v4, v6) = try Self.refusingServer(stage, client: .libev)
                for target in Self.spellings(v4.endpoint.port) {
                    let socket = try SOCKSClient.tunnel(via: running.front, to: target)
                    try? socket.send("x")
                    #expect(socket.observe(for: 3) != .silence, "\(target) is closed, and at once")
                }
                #expect(v4.accepted + v6.accepted == 0, "the listeners heard nothing")
            }
        }

        @Test func `no spelling of loopback is reached by datagrams`() throws {
            try needs(Pair.underTest.server.isOurs, "no such policy")
            try onStage { stage in
                var options = PairOptions()
                options.allowLoopback = false
                let running = try stage.run(Pair.underTest, options)
                let echo = try stage.datagramOrigin()
                let association = try Association(via: running.front)
                for target in Self.spellings(echo.endpoint.port) { try association.send([1], to: target) }
                #expect(try association.receive(seconds: 1.5) == nil)
                #expect(echo.received == 0)
                #expect(running.server?.isRunning == true)
            }
        }

        @Test func `what is allowed is reached by address and by name, on both families`() throws {
            try onStage { stage in
                let running = try stage.run(Pair.underTest)
                let (v4, v6) = (try stage.echoOrigin(), try stage.echoOrigin("::1"))
                let targets: [Target] = [
                    Target(v4.endpoint), .name("127.0.0.1", v4.endpoint.port), .name("localhost", v4.endpoint.port),
                    Target(v6.endpoint), .name("::1", v6.endpoint.port),
                ]
                for target in targets {
                    let socket = try SOCKSClient.tunnel(via: running.front, to: target)
                    try socket.send("x")
                    #expect(try socket.receive(exactly: 1) == Array("x".utf8), "\(target)")
                }
                let datagrams = try stage.datagramOrigin("::1")
                let association = try Association(via: running.front)
                try association.send([6], to: Target(datagrams.endpoint))
                let answer = try #require(try association.receive())
                #expect(answer.from == datagrams.endpoint)
            }
        }

        @Test func `an allowed list opens what it names and no more`() throws {
            try needs(Pair.underTest.server.isOurs, "no such policy")
            try onStage { stage in
                var options = PairOptions()
                options.allowed = ["127.0.0.2/32"]
                let running = try stage.run(Pair.underTest, options)
                let (named, other) = (try stage.echoOrigin("127.0.0.2"), try stage.echoOrigin())
                let open = try SOCKSClient.tunnel(via: running.front, to: Target(named.endpoint))
                try open.send("x")
                #expect(try open.receive(exactly: 1) == Array("x".utf8))
                let closed = try SOCKSClient.tunnel(via: running.front, to: Target(other.endpoint))
                try closed.send("x")
                #expect(closed.observe(for: 3) == .fin)
                #expect(other.accepted == 0)
            }
        }

        private static func refusingServer(
            _ stage: Stage, client: Program = Pair.underTest.client
        ) throws -> (RunningPair, Origin, Origin) {
            var options = PairOptions()
            options.allowLoopback = false
            let running = try stage.run(Pair(client: client, server: Pair.underTest.server), options)
            let v4 = try stage.origin("0.0.0.0") { _ = try $0.receive() }
            let v6 = try stage.origin("::1", port: v4.endpoint.port) { _ = try $0.receive() }
            return (running, v4, v6)
        }
    }
}
