// What `ssserver share` hands out works in our laptop and in another's (SIP023 for users).
import Foundation
import Testing

extension EndToEnd {
    @Suite struct ShareTests {
        /// A server with the users alice and bob.
        private func serverWithUsers(_ stage: Stage, _ method: Method) throws -> NewServer {
            let new = try stage.newServer(["--method", method.rawValue])
            let keys = try (0..<2).map { _ in
                try stage.run(.ssserver, ["genkey", method.rawValue]).output.trimmingCharacters(in: .newlines)
            }
            let users = zip(["alice", "bob"], keys).map { "{ \"name\": \"\($0)\", \"password\": \"\($1)\" }" }
            _ = try stage.startServer(new, adding: "\"users\": [ \(users.joined(separator: ", ")) ]")
            return new
        }

        private func link(_ stage: Stage, _ new: NewServer, _ arguments: [String] = []) throws -> String {
            let finished = try stage.run(.ssserver, ["share", "-c", new.file, "--host", "127.0.0.1"] + arguments)
            expect(finished, exits: 0, saying: [], "\(arguments)")
            return finished.output.trimmingCharacters(in: .newlines)
        }

        @Test("a user's link works in our laptop and in another's", arguments: [Method.blake3AES128, .blake3AES256])
        func users(_ method: Method) throws {
            try onStage { stage in
                let new = try serverWithUsers(stage, method)
                #expect(try link(stage, new) == "alice\nbob")
                let alice = try link(stage, new, ["alice"])
                #expect(alice.hasSuffix("#alice"))
                #expect(try link(stage, new, ["bob"]) != alice)

                let client = try stage.newClient("-", input: alice)
                let ours = try stage.start(.sslocal, ["-c", client.file])
                try ours.waitUntilListening([client.port])
                try exercise(stage, method, client.port)

                let parts = try ForeignLink(alice)
                #expect(parts.password.split(separator: ":").count == 2)
                let port = try Ports.free()
                let file = try stage.workspace.config(
                    "singbox.json",
                    [
                        "log": ["level": "error"],
                        "inbounds": [["type": "mixed", "listen": "127.0.0.1", "listen_port": port]],
                        "outbounds": [
                            [
                                "type": "shadowsocks", "server": parts.host, "server_port": parts.port,
                                "method": parts.method, "password": parts.password,
                            ] as [String: Any]
                        ],
                    ])
                let theirs = try stage.start(Tool.singBox.path(), ["run", "-c", file])
                try theirs.waitUntilListening([port])
                try exercise(stage, method, port)
            }
        }

        private func exercise(_ stage: Stage, _ method: Method, _ port: UInt16) throws {
            let running = RunningPair(
                pair: .underTest(method), client: nil, server: nil, serverPort: 0, localPort: port, tunnelPort: 0)
            try Interop.exerciseStreams(stage, running)
            try Interop.exerciseDatagrams(stage, running)
        }

        @Test func `share repeats the link of init, also as JSON and as a document`() throws {
            try onStage { stage in
                let new = try stage.newServer(["--name", "vps"])
                #expect(try link(stage, new) == new.link)
                // "public_host" stands in the file.
                let plain = try stage.run(.ssserver, ["share", "-c", new.file])
                #expect(plain.exit == .status(0) && plain.output == new.link + "\n" && plain.errors == "")
                let json = try JSONSerialization.jsonObject(with: Data(link(stage, new, ["--json"]).utf8))
                #expect((json as? [[String: Any]])?.first?["link"] as? String == new.link)
                let output = stage.workspace.unusedPath("share") + "/list.json"
                let written = try stage.run(.ssserver, ["share", "-c", new.file, "--sip008", "-o", output])
                #expect(written.exit == .status(0) && written.output == "")
                #expect(try mode(of: output) == 0o600)
                let document = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: output)))
                let server = try #require(((document as? [String: Any])?["servers"] as? [[String: Any]])?.first)
                let parts = try ForeignLink(new.link)
                #expect(server["password"] as? String == parts.password && server["server_port"] as? Int == parts.port)
                #expect(server["server"] as? String == "127.0.0.1" && server["remarks"] as? String == "vps")
                let client = try stage.newClient(output)
                expect(client.finished, exits: 0, saying: [])
                #expect(try stage.run(.sslocal, ["url", "-c", client.file]).output == new.link + "\n")
            }
        }

        @Test func `a stranger has no link, and a port without users has no names`() throws {
            try onStage { stage in
                let new = try serverWithUsers(stage, .blake3AES256)
                expect(
                    try stage.run(.ssserver, ["share", "alcie", "-c", new.file]), exits: 1,
                    saying: ["did you mean", "alice"])
                let other = try stage.newServer()
                expect(try stage.run(.ssserver, ["share", "alice", "-c", other.file]), exits: 1, saying: ["no user"])
                let bad = try stage.workspace.file("bad.json", "{")
                expect(try stage.run(.ssserver, ["share", "-c", bad]), exits: 2, saying: [":1:"])
                for flags in [["--qr", "--json"], ["--sip008", "--json"], ["--host", "a b"]] {
                    expect(try stage.run(.ssserver, ["share", "-c", new.file] + flags), exits: 64, saying: [])
                }
            }
        }

        @Test func `every port without users has a link, at the address it listens on`() throws {
            try onStage { stage in
                let keyFile = try stage.workspace.file("key", RunningPair.key + "\n")
                let file = try stage.workspace.config(
                    "many.json",
                    [
                        "method": "aes-256-gcm", "password_file": keyFile,
                        "servers": [
                            ["server": "127.0.0.1", "server_port": 1001, "name": "a"],
                            ["server": "::1", "server_port": 1002],
                        ],
                    ])
                let finished = try stage.run(.ssserver, ["share", "-c", file])
                let links = try finished.output.split(separator: "\n").map { try ForeignLink(String($0)) }
                #expect(links.map(\.port) == [1001, 1002])
                #expect(links.allSatisfy { $0.password == RunningPair.key && $0.method == "aes-256-gcm" })
                #expect(finished.output.contains("@[::1]:1002\n") && finished.output.contains("@127.0.0.1:1001#a\n"))
            }
        }
    }
}
