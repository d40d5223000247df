// SIGTERM and SIGINT: no new connections, what runs may finish, and an end within ten seconds (issue: "drains").
import Foundation
import Testing

extension EndToEnd {
    @Suite struct ShutdownTests {
        private static let bound = 10.0

        @Test("an idle program ends at once and with 0", arguments: OurCommand.allCases, [SIGTERM, SIGINT])
        func idle(_ command: OurCommand, _ signal: Int32) throws {
            try onStage { stage in
                let ports = try ConfigPorts()
                let file = try stage.workspace.file("config.json", command.config(ports))
                let process = try stage.start(command, ["-c", file])
                try process.waitUntilListening([command.port(ports)])
                process.signal(signal)
                let (exit, seconds) = timed { process.wait(seconds: Self.bound) }
                #expect(exit == .status(0), "\(process.tail)")
                #expect(seconds < 2, "\(seconds.rounded2) s")
            }
        }

        @Test("a transfer that runs is finished first", arguments: OurCommand.allCases)
        func drains(_ command: OurCommand) throws {
            try needs(Pair.underTest.client.isOurs && Pair.underTest.server.isOurs, "our promise")
            try onStage { stage in
                let running = try stage.run(Pair.underTest)
                let process = try #require(command == .sslocal ? running.client : running.server)
                let origin = try stage.httpOrigin()
                let socket = try SOCKSClient.tunnel(via: running.front, to: Target(origin.endpoint))
                try socket.send("GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                _ = try socket.receive(through: "\r\n\r\n")
                process.signal(SIGTERM)
                pause(0.3)
                let port = command == .sslocal ? running.localPort : running.serverPort
                #expect(throws: SocketError.refused) { try Socket.connected(to: Endpoint("127.0.0.1", port)).close() }
                let body = try socket.receiveToEnd(seconds: 5)
                #expect(body == [UInt8](repeating: UInt8(ascii: "."), count: 20), "\(body.count) of 20 bytes")
                let (exit, seconds) = timed { process.wait(seconds: Self.bound) }
                #expect(exit == .status(0), "\(process.tail)")
                #expect(seconds < 2, "nothing was left to wait for: \(seconds.rounded2) s")
            }
        }

        @Test("a transfer without end is cut off in time", arguments: OurCommand.allCases)
        func bounded(_ command: OurCommand) throws {
            try needs(Pair.underTest.client.isOurs && Pair.underTest.server.isOurs, "our promise")
            try onStage { stage in
                let running = try stage.run(Pair.underTest)
                let process = try #require(command == .sslocal ? running.client : running.server)
                let echo = try stage.echoOrigin()
                let open = try (0..<20).map { _ in
                    let socket = try SOCKSClient.tunnel(via: running.front, to: Target(echo.endpoint))
                    try socket.send("x")
                    _ = try socket.receive(exactly: 1)
                    return socket
                }
                let stranger = try Socket.connected(to: running.serverEndpoint)
                try stranger.send(Probe.random(300))
                process.signal(SIGTERM)
                let (exit, seconds) = timed { process.wait(seconds: Self.bound + 1) }
                #expect(exit == .status(0), "\(process.tail)")
                Figures.show("\(command.rawValue) with 20 open tunnels ended", "\(seconds.rounded2) s")
                #expect(seconds < Self.bound)
                // Nobody takes this for the other's end.
                for socket in open { #expect(throws: SocketError.reset) { try socket.receiveToEnd(seconds: 5) } }
                withExtendedLifetime(stranger) {}
            }
        }

        @Test("SIGHUP ends neither program", arguments: OurCommand.allCases)
        func hangup(_ command: OurCommand) throws {
            try onStage { stage in
                let ports = try ConfigPorts()
                let file = try stage.workspace.file("config.json", command.config(ports))
                let process = try stage.start(command, ["-c", file])
                try process.waitUntilListening([command.port(ports)])
                process.signal(SIGHUP)
                #expect(process.wait(seconds: 0.5) == nil)
            }
        }
    }
}
