// The configuration, read again while the server runs.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct ReloadTests {
        /// The configuration of `server` with other keys.
        private static func rewrite(_ server: UserServer, _ change: (inout [String: Any]) -> Void) throws {
            let url = URL(fileURLWithPath: server.config)
            var config = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
            change(&config)
            // Written beside it and renamed over it, for the server's eyes only.
            let other = server.config + ".new"
            try JSONSerialization.data(withJSONObject: config).write(to: URL(fileURLWithPath: other))
            chmod(other, 0o600)
            #expect(rename(other, server.config) == 0)
        }

        private static func reload(_ server: UserServer) throws -> Finished {
            try server.stage.run(.ssserver, ["reload", "-c", server.config])
        }

        @Test func `keys, users, rules, egress and ports change, and what runs goes on`() throws {
            try onStage { stage in
                let server = try UserServer(stage)
                let echo = try stage.echoOrigin()
                let client = try server.client(server.key)
                let running = try SOCKSClient.tunnel(via: client.front, to: Target(echo.endpoint))
                func isAlive() -> Bool {
                    guard (try? running.send("x")) != nil else { return false }
                    return (try? running.receive(exactly: 1)) == [0x78]
                }
                #expect(isAlive())
                #expect(try Self.reload(server).output == "nothing has changed\n")
                let status = try server.stage.run(.ssserver, ["status", "-c", server.config])
                #expect(status.output.contains("configuration read again"), "\(status.output)")
                let second = try Ports.free()
                let key = Method.key(40, server.method.keyLength)
                try Self.rewrite(server) { config in
                    config["password"] = key
                    config["blacklist"] = ["rules": ["||ads.example^"]]
                    config["egress"] = ["allow_private": ["127.0.0.0/8"], "deny_ports": [Int(echo.endpoint.port)]]
                    config["workers"] = 1
                }
                let finished = try Self.reload(server)
                #expect(finished.exit == .status(0), "\(finished.errors)")
                for word in ["\(server.endpoint) key", "blacklist.rules +1", "egress"] {
                    #expect(finished.output.contains("changed \(word)\n"), "\(word) in \(finished.output)")
                }
                #expect(finished.errors.contains("workers"))
                #expect(isAlive(), "what runs keeps its key and its target")
                #expect(!client.echoes(echo, seconds: 1), "the former key is a stranger's")
                let other = try server.client(key)
                #expect(!other.echoes(echo, seconds: 1), "the port is closed")
                let open = try stage.echoOrigin()
                #expect(other.echoes(open))
                try Self.rewrite(server) { config in
                    config["servers"] = [
                        [
                            "server": "127.0.0.1", "server_port": server.port, "method": server.method.rawValue,
                            "password": key,
                        ],
                        [
                            "server": "127.0.0.1", "server_port": second, "method": "aes-256-gcm",
                            "password": "ein langes Passwort 12",
                        ],
                    ]
                    for name in ["server", "server_port", "method", "password"] { config[name] = nil }
                }
                // SIGHUP does the same, and says it in the log.
                server.process.signal(SIGHUP)
                #expect(server.process.waitForLine { $0.contains("127.0.0.1:\(second) opened") })
                #expect(eventually(3) { (try? Socket.connected(to: Endpoint("127.0.0.1", second))) != nil })
                #expect(isAlive() && other.echoes(open))
            }
        }

        @Test func `what is wrong is said and changes nothing`() throws {
            try onStage { stage in
                let server = try UserServer(stage)
                let echo = try stage.echoOrigin()
                let client = try server.client(server.key)
                for (name, value, words) in [
                    ("method", "rot13" as Any, "rot13"), ("blacklist", ["rules": ["a b"]], "is not understood"),
                    ("blacklist", ["files": ["/nowhere"]], "/nowhere"), ("server_port", 0, "port"),
                    ("passwort", "x", "passwort"),
                ] {
                    let before = try Data(contentsOf: URL(fileURLWithPath: server.config))
                    try Self.rewrite(server) { $0[name] = value }
                    let finished = try Self.reload(server)
                    #expect(
                        finished.exit == .status(2) && finished.errors.contains(words), "\(name): \(finished.errors)")
                    #expect(client.echoes(echo))
                    server.process.signal(SIGHUP)
                    #expect(
                        server.process.waitForLine { $0.contains("the one from before stays") && $0.contains(words) })
                    #expect(client.echoes(echo))
                    try before.write(to: URL(fileURLWithPath: server.config))
                    chmod(server.config, 0o600)
                }
                #expect(!server.process.errors.contains(server.key))
            }
        }

        @Test func `users come and go with the file, and nobody else notices`() throws {
            try onStage { stage in
                func user(_ name: String, _ key: String) -> [String: Any] { ["name": name, "password": key] }
                let method = Method.blake3AES256
                let keys = (50..<54).map { Method.key($0, method.keyLength) }
                let server = try UserServer(
                    stage, method,
                    keys: ["users": [user("alice", keys[0]), user("bob", keys[1]), user("carol", keys[2])]])
                let echo = try stage.echoOrigin()
                func open(_ key: String) throws -> Socket {
                    let client = try server.client("\(server.key):\(key)")
                    let tunnel = try SOCKSClient.tunnel(via: client.front, to: Target(echo.endpoint))
                    try tunnel.send("x")
                    #expect(try tunnel.receive(exactly: 1) == [0x78])
                    return tunnel
                }
                let alice = try open(keys[0])
                let bob = try open(keys[1])
                let carol = try open(keys[2])
                try Self.rewrite(server) { $0["users"] = [user("alice", keys[0]), user("carol", keys[3])] }
                #expect(try Self.reload(server).output.contains("users -1"))
                // Bob is gone, Carol has another key.
                #expect(eventually(5) { bob.observe() != .silence && carol.observe() != .silence })
                try alice.send("y")
                #expect(try alice.receive(exactly: 1) == [0x79])
                _ = try open(keys[3])
            }
        }
    }
}
