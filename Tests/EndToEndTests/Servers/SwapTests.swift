// Another list of servers while the program runs (docs/servers.md).
import Foundation
import Testing

extension EndToEnd {
    @Suite struct SwapTests {
        @Test("A list is swapped in while a long download runs unbroken; it is kept, owner's alone, and given up again")
        func swap() throws {
            try onStage { stage in
                let group = try ServerGroup(stage, running: [0])
                let origin = try stage.httpOrigin()
                let url = origin.url("/hello", host: "localhost")
                let download = try stage.startLongDownload(group, origin)
                try group.startServer(1)
                let swapped = try group.use(group.link(1) + "#second%20one\n")
                #expect(swapped.exit == .status(0), "\(swapped.errors)")
                #expect(swapped.errors.contains("127.0.0.1:\(group.ports[1])"))
                #expect(try group.fetch(url).output == "hello\n")
                var status = try group.status()
                let file = "\(group.state)/servers.json"
                #expect(status.list == file && status.servers.count == 1)
                #expect(status.servers[0]["name"] as? String == "second one")
                #expect(status.portInUse == Int(group.ports[1]))
                let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
                #expect(mode == 0o600)
                #expect(try LongDownload.isWhole(download))
                // What it is told never holds the key, nor does the log.
                #expect(!swapped.errors.contains(ServerGroup.key) && !group.client.errors.contains(ServerGroup.key))
                // A restart finds it, and says so.
                try group.restartClient()
                #expect(group.client.waitForLine { $0.contains("instead of the configuration's") && $0.contains(file) })
                group.kill(0)
                #expect(try group.fetch(url).output == "hello\n")
                #expect(try group.useConfiguration().exit == .status(0))
                status = try group.status()
                #expect(status.list == nil && status.servers.count == 2)
                #expect(!FileManager.default.fileExists(atPath: file))
                try group.restartClient()
                #expect(try group.status().list == nil)
            }
        }

        @Test("A list without a usable server changes nothing; of a mixed one the good are used and the others named")
        func bad() throws {
            try onStage { stage in
                let group = try ServerGroup(stage)
                #expect(try group.use(group.link(1)).exit == .status(0))
                let before = try group.status()
                for text in [
                    "", "ss://nonsense", "not a link at all", "{}", "{\"version\": 1, \"servers\": []}",
                    "{\"version\": 1, ",
                    "ss://aes-256-gcm:password@127.0.0.1:1/?plugin=v2ray-plugin", "ss://rc4-md5:x@127.0.0.1:1",
                    "{\"version\":1,\"servers\":[{\"server\":\"a\",\"server_port\":0,\"method\":\"aes-256-gcm\",\"password\":\"x\"}]}",
                ] {
                    let finished = try group.use(text)
                    #expect(finished.exit != .status(0), "\(text)")
                    #expect(!finished.errors.isEmpty)
                    let after = try group.status()
                    #expect(
                        after.list == before.list && after.portInUse == before.portInUse && after.servers.count == 1)
                }
                let plugin = "ss://aes-256-gcm:a-password-of-mine@127.0.0.1:1/?plugin=v2ray-plugin"
                let mixed = try group.use(plugin + "\n" + group.link(0) + "\n")
                #expect(mixed.exit == .status(0))
                #expect(mixed.errors.contains("v2ray-plugin") && !mixed.errors.contains("a-password-of-mine"))
                #expect(try group.status().portInUse == Int(group.ports[0]))
                // Whoever has no argument, or two, is told how it is meant.
                let usage = try stage.run(try Tool.sslocal.path(), ["use"])
                #expect(usage.exit == .status(64))
            }
        }

        @Test(
            "A list by https goes through the tunnel, or round it; who speaks no TLS gives none, and the token stays untold"
        )
        func online() throws {
            try onStage { stage in
                let group = try ServerGroup(stage)
                let origin = try stage.httpOrigin()
                let address = "https://localhost:\(origin.endpoint.port)/TOKEN/list"
                for flags in [[], ["--direct"]] {
                    let connections = origin.connections
                    let finished = try stage.run(
                        try Tool.sslocal.path(), ["use", address, "--socket", "\(group.state)/admin.sock"] + flags)
                    #expect(finished.exit == .status(1))
                    #expect(finished.errors.contains("speaks no TLS"), "\(finished.errors)")
                    #expect(!finished.errors.contains("TOKEN"))
                    #expect(origin.connections == connections + 1)
                }
                let through = group.servers.compactMap(\.self).map { server in
                    server.errorLines.count { $0.contains("connecting localhost:\(origin.endpoint.port)") }
                }
                #expect(through.reduce(0, +) == 1)
                #expect(!group.client.errors.contains("TOKEN"))
                #expect(try group.status().list == nil)
                let usage = try stage.run(try Tool.sslocal.path(), ["use", "http://localhost/TOKEN"])
                #expect(usage.exit == .status(64) && !usage.errors.contains("TOKEN"))
            }
        }

        @Test("A list that cannot be kept is not used")
        func notKept() throws {
            try onStage { stage in
                let group = try ServerGroup(stage)
                // A folder has the name of the file.
                try FileManager.default.createDirectory(
                    atPath: "\(group.state)/servers.json/x", withIntermediateDirectories: true)
                let finished = try group.use(group.link(1))
                #expect(finished.exit == .status(1))
                #expect(finished.errors.contains("could not be kept"))
                #expect(try group.status().servers.count == 2)
                try group.restartClient()
                #expect(try group.status().servers.count == 2)
            }
        }

        @Test("Killed at any moment of a swap, the next start finds one list or the other, and nothing lies about")
        func kills() throws {
            try onStage { stage in
                let group = try ServerGroup(stage, running: [])
                #expect(try group.use(group.link(0)).exit == .status(0))
                let file = "\(group.state)/servers.json"
                for round in 0..<6 {
                    let swaps = try (0..<4).map { number in
                        let list = try stage.workspace.file("list", group.link((round + number) % 2) + "\n")
                        return try stage.start(
                            try Tool.sslocal.path(), ["use", list, "--socket", "\(group.state)/admin.sock"])
                    }
                    pause(0.02 * Double(round))
                    try group.restartClient(hard: true)
                    for swap in swaps { _ = swap.wait(seconds: 10) }
                    let text = try String(contentsOfFile: file, encoding: .utf8)
                    let json = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
                    #expect((json?["servers"] as? [[String: Any]])?.count == 1, "\(text)")
                    let status = try group.status()
                    #expect(status.list == file && status.servers.count == 1)
                }
                try group.restartClient(hard: true)
                let left = try FileManager.default.contentsOfDirectory(atPath: group.state)
                #expect(Set(left).isSubset(of: ["admin.sock", "servers.json"]), "\(left)")
            }
        }

        @Test("Who names the server on the command line gets that one; two programs in one place do not share a list")
        func commandLine() throws {
            try onStage { stage in
                let group = try ServerGroup(stage)
                #expect(try group.use(group.link(1)).exit == .status(0))
                let port = try Ports.free()
                let key = try stage.workspace.file("key", ServerGroup.key + "\n")
                let config = try stage.workspace.config("s.json", ["state_directory": group.state])
                let arguments = [
                    "run", "-c", config, "-s", "127.0.0.1:\(group.ports[0])", "-m", Method.blake3AES256.rawValue,
                    "--password-file", key, "-l", "\(port)",
                ]
                let other = try stage.start(try Tool.sslocal.path(), arguments)
                try other.waitUntilListening([port])
                #expect(other.waitForLine { $0.contains("there is no admin socket") && $0.contains("another program") })
                #expect(try group.status().servers.count == 1)
                other.kill()
                group.client.signal(SIGTERM)
                _ = group.client.wait(seconds: 10)
                let alone = try stage.start(try Tool.sslocal.path(), arguments)
                try alone.waitUntilListening([port])
                #expect(alone.waitForLine { $0.contains("the server of the command line is used") })
                #expect(try group.status().portInUse == Int(group.ports[0]))
            }
        }
    }
}
