// Programs that die or are not there: what a user sees, and how soon.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct FailureTests {
        @Test func `the server is killed in the middle of a transfer and a new one is used at once`() throws {
            try onStage { stage in
                let running = try stage.run(Pair.underTest)
                let source = try stage.sourceOrigin(2_000_000_000)
                let socket = try SOCKSClient.tunnel(via: running.front, to: Target(source.endpoint))
                try socket.send("x")
                _ = try socket.receive(exactly: 5_000_000)
                running.server?.kill()
                let (_, seconds) = timed { _ = try? socket.receiveToEnd(limit: 100_000_000, seconds: 5) }
                Figures.show("connection ended after the server's death", "\(seconds.rounded2) s")
                #expect(socket.observe() != .silence, "the client's connection has ended")
                #expect(seconds < 2)

                _ = try stage.restartServer(of: running)
                let echo = try stage.echoOrigin()
                let (answer, recovered) = try timed {
                    let again = try SOCKSClient.tunnel(via: running.front, to: Target(echo.endpoint))
                    try again.send("x")
                    return try again.receive(exactly: 1)
                }
                #expect(answer == Array("x".utf8))
                #expect(recovered < 2)
            }
        }

        @Test func `datagrams flow again after the server was restarted`() throws {
            try onStage { stage in
                let running = try stage.run(Pair.underTest)
                let echo = try stage.datagramOrigin()
                let association = try Association(via: running.front)
                try association.send([1], to: Target(echo.endpoint))
                #expect(try association.receive()?.payload == [1])
                running.server?.kill()
                try association.send([2], to: Target(echo.endpoint))
                _ = try association.receive(seconds: 0.2)
                _ = try stage.restartServer(of: running)
                try association.send([3], to: Target(echo.endpoint))
                var last = try association.receive()?.payload
                if last == nil {
                    try association.send([3], to: Target(echo.endpoint))
                    last = try association.receive()?.payload
                }
                #expect(last == [3])
            }
        }

        @Test func `an unreachable server is answered with a failure code and with 502`() throws {
            try needs(Pair.underTest.client.isOurs, "only ours promises these codes")
            try onStage { stage in
                var options = PairOptions()
                options.startsServer = false
                let running = try stage.run(Pair.underTest, options)
                let socket = try Socket.connected(to: running.front)
                try socket.send(SOCKSClient.greeting)
                _ = try socket.receive(exactly: 2)
                let (reply, seconds) = try timed {
                    try SOCKSClient.request(1, .name("localhost", 80), on: socket)
                }
                Figures.show("server not there", "SOCKS code \(reply.code) after \(seconds.rounded2) s")
                #expect([1, 3, 4, 5].contains(reply.code))
                for front in [CurlFront.http, .connect] {
                    let result = try stage.curl(["-i", "http://localhost:80/"] + front.arguments(running.front))
                    let seen = result.output + result.errors
                    #expect(seen.contains("502"), "\(front): \(seen)")
                }
                let line = running.client?.waitForLine { $0.contains("127.0.0.1:\(running.serverPort)") }
                #expect(line == true, "the log names the server: \(running.client?.tail ?? "")")
            }
        }

        @Test func `a server that never answers the handshake is answered with a failure code and with 504`() throws {
            try needs(Pair.underTest.client.isOurs, "only ours promises these codes")
            try onStage { stage in
                // A full accept queue drops SYNs: the way to be silent on loopback.
                let blocked = try Socket.listening(Endpoint("127.0.0.1", try Ports.free()), backlog: 0)
                var queued: [Socket] = []
                while let socket = try? Socket.connected(to: blocked.localEndpoint, seconds: 0.2) {
                    queued.append(socket)
                    try #require(queued.count < 10)
                }
                var options = PairOptions()
                options.startsServer = false
                options.serverPortSeenByClient = blocked.localEndpoint.port
                let running = try stage.run(Pair.underTest, options)
                let socket = try Socket.connected(to: running.front)
                try socket.send(SOCKSClient.greeting + [5, 1, 0] + Target.name("localhost", 80).header)
                let (result, seconds) = try timed {
                    try stage.curl(
                        ["-i", "http://localhost:80/"] + CurlFront.http.arguments(running.front), seconds: 25)
                }
                Figures.show("silent handshake", "answered after \(seconds.rounded2) s")
                #expect((result.output + result.errors).contains("504"), "\(result.output)\(result.errors)")
                #expect(try socket.receive(exactly: 2) == [5, 0])
                #expect(try SOCKSClient.reply(on: socket).code != 0)
            }
        }

        @Test func `a wrong key is named to both ends`() throws {
            try needs(Pair.underTest.client.isOurs && Pair.underTest.server.isOurs, "our messages")
            try onStage { stage in
                var options = PairOptions()
                options.clientKey = "bm90IHRoZSBzYW1lIGtleSBhdCBhbGwsIHNvcnJ5IQ=="
                let running = try stage.run(Pair.underTest, options)
                let origin = try stage.httpOrigin()
                let (result, seconds) = try timed {
                    try stage.curl([origin.url("/hello")] + CurlFront.http.arguments(running.front), seconds: 25)
                }
                Figures.show("wrong key", "curl ended with \(result.status) after \(seconds.rounded2) s")
                #expect(origin.requests.isEmpty)
                #expect(result.output != "hello\n")
                #expect(running.server?.waitForLine { $0.contains("can not parse header") } == true)
                let told = running.client?.waitForLine(seconds: 2) { line in
                    let lower = line.lowercased()
                    return lower.contains("password") || lower.contains("key")
                }
                #expect(told == true, "the client's log says what to check: \(running.client?.tail ?? "")")
            }
        }

        @Test func `a server that answers nonsense ends the connection, not the client`() throws {
            try needs(Pair.underTest.client.isOurs, "our client")
            try onStage { stage in
                let fake = try stage.origin { connection in
                    _ = try connection.receive()
                    try connection.send(Pattern.bytes(500))
                    _ = try connection.receive(seconds: 10)
                }
                var options = PairOptions()
                options.startsServer = false
                options.serverPortSeenByClient = fake.endpoint.port
                let running = try stage.run(Pair.underTest, options)
                let socket = try SOCKSClient.tunnel(via: running.front, to: .name("localhost", 80))
                try socket.send("GET / HTTP/1.1\r\n\r\n")
                #expect(socket.observe(for: 3) != .silence, "the connection ends")
                #expect(running.client?.isRunning == true)
            }
        }

        @Test func `a target that is not there closes the connection`() throws {
            try onStage { stage in
                let running = try stage.run(Pair.underTest)
                let closed = Endpoint("127.0.0.1", try Ports.free())
                for target in [Target(closed), .name("no-such-host.invalid", 80)] {
                    let socket = try SOCKSClient.tunnel(via: running.front, to: target)
                    try socket.send("x")
                    #expect(socket.observe(for: 8) != .silence, "\(target)")
                    #expect(socket.observe() != .data, "\(target)")
                }
            }
        }
    }
}
