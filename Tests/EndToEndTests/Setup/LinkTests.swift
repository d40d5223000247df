// What the laptop is handed: links and SIP008 documents, good and bad, and what becomes of them (protocol.md 1.5).
import Foundation
import Testing

extension EndToEnd {
    @Suite struct LinkTests {
        private static let key = Method.blake3AES256.key.replacingOccurrences(of: "=", with: "%3D")

        @Test(
            "a link that is none is refused, and nothing of it is repeated",
            arguments: [
                "ss://2022-blake3-aes-256-gcm:s3cretpw@h:1", "ss://s3cretpw", "ss://aes-256-gcm:s3cretpw@h:0",
                "ss://aes-256-gcm:s3cretpw@", "aes-256-gcm:s3cretpw@h:1", "vmess://s3cretpw", "s3cretpw",
                "ss://rc4-md5:s3cretpw@h:1", "ss://aes-256-gcm:s3cretpw@h:1?plugin=obfs-local%3Bobfs%3Dhttp",
                "ss://aes-256-gcm:s3cretpw@0.0.0.0:1", "ssconf://s3cretpw.example/x",
                "ss://aes-256-gcm:${S3CRETPW}@h:1",
                "ss://s3cretpw:s3cretpw@h:1",
            ])
        func badLinks(_ link: String) throws {
            try onStage { stage in
                let argument = try stage.newClient(link)
                let input = try stage.newClient("-", input: link + "\n")
                for (client, statuses) in [(argument, [64, 2]), (input, [2])] as [(_, [Int32])] {
                    let finished = client.finished
                    #expect(statuses.contains { finished.exit == .status($0) }, "\(finished.exit)\n\(finished.errors)")
                    #expect(finished.errors.contains("error"), "\(finished.errors)")
                    #expect(finished.errors.contains("= help: "), "\(finished.errors)")
                    #expect(!finished.errors.lowercased().contains("s3cretpw"), "\(finished.errors)")
                    #expect(finished.output == "" && !FileManager.default.fileExists(atPath: client.file))
                }
            }
        }

        @Test func `a link as an argument works, with a word about who could see it, and is covered in ps`() throws {
            try onStage { stage in
                // A port that answers nobody: its queue is full.
                let full = try Socket.listening(Endpoint("127.0.0.1", try Ports.free()), backlog: 0)
                let port = full.localEndpoint.port
                let held = [try Socket.connected(to: full.localEndpoint)]
                let link = "ss://2022-blake3-aes-256-gcm:\(Self.key)@127.0.0.1:\(port)"
                let file = stage.workspace.unusedPath("local.json")
                let process = try stage.start(.sslocal, ["init", link, "-c", file, "--port", "\(try Ports.free())"])
                #expect(process.waitForLine { $0.contains("wrote") })
                let list = FileManager.default.contents(atPath: "/proc/\(process.pid)/cmdline") ?? Data()
                let shown = String(decoding: list, as: UTF8.self)
                #expect(shown.contains("init\0***") && !shown.contains(Self.key), "\(shown)")
                #expect(process.wait(seconds: 10) == .status(0))
                #expect(process.errors.contains("history of the shell"))
                for socket in held + [full] { socket.close() }
            }
        }

        @Test func `several servers of a document become several servers, and a bad one spoils none`() throws {
            try onStage { stage in
                let good = #""method": "2022-blake3-aes-256-gcm", "password": "\#(Method.blake3AES256.key)""#
                let document = try stage.workspace.file(
                    "servers.json",
                    """
                    { "version": 1, "servers": [
                      { "id": "1", "remarks": "one", "server": "127.0.0.1", "server_port": 1, \(good) },
                      { "id": "2", "remarks": "two", "server": "0.0.0.0", "server_port": 1, \(good) },
                      { "id": "3", "remarks": "three", "server": "127.0.0.1", "server_port": 1, \(good), "plugin": "obfs" },
                      { "id": "4", "remarks": "four", "server": "::1", "server_port": 2, \(good) } ] }
                    """)
                let client = try stage.newClient(document)
                expect(client.finished, exits: 0, saying: ["servers.json:3:44", "plugin", "obfs", "2 servers"])
                let check = try stage.run(.sslocal, ["check", "-c", client.file])
                expect(check, exits: 0, saying: [])
                let links = try stage.run(.sslocal, ["url", "-c", client.file]).output.split(separator: "\n")
                #expect(
                    links.count == 2 && links[0].hasSuffix("@127.0.0.1:1#one") && links[1].hasSuffix("@[::1]:2#four"))

                let text = try stage.workspace.file("links", links.joined(separator: "\n"))
                let again = try stage.newClient(text)
                expect(again.finished, exits: 0, saying: ["2 servers"])
                let first = try String(contentsOfFile: client.file, encoding: .utf8)
                let second = try String(contentsOfFile: again.file, encoding: .utf8)
                #expect(first.replacing("\(client.port)", with: "\(again.port)") == second)
            }
        }

        @Test func `url tells what a link says, and its key only when asked`() throws {
            try onStage { stage in
                let link =
                    "ss://2022-blake3-aes-256-gcm:\(Self.key)@[2001:db8::1]:443/?plugin=obfs%3Ba%3Db&prefix=%16%03#n"
                let table = try stage.run(.sslocal, ["url", "--decode", "-"], input: link)
                expect(table, exits: 0, saying: [])
                for words in ["2001:db8::1", "443", "obfs", "a=b", "%16%03", "2022-blake3-aes-256-gcm", "no: it needs"]
                {
                    #expect(table.output.contains(words), "\(words) is not in\n\(table.output)")
                }
                let json = try stage.run(.sslocal, ["url", "--decode", link, "--json"])
                for finished in [table, json] {
                    #expect(!(finished.output + finished.errors).contains(Method.blake3AES256.key))
                    #expect(!(finished.output + finished.errors).contains(Self.key))
                }
                let list = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]]
                #expect(list?.first?["host"] as? String == "2001:db8::1" && list?.first?["port"] as? Int == 443)
                let shown = try stage.run(.sslocal, ["url", "--decode", link, "--show-secrets"])
                #expect(shown.output.contains(Method.blake3AES256.key) && shown.output.contains(link))
            }
        }

        @Test func `url refuses what is no link without repeating it`() throws {
            try onStage { stage in
                for arguments in [
                    ["--decode", "s3cretpw"], ["--decode=s3cretpw"], ["--decode", "ss://s3cretpw"],
                    ["--decode", "s3cretpw", "--foo"], ["--decode", "x", "s3cretpw"],
                ] {
                    let finished = try stage.run(.sslocal, ["url"] + arguments)
                    expect(finished, exits: 64, saying: ["error", "= help: "], "\(arguments)")
                    #expect(!finished.errors.contains("s3cretpw"), "\(arguments): \(finished.errors)")
                }
            }
        }

        @Test func `run refuses a link to a plugin and says so`() throws {
            try onStage { stage in
                let link = "ss://aes-256-gcm:\(RunningPair.key)@127.0.0.1:1?plugin=obfs-local"
                let finished = try stage.run(.sslocal, ["--server-url", link])
                expect(finished, exits: 64, saying: ["plugin"])
            }
        }
    }
}
