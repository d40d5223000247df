// `ssserver users`, as a person at a prompt meets it.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct UserCommandTests {
        @Test func `users come, are shown in a table and as JSON, are limited and go`() throws {
            try onStage { stage in
                let server = try UserServer(stage)
                let none = try server.must(["list"])
                #expect(none.output.isEmpty && none.errors.contains("there are no users"))
                let added = try server.must([
                    "add", "alice", "--quota", "1GiB", "--rate", "2MiB", "--streams", "5", "--expires", "2099-01-31",
                ])
                #expect(
                    added.errors.contains("added \"alice\" on port \(server.port), method \(server.method.rawValue)"))
                // The key alone is what a pipe gets.
                #expect(added.output.wholeMatch(of: /[A-Za-z0-9+\/]{43}=:[A-Za-z0-9+\/]{43}=\n/) != nil)
                #expect(!added.output.contains(server.key), "the port's own key is not theirs")
                let bob = try server.must(["add", "Bob B", "--json"])
                let members = try JSONSerialization.jsonObject(with: Data(bob.output.utf8)) as? [String: Any]
                #expect(members?["name"] as? String == "Bob B" && members?["port"] as? Int == Int(server.port))

                let table = try server.must(["list"]).output.split(separator: "\n").map(String.init)
                #expect(table.count == 3)
                #expect(table[0].split(separator: " ").prefix(3) == ["NAME", "PORT", "STATE"])
                #expect(table[1].hasPrefix("Bob B ") && table[1].hasSuffix("never"))
                for word in ["alice", "\(server.port)", "ok", "1.1 GB", "2.1 MB/s", "0/5", "2099-01-31"] {
                    #expect(table[2].contains(word), "\(word) in \(table[2])")
                }
                let alice = try server.user("alice")
                #expect(alice["quota"] as? Int == 1 << 30 && alice["streams"] as? Int == 5)

                let limited = try server.must(["limit", "alice", "--quota", "none", "--streams", "7"])
                #expect(limited.output.contains("0/7") && limited.output.contains("2099-01-31"))
                #expect(try server.user("alice")["quota"] is NSNull)
                #expect(try server.must(["rm", "alice"]).errors == "removed \"alice\"\n")
                #expect(try server.must(["remove", "Bob B"]).output.isEmpty)
                #expect(try server.must(["list"]).output.isEmpty)
                let log = server.process.errors
                #expect(log.contains("a user was added") && log.contains("a user was removed"))
                #expect(!log.contains(added.output.prefix(20)))
            }
        }

        @Test func `what cannot be is said in a line, with status 1 or 64, and changes nothing`() throws {
            try onStage { stage in
                let server = try UserServer(stage)
                _ = try server.add("alice")
                let before = try server.must(["list", "--json"]).output
                for (arguments, status, words) in [
                    (["add", "alice"], 1, ["there is a user \"alice\" already"]),
                    (["add", "a/b"], 1, ["no name for a user"]),
                    (["add", "bob", "--expires", "2027-02-30"], 1, ["\"expires\" must be a day"]),
                    (["add", "bob", "--quota", "lots"], 64, ["--quota takes a size"]),
                    (["add", "bob", "--streams", "0"], 64, ["--streams takes a number"]),
                    (["add", "bob", "--port", "99999"], 64, ["--port takes a port"]),
                    (["add", "bob", "--port", "1"], 1, ["port 1 is not served"]),
                    (["add", "bob", "--password-file", "/nowhere"], 1, ["cannot read the password file"]),
                    (["rm", "eve"], 1, ["there is no user \"eve\""]),
                    (["limit", "eve", "--quota", "1"], 1, ["no user"]),
                    (["limit", "alice"], 64, ["say what to limit"]), (["lst"], 64, ["lst"]),
                ] as [([String], Int32, [String])] {
                    expect(try server.run(arguments), exits: status, saying: words, arguments.joined(separator: " "))
                }
                #expect(try server.must(["list", "--json"]).output == before)
            }
        }

        @Test func `a key from a file is the user's, and one that is none is not repeated`() throws {
            try onStage { stage in
                let server = try UserServer(stage)
                let key = server.method.userKey
                let good = try stage.workspace.file("key", key + "\n")
                #expect(try server.add("alice", ["--password-file", good]).hasSuffix(":\(key)"))
                for (text, word) in [(String(key.dropLast(8)), "the key is none"), (key, "somebody has that key")] {
                    let file = try stage.workspace.file("key", text)
                    let refused = try server.run(["add", "bob", "--password-file", file])
                    expect(refused, exits: 1, saying: [word])
                    #expect(!(refused.errors + refused.output).contains(text.prefix(10)))
                }
            }
        }

        @Test func `without a server that runs, or a configuration, a command says so and what to do`() throws {
            try onStage { stage in
                let server = try UserServer(stage)
                server.process.signal(SIGKILL)
                #expect(server.process.wait(seconds: 5) != nil)
                for arguments in [["list"], ["list", "--json"], ["add", "alice"], ["rm", "alice"]] {
                    let refused = try server.run(arguments)
                    expect(refused, exits: 1, saying: ["ssserver does not run here", "start it"])
                    #expect(refused.output.isEmpty)
                }
                let socket = try stage.run(.ssserver, ["users", "list", "--socket", "/nowhere/admin.sock"])
                expect(socket, exits: 1, saying: ["/nowhere/admin.sock"])
                let missing = try stage.run(.ssserver, ["users", "list", "-c", "/nowhere.json"])
                expect(missing, exits: 1, saying: ["/nowhere.json", "cannot be read"])
            }
        }

        @Test func `a second server on the same state does not take the first one's socket away`() throws {
            try onStage { stage in
                let server = try UserServer(stage)
                _ = try server.add("alice")
                let text = try String(contentsOfFile: server.config, encoding: .utf8)
                let other = try Ports.free()
                let config = try stage.workspace.file(
                    "other.json", text.replacing("\"server_port\" : \(server.port)", with: "\"server_port\" : \(other)")
                )
                let second = try stage.start(.ssserver, ["run", "-c", config])
                try second.waitUntilListening([other])
                #expect(second.waitForLine { $0.contains("commands cannot reach this server") })
                #expect(try server.user("alice")["state"] as? String == "ok")
                second.signal(SIGTERM)
                #expect(second.wait(seconds: 10) != nil)
                #expect(try server.user("alice")["state"] as? String == "ok")
            }
        }
    }
}
