// Each leg of the way broken on purpose, and what `doctor` makes of it.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct DoctorTests {
        private static let well = ["ok", "ok", "ok", "ok", "ok"]

        @Test(
            "nothing is broken where nothing is",
            arguments: [
                Pair(client: .ours, server: .ours, method: .blake3AES256),
                Pair(client: .ours, server: .ours, method: .chacha20),
                Pair(client: .ours, server: .libev, method: .aes256),
                Pair(client: .ours, server: .singbox, method: .blake3ChaCha20),
            ])
        func well(_ pair: Pair) throws {
            try onStage { stage in
                let diagnosis = try Patient(stage, pair).examine()
                #expect(diagnosis.verdicts() == Self.well, "\(diagnosis.parts)")
                #expect(["ok", "note"].contains(diagnosis["clock"]?.verdict))
                #expect(diagnosis["port"]?.verdict == "note" && diagnosis["proxy"]?.verdict == "ok")
                #expect(diagnosis["relay"]?.text.contains("HTTP 200") == true)
                #expect(diagnosis.works && diagnosis.exit == .status(0))
            }
        }

        @Test func `a laptop whose program does not run is told to start it, and the servers are looked at`() throws {
            try onStage { stage in
                var options = PairOptions()
                options.startsClient = false
                let diagnosis = try Patient(stage, .underTest(.blake3AES256), options).examine()
                #expect(diagnosis["port"]?.verdict == "broken")
                #expect(diagnosis["port"]?.cure.contains("sslocal") == true)
                #expect(diagnosis.verdicts() == Self.well)
                #expect(diagnosis.exit == .status(1) && !diagnosis.works)
            }
        }

        @Test func `a port that another program has is told from ours`() throws {
            try onStage { stage in
                var patient = try Patient(stage)
                patient.changes["local_port"] = patient.http.endpoint.port
                #expect(try patient.examine()["port"]?.text.contains("another program") == true)
            }
        }

        @Test func `a name without an address ends it`() throws {
            try onStage { stage in
                var patient = try Patient(stage)
                patient.changes["server"] = "no-such-server.invalid"
                let diagnosis = try patient.examine()
                #expect(diagnosis.verdicts() == ["broken", "skipped", "skipped", "skipped", "skipped"])
                #expect(diagnosis["name"]?.text.contains("no-such-server.invalid") == true)
            }
        }

        @Test func `a name that leads home is worth a note`() throws {
            try onStage { stage in
                var patient = try Patient(stage)
                patient.changes["server"] = "localhost"
                let diagnosis = try patient.examine()
                #expect(diagnosis.verdicts() == ["note", "ok", "ok", "ok", "ok"] && diagnosis.works)
            }
        }

        @Test func `a port where nobody listens`() throws {
            try onStage { stage in
                var patient = try Patient(stage)
                patient.changes["server_port"] = try Ports.free()
                let diagnosis = try patient.examine()
                #expect(diagnosis.verdicts() == ["ok", "broken", "skipped", "skipped", "skipped"])
                #expect(diagnosis["tcp"]?.text.contains("nothing listens") == true)
            }
        }

        @Test(
            "another key is told from another trouble, and hardly seen in the server's log",
            arguments: [
                Pair(client: .ours, server: .ours, method: .blake3AES256),
                Pair(client: .ours, server: .ours, method: .aes256),
                Pair(client: .ours, server: .libev, method: .aes256),
                Pair(client: .ours, server: .singbox, method: .blake3AES256),
            ])
        func wrongKey(_ pair: Pair) throws {
            try onStage { stage in
                var patient = try Patient(stage, pair)
                patient.changes["password"] = pair.method.is2022 ? pair.method.userKey : "some-other-long-password-4711"
                let diagnosis = try patient.examine()
                #expect(diagnosis.verdicts() == ["ok", "ok", "broken", "skipped", "skipped"], "\(diagnosis.parts)")
                #expect(diagnosis["handshake"]?.cure.contains("compare password") == true)
                // A ban program counts these lines: fewer than the five that it usually takes.
                if let server = patient.running.server, pair.server.isOurs { #expect(server.refusals.count < 5) }
            }
        }

        @Test("another method is found", arguments: [Method.aes256, .blake3AES256])
        func wrongMethod(_ method: Method) throws {
            try onStage { stage in
                var patient = try Patient(stage, Pair(client: .ours, server: .ours, method: method))
                patient.changes["method"] = method.is2022 ? Method.blake3ChaCha20.rawValue : Method.chacha20.rawValue
                let diagnosis = try patient.examine()
                #expect(diagnosis["handshake"]?.verdict == "broken")
                #expect(diagnosis["handshake"]?.cure.contains(method.rawValue) == true, "\(diagnosis.parts)")
            }
        }

        @Test("a clock that is fast is found out and by how much", arguments: [3600, 12_600, 95])
        func wrongClock(_ seconds: Int) throws {
            try onStage { stage in
                let diagnosis = try Patient(stage).examine(clock: seconds)
                #expect(diagnosis.verdicts() == ["ok", "ok", "broken", "skipped", "skipped"])
                let clock = try #require(diagnosis["clock"])
                let span = [3600: "1 h", 12_600: "3 h 30 min", 95: "95 s"][seconds] ?? ""
                #expect(clock.verdict == "broken")
                #expect(clock.text.contains(span) || seconds == 95 && clock.text.contains("9"), "\(clock.text)")
                #expect(clock.text.contains("behind"), "\(clock.text)")
            }
        }

        @Test func `nothing is sealed for a time to come, also not by who has a slow clock`() throws {
            try onStage { stage in
                let patient = try Patient(stage)
                let diagnosis = try patient.examine(clock: -3600)
                #expect(diagnosis.verdicts() == ["ok", "ok", "broken", "skipped", "skipped"])
                #expect(diagnosis["handshake"]?.cure.contains("ERR_CLOCK") == true, "\(diagnosis.parts)")
                // Whatever the server was sent was older than its own time.
                let server = try #require(patient.running.server)
                let seconds = server.errors.matches(of: /out of time.* seconds=(-?[0-9]+)/).compactMap { Int($0.1) }
                #expect(!seconds.isEmpty && seconds.allSatisfy { $0 <= -3500 }, "\(seconds)")
            }
        }

        @Test func `a target that cannot be reached is not the server's key`() throws {
            try onStage { stage in
                let patient = try Patient(stage)
                let diagnosis = try patient.examine(["--target", "127.0.0.1:\(try Ports.free())"])
                #expect(diagnosis.verdicts() == ["ok", "ok", "ok", "broken", "ok"])
                #expect(diagnosis["relay"]?.cure.contains("ssserver doctor") == true)
                let silent = try stage.origin { _ in pause(20) }
                let second = try patient.examine(["--target", "\(silent.endpoint)"])
                #expect(second.verdicts() == ["ok", "ok", "ok", "broken", "ok"], "\(second.parts)")
            }
        }

        @Test func `without UDP too a target that is not there is not the server's key, though nobody proves it`()
            throws
        {
            try onStage { stage in
                var options = PairOptions()
                options.serverHasUDP = false
                let patient = try Patient(stage, .underTest(.blake3AES256), options)
                let diagnosis = try patient.examine(["--target", "127.0.0.1:\(try Ports.free())"])
                #expect(diagnosis.verdicts() == ["ok", "ok", "note", "broken", "broken"], "\(diagnosis.parts)")
            }
        }

        @Test func `who closes whatever comes is not taken for a server that understands`() throws {
            try onStage { stage in
                let closer = try stage.origin { connection in
                    // Reads a line, which random bytes have mostly.
                    while let byte = try connection.receive(1, seconds: 3).first, byte != 10 {}
                }
                var patient = try Patient(stage)
                patient.changes["server_port"] = closer.endpoint.port
                for _ in 0..<3 {
                    let diagnosis = try patient.examine()
                    #expect(diagnosis["handshake"]?.verdict != "ok", "\(diagnosis.parts)")
                    #expect(diagnosis["handshake"]?.cure.contains("\"method\"") != true, "\(diagnosis.parts)")
                }
            }
        }

        @Test func `a server for datagrams alone is examined by them`() throws {
            try onStage { stage in
                var patient = try Patient(stage)
                patient.changes["mode"] = "udp_only"
                patient.changes["locals"] = [
                    ["protocol": "socks", "local_address": "127.0.0.1", "local_port": patient.running.localPort]
                ]
                let diagnosis = try patient.examine()
                #expect(diagnosis.verdicts() == ["ok", "skipped", "ok", "skipped", "ok"], "\(diagnosis.parts)")
            }
        }

        @Test func `another proxy on the port is not taken for sslocal`() throws {
            try onStage { stage in
                let other = try stage.run(Pair(client: .singbox, server: .ours, method: .aes256))
                var patient = try Patient(stage)
                patient.changes["local_port"] = other.localPort
                #expect(try patient.examine()["port"]?.verdict == "note")
                let state = stage.workspace.unusedPath("running-state")
                var options = PairOptions()
                options.clientKeys = { ["state_directory": state] }
                var second = try Patient(stage, .underTest(.blake3AES256), options)
                second.changes["state_directory"] = state
                #expect(try second.examine()["port"]?.verdict == "ok")
                second.changes["local_port"] = other.localPort
                #expect(try second.examine()["port"]?.verdict == "broken")
            }
        }

        @Test func `a server without UDP is found, unless the laptop wants none`() throws {
            try onStage { stage in
                var options = PairOptions()
                options.serverHasUDP = false
                var patient = try Patient(stage, .underTest(.blake3AES256), options)
                let diagnosis = try patient.examine()
                #expect(diagnosis.verdicts() == ["ok", "ok", "ok", "ok", "broken"] && !diagnosis.works)
                #expect(diagnosis["udp"]?.text.contains("closed") == true)
                patient.changes["mode"] = "tcp_only"
                let second = try patient.examine()
                #expect(second.verdicts() == ["ok", "ok", "ok", "ok", "skipped"] && second.works)
            }
        }

        @Test func `a port that speaks something else is no Shadowsocks server`() throws {
            try onStage { stage in
                var patient = try Patient(stage)
                patient.changes["server_port"] = try stage.echoOrigin().endpoint.port
                #expect(
                    try patient.examine()["handshake"]?.text.contains("no Shadowsocks server") == true)
            }
        }

        @Test func `each of several servers is examined`() throws {
            try onStage { stage in
                let group = try ServerGroup(stage, running: [1])
                let patient = try Patient(stage)
                let diagnosis = try stage.diagnose(.sslocal, ["-c", group.configuration] + patient.targets)
                #expect(patient.http.connections > 0)
                #expect(diagnosis.parts.count == 3)
                #expect(diagnosis.parts[1].about.contains("vps \(group.ports[0])"))
                #expect(diagnosis.parts[1].legs["tcp"]?.verdict == "broken")
                #expect(diagnosis.parts[2].legs["relay"]?.verdict == "ok")
            }
        }

        @Test func `what is wrong with the command line or the configuration is said before anything is tried`() throws
        {
            try onStage { stage in
                for command in OurCommand.allCases {
                    let bad = try stage.workspace.config("bad.json", ["server": "127.0.0.1", "bloklist": 1])
                    let finished = try stage.run(command, ["doctor", "-c", bad])
                    expect(finished, exits: 2, saying: ["bloklist", "nothing was examined"])
                    expect(
                        try stage.run(command, ["doctor", "--target", "nowhere"]), exits: 64,
                        saying: ["--target takes a host and a port"])
                }
            }
        }

        // MARK: The server's

        @Test func `a server that is well, one that does not run, and one whose key was changed since`() throws {
            try onStage { stage in
                let state = stage.workspace.unusedPath("server-state")
                var options = PairOptions()
                options.serverKeys = { ["state_directory": state] }
                let patient = try Patient(stage, .underTest(.blake3AES256), options)
                func examine(_ password: String) throws -> Diagnosis {
                    let file = try stage.workspace.config(
                        "server.json",
                        [
                            "server": "127.0.0.1", "server_port": patient.running.serverPort,
                            "method": Method.blake3AES256.rawValue, "password": password, "state_directory": state,
                            "public_host": "vps.example.net",
                        ])
                    return try stage.diagnose(.ssserver, ["-c", file] + patient.targets)
                }
                let legs = ["running", "tcp out", "listening", "key", "udp"]
                #expect(try examine(Method.blake3AES256.key).verdicts(legs) == ["ok", "ok", "ok", "ok", "ok"])
                let changed = try examine(Method.blake3AES256.userKey)
                #expect(changed.verdicts(legs) == ["ok", "ok", "ok", "broken", "broken"] && !changed.works)
                patient.running.server?.kill()
                let stopped = try examine(Method.blake3AES256.key)
                #expect(stopped.verdicts(legs) == ["broken", "ok", "broken", "not there", "skipped"])
                #expect(stopped.exit == .status(1))
            }
        }

        @Test func `a port that serves users alone is not called broken, nor what it cannot try tried`() throws {
            try onStage { stage in
                let state = stage.workspace.unusedPath("server-state")
                var options = PairOptions()
                options.hasUser = true
                options.serverKeys = { ["state_directory": state] }
                let patient = try Patient(stage, .underTest(.blake3AES256), options)
                let file = try stage.workspace.config(
                    "server.json",
                    [
                        "server": "127.0.0.1", "server_port": patient.running.serverPort, "state_directory": state,
                        "method": Method.blake3AES256.rawValue, "password": Method.blake3AES256.key,
                        "users": [["name": "alice", "password": Method.blake3AES256.userKey]],
                    ])
                let diagnosis = try stage.diagnose(.ssserver, ["-c", file] + patient.targets)
                #expect(
                    diagnosis.verdicts(["running", "listening", "key", "udp"]) == ["ok", "ok", "skipped", "skipped"])
                #expect(diagnosis.works && patient.running.server?.refusals.isEmpty == true)
            }
        }

        @Test func `both programs share a state directory, and each command reaches its own`() throws {
            try onStage { stage in
                let state = stage.workspace.unusedPath("shared-state")
                var options = PairOptions()
                options.serverKeys = { ["state_directory": state] }
                options.clientKeys = { ["state_directory": state] }
                let running = try stage.run(.underTest(.blake3AES256), options)
                let file = try stage.workspace.config(
                    "both.json",
                    [
                        "server": "127.0.0.1", "server_port": running.serverPort, "local_port": running.localPort,
                        "method": Method.blake3AES256.rawValue, "password": Method.blake3AES256.key,
                        "state_directory": state,
                    ])
                for command in OurCommand.allCases {
                    let finished = try stage.run(command, ["status", "--json", "-c", file])
                    #expect(finished.exit == .status(0), "\(finished.errors)")
                    #expect(finished.output.contains("\"program\":\"\(command.rawValue)\""), "\(finished.output)")
                }
                // Who is left alone is found all the same.
                running.server?.kill()
                #expect(try stage.run(.sslocal, ["status", "-c", file]).exit == .status(0))
                #expect(try stage.run(.ssserver, ["status", "-c", file]).exit == .status(1))
            }
        }
    }
}
