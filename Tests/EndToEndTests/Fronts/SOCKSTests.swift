// The SOCKS5 front's own rules (RFC 1928, RFC 1929).
import Foundation
import Testing

extension EndToEnd {
    @Suite struct SOCKSTests {
        @Test func `greeting, request and early data in one write work`() throws {
            try onStage { stage in
                let running = try stage.run(Pair.underTest)
                let echo = try stage.echoOrigin()
                let early = Array("early data".utf8)
                let socket = try Socket.connected(to: running.front)
                try socket.send(SOCKSClient.greeting + [5, 1, 0] + Target(echo.endpoint).header + early)
                #expect(try socket.receive(exactly: 2) == [5, 0])
                #expect(try SOCKSClient.reply(on: socket).code == 0)
                #expect(try socket.receive(exactly: early.count) == early)
            }
        }

        @Test func `a greeting and a request byte by byte work`() throws {
            try onStage { stage in
                let running = try stage.run(Pair.underTest)
                let echo = try stage.echoOrigin()
                let socket = try Socket.connected(to: running.front)
                for byte in SOCKSClient.greeting + [5, 1, 0] + Target.name("localhost", echo.endpoint.port).header {
                    try socket.send([byte])
                    pause(0.003)
                }
                #expect(try socket.receive(exactly: 2) == [5, 0])
                #expect(try SOCKSClient.reply(on: socket).code == 0)
                try socket.send("x")
                #expect(try socket.receive(exactly: 1) == Array("x".utf8))
            }
        }

        @Test func `what it does not offer is refused with the right code`() throws {
            try needs(Pair.underTest.client.isOurs, "only ours promises these codes")
            try onStage { stage in
                let running = try stage.run(Pair.underTest)
                let methods = try Socket.connected(to: running.front)
                try methods.send([5, 1, 1])
                #expect(try methods.receive(exactly: 2) == [5, 0xff], "no acceptable method")

                let bind = try greeted(running)
                let bound = try SOCKSClient.request(2, Target(Endpoint("127.0.0.1", 80)), on: bind)
                #expect(bound.code == 7, "command not supported")

                let type = try greeted(running)
                try type.send([5, 1, 0, 9, 1, 2, 3, 4, 0, 80])
                #expect(try SOCKSClient.reply(on: type).code == 8, "address type not supported")
            }
        }

        private func greeted(_ running: RunningPair) throws -> Socket {
            let socket = try Socket.connected(to: running.front)
            try socket.send(SOCKSClient.greeting)
            #expect(try socket.receive(exactly: 2) == [5, 0])
            return socket
        }

        @Test("users: the right password passes, everything else does not", arguments: [CurlFront.socks5h, .http])
        func users(_ front: CurlFront) throws {
            try needs(Pair.underTest.client.checksUsers, "no users on its local port")
            try onStage { stage in
                var options = PairOptions()
                options.users = [.init(name: "alice", password: "opens it"), .init(name: "bob", password: "b:o:b")]
                let running = try stage.runUnderTest(with: front, options)
                let origin = try stage.httpOrigin()
                let fetch = ["--fail", origin.url("/hello")] + front.arguments(running.front)
                for user in ["alice:opens it", "bob:b:o:b"] {
                    let result = try stage.curl(fetch + ["--proxy-user", user])
                    #expect(result.output == "hello\n", "\(user): \(result.errors)")
                }
                #expect(origin.requests.allSatisfy { $0.values("Proxy-Authorization").isEmpty })
                let served = origin.requests.count
                for extra in [["--proxy-user", "alice:b:o:b"], ["--proxy-user", "carol:opens it"], []] {
                    let result = try stage.curl(fetch + extra)
                    #expect(result.status != 0, "\(extra)")
                }
                #expect(origin.requests.count == served)
                if front == .http {
                    let bare = try stage.curl(["-i", origin.url("/hello")] + front.arguments(running.front))
                    #expect(bare.output.hasPrefix("HTTP/1.1 407"))
                    #expect(bare.output.lowercased().contains("proxy-authenticate: basic"))
                }
            }
        }
    }
}
