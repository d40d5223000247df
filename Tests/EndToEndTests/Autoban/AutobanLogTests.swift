// What autoban makes of logs: whatever stands in them, however they are rotated, and where they cannot be had. Without a firewall.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct AutobanLogTests {
        private static func start(_ stage: Stage, _ log: String, _ words: [String] = []) throws -> ProcessUnderTest {
            let process = try stage.start(.ssserver, ["autoban", "run", "--backend", "dry-run", "--log", log] + words)
            guard process.waitForLine(seconds: 10, { $0.contains("autoban follows the log") }) else {
                throw HarnessError("autoban does not start:\n\(process.errors)")
            }
            return process
        }

        private static func append(_ text: String, to log: String) throws {
            let descriptor = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw HarnessError("cannot write \(log)") }
            defer { close(descriptor) }
            let bytes = Array(text.utf8)
            guard write(descriptor, bytes, bytes.count) == bytes.count else {
                throw HarnessError("cannot write \(log)")
            }
        }

        private static func banned(_ output: String) -> [String] {
            output.split(separator: "\n").compactMap { line in
                let words = line.split(separator: " ")
                return words.count > 1 && words[0] == "ban" ? String(words[1]) : nil
            }
        }

        @Test func `a log that imitates bans bans nobody`() throws {
            try onStage { stage in
                let log = try stage.workspace.file("log", "")
                let autoban = try Self.start(stage, log)
                let words = "can not parse header when handling connection from 198.51.100.7:1"
                let hostile = [
                    "2026-11-21 02:50:01 INFO     connecting \(words):443 from 203.0.113.9:51234",
                    "2026-11-21 02:50:01 INFO     connecting x ERROR    \(words) from 203.0.113.9:51234",
                    "2026-11-21 02:50:01 INFO     connecting x\\x0a2026-11-21 02:50:02 ERROR    \(words):443 from 203.0.113.9:51234",
                    "2026-11-21 02:50:01 WARNING  blocked \(words):443 from 203.0.113.9:51234 rule x (lists:\(words))",
                    "time=2026-11-21T02:50:01Z level=info msg=connecting target=\"a\\\" msg=unauthenticated peer=198.51.100.7:1 status=ERR_CIPHER:443\" peer=203.0.113.9:51234 status=OK",
                    "{\"time\":\"2026-11-21T02:50:01Z\",\"level\":\"info\",\"msg\":\"connecting\",\"target\":\"\\\"level\\\":\\\"error\\\",\\\"msg\\\":\\\"unauthenticated\\\",\\\"peer\\\":\\\"198.51.100.7:1\\\"\",\"peer\":\"203.0.113.9:51234\",\"status\":\"OK\"}",
                    "2026-11-21 02:50:02 ERROR    \(words); reboot", "2026-11-21 02:50:02 ERROR    \(words) ",
                    "ERROR: \(words)/24",
                    "2026-11-21 02:50:02 ERROR    can not parse header when handling connection from 0198.51.100.7:1",
                ]
                for _ in 1...20 { try Self.append(hostile.joined(separator: "\n") + "\n", to: log) }
                for _ in 1...3 { try Self.append(BanRig.bad("198.18.0.1"), to: log) }
                #expect(until(5) { !autoban.output.isEmpty })
                #expect(Self.banned(autoban.output) == ["198.18.0.1"])
            }
        }

        @Test func `a log with known truth is read as it comes, and rotated nine times`() throws {
            try onStage { stage in
                let log = try stage.workspace.file("log", "")
                let autoban = try Self.start(stage, log)
                var expected: Set<String> = []
                for rotation in 0...9 {
                    for step in 0..<50 {
                        // Three failures of one, two of another; one that has a key among them.
                        let (knocker, clumsy) = ("198.18.\(rotation).\(step)", "198.19.\(rotation).\(step)")
                        try Self.append(
                            BanRig.bad(knocker) + BanRig.bad(clumsy) + BanRig.good("198.20.0.1")
                                + BanRig.bad("198.20.0.1"),
                            to: log)
                        try Self.append(BanRig.bad(knocker) + BanRig.bad(knocker) + BanRig.bad(clumsy), to: log)
                        expected.insert(knocker)
                    }
                    if rotation < 9 { rename(log, "\(log).\(9 - rotation)") }
                }
                #expect(until(10) { Self.banned(autoban.output).count >= expected.count })
                pause(0.3)
                let banned = Self.banned(autoban.output)
                #expect(banned.count == expected.count && Set(banned) == expected)
            }
        }

        @Test func `a log that is not there yet is waited for, and one that was is read where it is asked for`() throws
        {
            try onStage { stage in
                let log = stage.workspace.unusedPath("later")
                let autoban = try Self.start(stage, log)
                pause(0.3)
                try Self.append(String(repeating: BanRig.bad("198.18.0.1"), count: 3), to: log)
                #expect(until(5) { Self.banned(autoban.output) == ["198.18.0.1"] }, "\(autoban.errors)")
                // What is in it already is old, unless it is asked for.
                let other = try Self.start(stage, log)
                try Self.append(String(repeating: BanRig.bad("198.18.0.2"), count: 3), to: log)
                #expect(until(5) { !other.output.isEmpty })
                #expect(Self.banned(other.output) == ["198.18.0.2"])
                let whole = try Self.start(stage, log, ["--from-start"])
                #expect(until(5) { Set(Self.banned(whole.output)) == ["198.18.0.1", "198.18.0.2"] })
            }
        }

        @Test func `standard input is read to its end`() throws {
            try onStage { stage in
                let lines =
                    String(repeating: BanRig.bad("198.18.0.1"), count: 5)
                    + String(repeating: BanRig.bad("[2001:db8::1]"), count: 3)
                let result = try stage.run(
                    .ssserver, ["autoban", "run", "--backend", "dry-run", "--log", "-"], input: lines)
                #expect(result.exit == .status(0), "\(result.errors)")
                #expect(Self.banned(result.output) == ["198.18.0.1", "2001:db8::/64"])
                #expect(result.output.hasPrefix("ban 198.18.0.1 bad=3 total=3 at="))
            }
        }

        @Test func `standard input that is no log ends it with an error`() throws {
            try onStage { stage in
                let result = try stage.run(
                    .ssserver, ["autoban", "run", "--backend", "dry-run", "--log", "-"], input: "a\0b\n")
                expect(result, exits: 1, saying: ["cannot be read", "is no log"])
            }
        }

        @Test func `whoever has authenticated lately is spared, and who is to be ignored`() throws {
            try onStage { stage in
                let lines =
                    BanRig.good("198.18.0.1")
                    + ["198.18.0.1", "203.0.113.9", "[2001:db8:7::1]", "127.0.0.1", "198.18.0.9"]
                    .map { String(repeating: BanRig.bad($0), count: 20) }.joined()
                let result = try stage.run(
                    .ssserver,
                    [
                        "autoban", "run", "--backend", "dry-run", "--log", "-", "--ignore", "203.0.113.0/24",
                        "--ignore",
                        "2001:db8:7::/48",
                    ], input: lines)
                #expect(Self.banned(result.output) == ["198.18.0.9"], "\(result.errors)")
                #expect(result.errors.contains("not banned though it fails address=203.0.113.9"))
            }
        }

        @Test(
            arguments: [
                (["--log", "/"], 1, ["directory"]), (["--log", "/bin/true"], 1, ["no log"]), ([], 64, ["--log"]),
                (["--log", "x", "--backend", "pf"], 64, ["pf", "nftables"]),
                (["--log", "x", "--max-retry", "0"], 64, ["--max-retry"]),
                (["--log", "x", "--ratio", "2"], 64, ["--ratio"]),
                (["--log", "x", "--ban-time", "soon"], 64, ["--ban-time", "10m"]),
                (["--log", "x", "--ban-time", "2h", "--max-ban-time", "1h"], 64, ["--max-ban-time", "shorter"]),
                (["--log", "x", "--ignore", "everybody"], 64, ["--ignore", "everybody"]),
            ] as [([String], Int32, [String])])
        func `what cannot be done is said`(words: [String], status: Int32, said: [String]) throws {
            try onStage { stage in
                let result = try stage.run(
                    .ssserver,
                    ["autoban", "run"] + words + (words.contains("--backend") ? [] : ["--backend", "dry-run"]))
                expect(result, exits: status, saying: said, "\(words)")
            }
        }

        @Test func `without leave to change a firewall it says what to give`() throws {
            try onStage { stage in
                guard geteuid() == 0 else { try missing("root, to become somebody else") }
                let log = "/tmp/\(getpid())-autoban.log"
                try Data().write(to: URL(fileURLWithPath: log))
                defer { unlink(log) }
                let result = try stage.run(
                    try Tool.setpriv.path(),
                    [
                        "--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set", "-net_admin",
                        try Tool.ssserver.path(), "autoban", "run", "--log", log,
                    ])
                expect(result, exits: 1, saying: ["CAP_NET_ADMIN"])
            }
        }

        /// Until there is no room for more.
        private func fill(_ path: String) throws {
            let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw HarnessError("cannot write \(path)") }
            defer { close(descriptor) }
            let bytes = [UInt8](repeating: 1, count: 4096)
            while write(descriptor, bytes, bytes.count) == bytes.count {}
        }

        @Test func `a full disk costs the memory of bans and nothing else`() throws {
            try onStage { stage in
                let rig = try BanRig(stage)
                let state = stage.workspace.directory + "/full"
                mkdir(state, 0o700)
                let mounted = try stage.run("/bin/mount", ["-t", "tmpfs", "-o", "size=4m", "none", state])
                try #require(mounted.exit == .status(0), "\(mounted.errors)")
                stage.atEnd { _ = try? stage.run("/bin/umount", ["-l", state]) }
                let autoban = try rig.startAutoban(["--state", state])
                try fill(state + "/filler")
                try rig.fail((0..<2000).map { "198.18.\($0 / 256).\($0 % 256)" })
                #expect(autoban.waitForLine(seconds: 5) { $0.contains("bans cannot be stored") })
                #expect(until(5) { ((try? rig.rules()) ?? "").components(separatedBy: " expires ").count == 2001 })
                #expect(autoban.isRunning)
                unlink(state + "/filler")
                try rig.fail(["198.18.0.1"])
                #expect(autoban.waitForLine(seconds: 15) { $0.contains("bans are stored again") }, "\(autoban.tail)")
            }
        }
    }
}
