// Flags, subcommands and exit statuses: 0 ok, 1 failed, 2 bad configuration, 64 bad usage (contract.md).
import Foundation
import Testing

extension EndToEnd {
    @Suite struct UsageTests {
        @Test("wrong words and flags end with 64 and the nearest right one", arguments: OurCommand.allCases)
        func usage(_ command: OurCommand) throws {
            try onStage { stage in
                let cases: [([String], [String])] = [
                    (["rnu"], ["did you mean", "run"]), (["chekc"], ["did you mean", "check"]),
                    (["--confg", "x"], ["--confg"]), (["-p", "notaport"], ["notaport"]), (["-c"], ["-c"]),
                    (["--log-format", "xml"], ["xml"]),
                ]
                for (arguments, words) in cases {
                    expect(try stage.run(command, arguments), exits: 64, saying: words, "\(arguments)")
                }
                let help = try stage.run(command, ["--help"])
                #expect(help.exit == .status(0))
                #expect(help.output.contains("check") && help.output.contains("run"))
            }
        }

        @Test("usage errors begin like all errors and repeat no password", arguments: OurCommand.allCases)
        func usageForm(_ command: OurCommand) throws {
            try onStage { stage in
                let secret = "c2VjcmV0"
                for arguments in [
                    ["-k\(secret)", "--foo"], ["-vk\(secret)"], ["--password=\(secret)", "--foo"], ["-k", "x", secret],
                    ["--paswd", secret], ["--server-url=\(secret)"], ["ss://\(secret)"], ["-c", "ss://\(secret)"],
                    ["-s", "ss://\(secret)"],
                ] {
                    let finished = try stage.run(command, arguments)
                    #expect(finished.exit != .status(0) && finished.output.isEmpty)
                    #expect(finished.errors.hasPrefix("error"), "\(arguments): \(finished.errors)")
                    #expect(finished.errors.contains("= help: "), "\(arguments): \(finished.errors)")
                    #expect(!finished.errors.contains(secret), "\(arguments): \(finished.errors)")
                }
            }
        }

        @Test("the version is said on standard output", arguments: OurCommand.allCases)
        func version(_ command: OurCommand) throws {
            try onStage { stage in
                let finished = try stage.run(command, ["--version"])
                #expect(finished.exit == .status(0) && finished.errors.isEmpty)
                #expect(finished.output.wholeMatch(of: /[a-z]+ \d+\.\d+\.\d+\n/) != nil, "\(finished.output)")
                #expect(finished.output.hasPrefix("\(command.rawValue) "))
            }
        }

        @Test("genkey prints a key of the method's length", arguments: Method.allCases)
        func genkey(_ method: Method) throws {
            try onStage { stage in
                var keys: Set<String> = []
                for name in [method.rawValue, method.rawValue.uppercased()] {
                    let finished = try stage.run(.ssserver, ["genkey", name])
                    expect(finished, exits: 0, saying: [], name)
                    let line = finished.output.trimmingCharacters(in: .newlines)
                    #expect(Data(base64Encoded: line)?.count == method.keyLength, "\(line.count) characters")
                    keys.insert(line)
                }
                #expect(keys.count == 2)
            }
        }

        @Test func `genkey refuses what is no method`() throws {
            try onStage { stage in
                for name in ["aes-256-gmc", "rc4-md5", ""] {
                    let finished = try stage.run(.ssserver, ["genkey", name])
                    #expect(finished.exit == .status(64) || finished.exit == .status(2), "\(name): \(finished.exit)")
                    #expect(finished.output == "")
                    #expect(!finished.errors.isEmpty)
                }
            }
        }

        @Test("a port in use is named", arguments: OurCommand.allCases)
        func portInUse(_ command: OurCommand) throws {
            try onStage { stage in
                let ports = try ConfigPorts()
                let occupant = try Socket.listening(Endpoint("127.0.0.1", command.port(ports)))
                let file = try stage.workspace.file("config.json", command.config(ports))
                let finished = try stage.run(command, ["run", "-c", file])
                expect(finished, exits: 1, saying: ["\(command.port(ports))", "in use"])
                occupant.close()
            }
        }

        @Test("flags alone are enough, and a key among them is warned of", arguments: OurCommand.allCases)
        func flags(_ command: OurCommand) throws {
            try onStage { stage in
                let ports = try ConfigPorts()
                let keyFile = try stage.workspace.file("key", RunningPair.key + "\n")
                let server = "127.0.0.1:\(ports.server)"
                let local = ["-b", "127.0.0.1:\(ports.local)"]
                let split = ["-s", "127.0.0.1", "-p", "\(ports.server)", "-m", "aes-256-gcm", "-U"]
                let whole = ["-s", server, "-m", "AES-256-GCM", "-t", "60", "-v"]
                let variants: [(arguments: [String], warns: Bool)] = [
                    (["run"] + split + ["-k", RunningPair.key], true), (whole + ["--password-file", keyFile], false),
                ]
                for variant in variants {
                    let extra = command == .sslocal ? local : []
                    let process = try stage.start(command, variant.arguments + extra)
                    try process.waitUntilListening([command.port(ports)])
                    let warned = process.errors.lowercased().contains("warning") && process.errors.contains("ps")
                    #expect(warned == variant.warns, "\(variant.arguments)\n\(process.errors)")
                    #expect(!process.errors.contains(RunningPair.key))
                    process.signal(SIGTERM)
                    #expect(process.wait(seconds: 5) == .status(0))
                }
            }
        }

        @Test func `a link is enough for the laptop`() throws {
            try onStage { stage in
                let ports = try ConfigPorts()
                let user = Data("aes-256-gcm:\(RunningPair.key)".utf8).base64EncodedString()
                    .replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
                    .replacingOccurrences(of: "=", with: "")
                let link = "ss://\(user)@127.0.0.1:\(ports.server)#name"
                let process = try stage.start(.sslocal, ["--server-url", link, "-b", "127.0.0.1:\(ports.local)"])
                try process.waitUntilListening([ports.local])
            }
        }
    }
}
