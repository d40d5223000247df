// Set-ups with more than one of something: several server ports, several locals (contract.md, "config.json"),
// and the timeouts.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct SetupTests {
        @Test func `one server has several ports with their own methods and keys`() throws {
            try needs(Pair.underTest.client.isOurs && Pair.underTest.server.isOurs, "our config")
            try onStage { stage in
                let (first, second) = (try Ports.free(), try Ports.free())
                let otherKey = "YW5vdGhlciBrZXkgZm9yIGFub3RoZXIgcG9ydCBvZiBvdXJz"
                let file = try stage.workspace.config(
                    "servers.json",
                    [
                        "servers": [
                            [
                                "server": "127.0.0.1", "server_port": first, "method": "aes-256-gcm",
                                "password": RunningPair.key,
                            ] as [String: Any],
                            [
                                "server": "::1", "server_port": second, "method": "chacha20-ietf-poly1305",
                                "password": otherKey,
                            ],
                        ],
                        "egress": ["allow_private": true],
                    ])
                let server = try stage.start(.ssserver, ["run", "-c", file])
                try server.waitUntilListening([first, second], udp: [first, second])
                var one = PairOptions()
                one.startsServer = false
                one.serverPortSeenByClient = first
                var two = one
                two.serverPortSeenByClient = second
                two.clientKeys = {
                    ["server": "::1", "password": otherKey, "method": "AEAD_CHACHA20_POLY1305"]
                }
                for options in [one, two] {
                    let running = try stage.run(Pair.underTest, options)
                    try Interop.exerciseStreams(stage, running)
                    try Interop.exerciseDatagrams(stage, running)
                }
            }
        }

        @Test func `one client has several locals, and each speaks its own protocol only`() throws {
            try needs(Pair.underTest.client.isOurs, "our config")
            try onStage { stage in
                let (socks, http) = (try Ports.free(), try Ports.free())
                let origin = try stage.httpOrigin()
                var options = PairOptions()
                options.startsClient = false
                let running = try stage.run(Pair.underTest, options)
                let file = try stage.workspace.config(
                    "locals.json",
                    [
                        "server": "127.0.0.1", "server_port": running.serverPort,
                        "method": Pair.underTest.method.rawValue, "password": RunningPair.key,
                        "locals": [
                            ["protocol": "socks", "local_address": "127.0.0.1", "local_port": socks] as [String: Any],
                            ["protocol": "http", "local_address": "::1", "local_port": http],
                        ],
                    ])
                let client = try stage.start(.sslocal, ["run", "-c", file])
                try client.waitUntilListening([socks, http])
                let (socksEnd, httpEnd) = (Endpoint("127.0.0.1", socks), Endpoint("::1", http))
                let fetch = ["--fail", origin.url("/hello")]
                #expect(try stage.curl(fetch + CurlFront.socks5h.arguments(socksEnd)).output == "hello\n")
                #expect(try stage.curl(fetch + CurlFront.socks4a.arguments(socksEnd)).output == "hello\n")
                #expect(try stage.curl(fetch + CurlFront.http.arguments(httpEnd)).output == "hello\n")
                #expect(try stage.curl(fetch + CurlFront.connect.arguments(httpEnd)).output == "hello\n")
                #expect(try stage.curl(fetch + CurlFront.http.arguments(socksEnd), seconds: 3).status != 0)
                #expect(try stage.curl(fetch + CurlFront.socks5h.arguments(httpEnd), seconds: 3).status != 0)
                #expect(origin.requests.count == 4)
            }
        }

        @Test func `an idle tunnel is ended by the timeout, a busy one and a stranger are not`() throws {
            try needs(Pair.underTest.client.isOurs && Pair.underTest.server.isOurs, "our timeout")
            try onStage { stage in
                var options = PairOptions()
                options.serverKeys = { ["timeout": 2] }
                options.clientKeys = { ["timeout": 2] }
                let running = try stage.run(Pair.underTest, options)
                let echo = try stage.echoOrigin()
                let stranger = try Socket.connected(to: running.serverEndpoint)
                try stranger.send(Probe.random(300))
                let short = try Socket.connected(to: running.serverEndpoint)
                try short.send(Probe.random(10))
                let empty = try Socket.connected(to: running.serverEndpoint)
                let (idle, busy) = (
                    try SOCKSClient.tunnel(via: running.front, to: Target(echo.endpoint)),
                    try SOCKSClient.tunnel(via: running.front, to: Target(echo.endpoint))
                )
                try idle.send("x")
                _ = try idle.receive(exactly: 1)
                for _ in 0..<10 {
                    try busy.send("x")
                    #expect(try busy.receive(exactly: 1) == Array("x".utf8))
                    pause(0.5)
                }
                // Nobody has ended it, so it is not shown as an end.
                #expect(idle.observe() == .reset)
                for probe in [stranger, short, empty] { #expect(probe.observe() == .silence) }
            }
        }
    }
}
