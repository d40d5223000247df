// Users come and go while others are served.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct UserLifeTests {
        @Test("a thousand users on one port, each by a key of their own", arguments: [Program.ours, .singbox])
        func thousand(_ program: Program) throws {
            try onStage { stage in
                func key(_ number: Int) -> String {
                    (Data(repeating: 5, count: 30) + Data([UInt8(number / 256), UInt8(number % 256)]))
                        .base64EncodedString()
                }
                let users = (0..<1000).map { ["name": "user\($0)", "password": key($0)] }
                let server = try UserServer(stage, keys: ["users": users])
                let source = try stage.sourceOrigin(100_000)
                let echo = try stage.datagramOrigin()
                for number in [0, 499, 999] {
                    let client = try server.client("\(server.key):\(key(number))", program)
                    #expect(client.fetch(100_000, from: source) == Pattern.digest(100_000))
                    let association = try Association(via: client.front)
                    try association.send(Pattern.bytes(300), to: Target(echo.endpoint))
                    #expect(try association.receive()?.payload == Pattern.bytes(300))
                    #expect(try server.number("bytes_down", of: "user\(number)") >= 100_300)
                }
                #expect(try server.number("bytes_down", of: "user500") == 0)
            }
        }

        @Test(
            "users are added, limited and removed while others stream: theirs ends, nobody else's",
            arguments: [Method.blake3AES256, .aes256])
        func whileOthersStream(_ method: Method) throws {
            try onStage { stage in
                let server = try UserServer(stage, method)
                let (rounds, size) = (40, 50_000)
                let source = try stage.origin { connection in
                    // Two seconds' worth.
                    for round in 0..<rounds {
                        try connection.send(Pattern.bytes(rounds * size)[round * size..<(round + 1) * size])
                        pause(0.05)
                    }
                    connection.finish()
                    _ = try? connection.receive(seconds: 60)
                }
                let echo = try stage.echoOrigin()
                let stays = [try server.client(server.key), try server.client(try server.add("alice"))]
                let goes = try server.client(try server.add("bob"))
                let tunnels = try (stays + [goes]).map {
                    try SOCKSClient.tunnel(via: $0.front, to: Target(source.endpoint))
                }
                for tunnel in tunnels { #expect(try tunnel.receive(exactly: 1).count == 1) }
                let quiet = try SOCKSClient.tunnel(via: goes.front, to: Target(echo.endpoint))
                try quiet.send("a")
                #expect(try quiet.receive(exactly: 1) == Array("a".utf8))

                let new = try server.client(try server.add("carol"))
                #expect(new.echoes(echo))
                try server.must(["limit", "carol", "--streams", "9"])
                try server.must(["rm", "bob"])
                #expect(quiet.observe(for: 3) != .silence, "a stream without traffic ends, too")
                #expect(!goes.echoes(echo, seconds: 1))
                for tunnel in tunnels.dropLast() {
                    #expect(try tunnel.receiveToEnd(seconds: 20) == Array(Pattern.bytes(rounds * size).dropFirst()))
                }
                let rest = try? tunnels[2].receiveToEnd(seconds: 10)
                #expect((rest?.count ?? 0) < rounds * size - 1, "bob's download was not cut")
                #expect(new.echoes(echo))
                #expect(try server.number("streams_open", of: "carol") <= 1)
            }
        }

        @Test func `datagrams of a user who is removed end, and others' go on`() throws {
            try onStage { stage in
                let server = try UserServer(stage)
                let echo = try stage.datagramOrigin()
                let target = Target(echo.endpoint)
                let (alice, bob) = (
                    try Association(via: try server.client(try server.add("alice")).front),
                    try Association(via: try server.client(try server.add("bob")).front)
                )
                for association in [alice, bob] {
                    try association.send([1], to: target)
                    #expect(try association.receive()?.payload == [1])
                }
                #expect(try server.number("associations_open", of: "bob") == 1)
                try server.must(["rm", "bob"])
                let heard = echo.received
                try bob.send([2], to: target)
                #expect(try bob.receive(seconds: 0.5) == nil)
                #expect(echo.received == heard)
                try alice.send([3], to: target)
                #expect(try alice.receive()?.payload == [3])
                #expect(try server.number("bytes_up", of: "alice") == 2)
            }
        }

        @Test(
            "a user added by a command gets through with our client and with another, by stream and by datagram",
            arguments: [
                (Method.blake3AES128, Program.ours), (.blake3AES128, .singbox), (.blake3AES256, .singbox),
                (.aes256, .singbox), (.chacha20, .libev),
            ])
        func clients(_ method: Method, _ program: Program) throws {
            try onStage { stage in
                let server = try UserServer(stage, method)
                let password = try server.add("alice")
                let client = try server.client(password, program)
                try Interop.exerciseStreams(stage, client.running)
                try Interop.exerciseDatagrams(stage, client.running)
                #expect(try server.number("bytes_down", of: "alice") >= 2_000_000)
                #expect(try server.number("bytes_up", of: "alice") >= 1_000_000)
                #expect(eventually(5) { (try? server.number("streams_open", of: "alice")) == 0 })
            }
        }

        @Test func `classic users of the configuration and of commands are told apart by their passwords`() throws {
            try onStage { stage in
                let (ann, port) = ("the pass phrase of Ann, 7 words long", RunningPair.key)
                let server = try UserServer(
                    stage, .chacha20, keys: ["users": [["name": "ann", "password": ann, "streams": 3]]])
                let bob = try server.add("bob")
                let source = try stage.sourceOrigin(100_000)
                for (index, password) in [ann, bob, port].enumerated() {
                    let client = try server.client(password)
                    for _ in 0...index { #expect(client.fetch(100_000, from: source) == Pattern.digest(100_000)) }
                }
                #expect(try server.number("bytes_down", of: "ann") == 100_000)
                #expect(try server.number("bytes_down", of: "bob") == 200_000)
                let stranger = try server.client("nobody has this pass phrase at all")
                #expect(stranger.fetch(1, from: source, seconds: 1) == nil)
                #expect(eventually(5) { server.process.refusals.count == 1 })
            }
        }

        @Test func `a user of the configuration whom a command limited or removed stays so after a restart`() throws {
            try onStage { stage in
                let method = Method.blake3AES128
                let keys = [method.userKey, Data(repeating: 11, count: 16).base64EncodedString()]
                let users = zip(["ann", "ben"], keys).map { ["name": $0, "password": $1] }
                let server = try UserServer(stage, method, keys: ["users": users])
                let echo = try stage.echoOrigin()
                let clients = try keys.map { try server.client("\(method.key):\($0)") }
                for client in clients { #expect(client.echoes(echo)) }
                try server.must(["limit", "ann", "--streams", "1"])
                try server.must(["rm", "ben"])
                for _ in 0..<2 {
                    #expect(clients[0].echoes(echo))
                    #expect(!clients[1].echoes(echo, seconds: 1))
                    #expect(try server.number("streams", of: "ann") == 1)
                    #expect(try server.user("ben")["state"] as? String == "removed")
                    try server.restart()
                }
                #expect(server.process.errors.contains("a command removed them"))
                // Back under the same name, with another key.
                let again = try server.client(try server.add("ben"))
                #expect(again.echoes(echo))
                #expect(!clients[1].echoes(echo, seconds: 1))
            }
        }
    }
}
