// From nothing to a page through the tunnel in two commands, and what `init` refuses (contract.md, ux.md 1).
import Foundation
import Testing

extension EndToEnd {
    @Suite struct InitTests {
        @Test("a server and a laptop made by init fetch a page", arguments: Method.allCases)
        func firstPage(_ method: Method) throws {
            try onStage { stage in
                let new = try stage.newServer(["--method", method.rawValue, "--name", "vps 1"])
                #expect(new.link.hasPrefix("ss://") && new.link.hasSuffix("@127.0.0.1:\(new.port)#vps%201"))
                #expect(try stage.run(.ssserver, ["check", "--strict", "-c", new.file]).exit == .status(0))
                let client = try stage.newClient("-", input: new.link + "\n")
                expect(client.finished, exits: 0, saying: ["nothing listens"])
                #expect(client.finished.output == "")
                #expect(try stage.run(.sslocal, ["check", "--strict", "-c", client.file]).exit == .status(0))

                _ = try stage.startServer(new)
                let process = try stage.start(.sslocal, ["-c", client.file])
                try process.waitUntilListening([client.port])
                let origin = try stage.httpOrigin()
                let proxy = ["-x", "socks5h://127.0.0.1:\(client.port)"]
                let result = try stage.curl(proxy + [origin.url("/hello", host: "localhost")])
                #expect(result.output == "hello\n", "\(result.errors)\n\(process.tail)")
                let password = try ForeignLink(new.link).password
                #expect(!new.said.contains(password) && !client.finished.errors.contains(password))
            }
        }

        @Test func `init reaches the server that it has been told of`() throws {
            try onStage { stage in
                let new = try stage.newServer()
                _ = try stage.startServer(new)
                let client = try stage.newClient("-", input: new.link)
                expect(client.finished, exits: 0, saying: ["✓ 127.0.0.1:\(new.port) takes TCP connections"])
            }
        }

        @Test func `files and folders are their owner's, and nothing else is left`() throws {
            try onStage { stage in
                let new = try stage.newServer()
                let client = try stage.newClient("-", input: new.link)
                for file in [new.file, client.file] {
                    #expect(try mode(of: file) == 0o600)
                    #expect(try mode(of: folder(of: file)) == 0o700)
                    #expect(try names(in: folder(of: file)) == [(file as NSString).lastPathComponent])
                }
            }
        }

        @Test func `a configuration that is there stays, unless it is forced`() throws {
            try onStage { stage in
                let new = try stage.newServer()
                let before = try Data(contentsOf: URL(filePath: new.file))
                let port = "\(try Ports.free())"
                let again = ["init", "-c", new.file, "--host", "127.0.0.1", "--port", port]
                let refused = try stage.run(.ssserver, again)
                expect(refused, exits: 1, saying: ["is there already", "--force"])
                #expect(refused.output == "")
                #expect(try Data(contentsOf: URL(filePath: new.file)) == before)
                let forced = try stage.run(.ssserver, again + ["--force"])
                expect(forced, exits: 0, saying: [])
                #expect(!forced.output.hasPrefix(new.link))
                #expect(try mode(of: new.file) == 0o600)

                let client = try stage.newClient("-", input: new.link)
                let local = try Data(contentsOf: URL(filePath: client.file))
                let second = try stage.newClient("-", input: new.link, file: client.file)
                expect(second.finished, exits: 1, saying: ["is there already"])
                #expect(try Data(contentsOf: URL(filePath: client.file)) == local)
                #expect(try names(in: folder(of: client.file)).count == 1)
            }
        }

        @Test("a port that is taken is said, and nothing is written", arguments: [true, false])
        func takenPort(_ isStream: Bool) throws {
            try onStage { stage in
                let port = try Ports.free()
                let endpoint = Endpoint("127.0.0.1", port)
                let occupant = isStream ? try Socket.listening(endpoint) : try Socket.datagram(endpoint)
                let file = stage.workspace.unusedPath("new") + "/server.json"
                let finished = try stage.run(.ssserver, ["init", "-c", file, "--host", "h", "--port", "\(port)"])
                expect(finished, exits: 1, saying: ["port \(port)", isStream ? "TCP" : "UDP", "another program"])
                #expect(finished.output == "" && !FileManager.default.fileExists(atPath: folder(of: file)))
                guard isStream else { return occupant.close() }
                let client = try stage.run(
                    .sslocal, ["init", "-", "-c", file, "--port", "\(port)"], input: "ss://aes-256-gcm:p@127.0.0.1:1")
                expect(client, exits: 1, saying: ["port \(port)"])
                #expect(!FileManager.default.fileExists(atPath: file))
                occupant.close()
            }
        }

        @Test func `where the usual port is taken, another is found`() throws {
            try onStage { stage in
                // If somebody else has it, that serves as well.
                let occupant = try? Socket.listening(Endpoint("127.0.0.1", 8388))
                defer { occupant?.close() }
                let file = stage.workspace.unusedPath("server.json")
                let finished = try stage.run(.ssserver, ["init", "-c", file, "--host", "vps.example"])
                expect(finished, exits: 0, saying: ["port 8388 cannot be used"])
                let link = try ForeignLink(String(finished.output.prefix { $0 != "\n" }))
                #expect(link.host == "vps.example" && (10_000...32_000).contains(link.port))
            }
        }

        @Test func `a key of one's own is taken if it is good`() throws {
            try onStage { stage in
                let file = try stage.workspace.file("key", Method.blake3AES256.userKeyForInit + "\nmore\n")
                let new = try stage.newServer(["--password-file", file])
                #expect(try ForeignLink(new.link).password == Method.blake3AES256.userKeyForInit)
                let other = stage.workspace.unusedPath("server.json")
                let piped = try stage.run(
                    .ssserver,
                    ["init", "-c", other, "--host", "h", "--port", "\(try Ports.free())", "--password-file", "-"],
                    input: Method.blake3AES256.userKeyForInit)
                expect(piped, exits: 0, saying: ["your key"])
            }
        }

        @Test(
            "a key that can be guessed is refused, not repeated, and nothing is written",
            arguments: [
                ("aes-256-gcm", "barfoo!", "manuals"), ("aes-256-gcm", "s3cretpw", "at least 16"),
                ("2022-blake3-aes-256-gcm", "s3cretpw", "32 random bytes"),
                ("2022-blake3-aes-256-gcm", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "not random"),
                ("aes-256-gcm", "", "empty"), ("aes-256-gcm", "${HOME_OF_SOMEBODY_ELSE}", "variable"),
            ])
        func weakKeys(_ method: String, _ key: String, _ words: String) throws {
            try onStage { stage in
                let file = stage.workspace.unusedPath("server.json")
                let keyFile = try stage.workspace.file("key", key)
                let common = ["init", "-c", file, "--host", "h", "-m", method, "--port", "\(try Ports.free())"]
                for finished in [
                    try stage.run(.ssserver, common + ["--password-file", keyFile]),
                    try stage.run(.ssserver, common + ["--password-file", "-"], input: key + "\n"),
                ] {
                    expect(finished, exits: 1, saying: [words])
                    #expect(finished.output == "" && !FileManager.default.fileExists(atPath: file))
                    #expect(key.isEmpty || !finished.errors.contains(key))
                }
            }
        }

        @Test func `what is no method, host or port is refused as bad usage`() throws {
            try onStage { stage in
                let file = stage.workspace.unusedPath("server.json")
                for (arguments, words) in [
                    (["-m", "rc4-md5"], "refused"), (["-m", "2022-blake3-aes-256-gmc"], "did you mean"),
                    (["--host", "a b"], "--host"), (["--host", "0.0.0.0"], "--host"), (["--port", "0"], "--port"),
                    (["--host", "2001:db8::g"], "IPv6"), (["--prot", "1"], "--port"), (["x"], "x"),
                ] {
                    let finished = try stage.run(.ssserver, ["init", "-c", file] + arguments)
                    expect(finished, exits: 64, saying: [words], "\(arguments)")
                    #expect(!FileManager.default.fileExists(atPath: file))
                }
            }
        }

        @Test func `a folder that may not be written is said`() throws {
            try onStage { stage in
                let plain = try stage.workspace.file("plain", "")
                let finished = try stage.run(
                    .ssserver, ["init", "-c", plain + "/server.json", "--host", "h", "--port", "\(try Ports.free())"])
                expect(finished, exits: 1, saying: ["could not be written"])
                #expect(finished.output == "")
            }
        }
    }
}

extension Method {
    /// Random bytes in base64, unlike `userKey`, which is one byte over and over.
    fileprivate var userKeyForInit: String { Data((1...UInt8(keyLength)).map { $0 &* 37 }).base64EncodedString() }
}
