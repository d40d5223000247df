// Panels open and close ports by ss-manager's protocol; both kinds of socket.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct ManagerTests {
        @Test(arguments: [Method.aes256, .chacha20, .blake3AES256])
        func `a port that a panel adds serves, counts, and is gone when it is removed`(_ method: Method) throws {
            try needs(Pair.underTest.server.isOurs, "our protocol")
            try onStage { stage in
                let origin = try stage.echoOrigin()
                let (control, address) = try manager(stage)
                let port = try Ports.free()
                let add = #"{"server_port": \#(port), "password": "\#(method.key)", "method": "\#(method.rawValue)"}"#
                #expect(try ask(control, address, "add: \(add)") == "ok")
                #expect(try ask(control, address, "list").contains("\"server_port\":\"\(port)\""))
                #expect(try ask(control, address, "ping") == "stat: {\"\(port)\":0}")
                let pair = Pair(client: .ours, server: .ours, method: method)
                var options = PairOptions()
                options.startsServer = false
                options.serverPortSeenByClient = port
                let running = try stage.run(pair, options)
                let socket = try SOCKSClient.tunnel(via: running.front, to: Target(origin.endpoint))
                try socket.send("hello")
                #expect(try socket.receive(exactly: 5) == Array("hello".utf8))
                let counted = eventually(3) { (try? ask(control, address, "ping")) == "stat: {\"\(port)\":10}" }
                #expect(counted, "five bytes each way")
                #expect(try ask(control, address, "remove: {\"server_port\": \(port)}") == "ok")
                #expect(try ask(control, address, "ping") == "stat: {}")
                var hasEnded = false
                do { hasEnded = try socket.receive(seconds: 5).isEmpty } catch is SocketError { hasEnded = true }
                #expect(hasEnded, "what was open ended")
                #expect(throws: (any Error).self) { try Socket.connected(to: Endpoint("127.0.0.1", port)) }
            }
        }

        @Test func `what a panel may not do is refused, and serves on`() throws {
            try needs(Pair.underTest.server.isOurs, "our protocol")
            try onStage { stage in
                let (control, address) = try manager(stage)
                let taken = try stage.echoOrigin()
                for command in [
                    "nonsense", "add: {", "remove: {\"server_port\": 9}",
                    "add: {\"server_port\": \(taken.endpoint.port), \"password\": \"\(RunningPair.key)\"}",
                    "add: {\"server_port\": 9000, \"password\": \"k\", \"method\": \"2022-blake3-aes-256-gcm\"}",
                ] {
                    let answer = try ask(control, address, command)
                    #expect(answer.hasPrefix("err"), "\(command): \(answer)")
                    #expect(!answer.contains(RunningPair.key))
                }
                #expect(try ask(control, address, "ping") == "stat: {}")
            }
        }

        /// A server that only panels tell what to serve.
        private func manager(_ stage: Stage) throws -> (Socket, Endpoint) {
            let address = Endpoint("127.0.0.1", try Ports.free())
            let file = try stage.workspace.config(
                "manager.json",
                [
                    "server": "127.0.0.1", "manager_address": "\(address)",
                    "egress": ["allow_private": ["127.0.0.0/8"]],
                ])
            _ = try stage.start(OurCommand.ssserver, ["-c", file])
            let control = try Socket.datagram(Endpoint("127.0.0.1", 0))
            let isThere = eventually(10) { (try? ask(control, address, "ping", seconds: 0.3)) == "stat: {}" }
            guard isThere else { throw HarnessError("the manager does not answer") }
            return (control, address)
        }

        private func ask(
            _ control: Socket, _ address: Endpoint, _ command: String, seconds: Double = 5
        ) throws -> String {
            try control.send(Array(command.utf8), to: address)
            guard let answer = control.receiveDatagram(seconds: seconds) else { throw HarnessError("no answer") }
            return String(decoding: answer.bytes, as: UTF8.self)
        }
    }
}
