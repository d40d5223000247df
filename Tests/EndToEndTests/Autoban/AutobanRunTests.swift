// `ssserver autoban run` with a real firewall, in namespaces of its own.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct AutobanRunTests {
        @Test func `who knocks at a real server without a key is shut out, and nobody beside them`() throws {
            try onStage { stage in
                let rig = try BanRig(stage)
                let config = try stage.workspace.config(
                    "server",
                    [
                        "server": "::", "server_port": 8388, "method": "aes-256-gcm", "password": RunningPair.key,
                        "log": ["file": rig.log],
                    ])
                let server = try rig.start(try Tool.ssserver.path(), ["-c", config])
                try #require(until(10) { (try? rig.answers("10.77.0.3")) == true }, "\(server.errors)")
                _ = try rig.startAutoban()
                for source in ["10.77.0.2", "fd77::2"] {
                    for _ in 1...3 { try knock(rig, from: source) }
                }
                #expect(try rig.banned(soon: ["10.77.0.2", "fd77::/64"]) == ["10.77.0.2", "fd77::/64"])
                #expect(try !rig.answers("10.77.0.2"))
                #expect(try !rig.answers("fd77::2"))
                #expect(try !rig.answers("fd77::3"), "an address of the same /64")
                #expect(try rig.answers("10.77.0.3"))
                #expect(try rig.answers("fd77:0:0:1::2"), "an address of another /64")
                let why = try rig.autoban("why", "10.77.0.2").output
                #expect(why.contains("3 of 3 failed"))
                #expect(why.split(separator: "\n").count { $0.contains("can not parse header") } == 3)
                // The server shows them too, and has touched nothing.
                let answer = try rig.run(
                    .curl,
                    [
                        "-s", "--unix-socket", "\(stage.workspace.directory)/state/admin.sock",
                        "http://localhost/api/v1/bans",
                    ])
                #expect(answer.output.contains("10.77.0.2") && answer.output.contains("fd77::/64"), "\(answer)")
                #expect(answer.output.contains("\"backend\":\"nftables\""))
                let page = try rig.run(
                    .curl,
                    ["-si", "--unix-socket", "\(stage.workspace.directory)/state/admin.sock", "http://localhost/"]
                ).output
                #expect(page.hasPrefix("HTTP/1.1 200 ") && page.contains("Content-Security-Policy: default-src 'none'"))
                #expect(page.contains("<dt>Bans</dt><dd>2 now</dd>") && page.contains("by nftables"), "\(page)")
                #expect(page.contains("<td>10.77.0.2</td>") && page.contains("<td>fd77::/64</td>"), "\(page)")
                #expect(try rig.run(.ssserver, ["status", "-c", config]).output.contains("2 addresses by autoban"))
            }
        }

        /// A request without a key.
        private func knock(_ rig: BanRig, from source: String) throws {
            let target = source.contains(":") ? "[fd77:0:0:9::1]" : "10.77.0.1"
            _ = try rig.stage.run(
                try Tool.ip.path(),
                [
                    "netns", "exec", rig.client, try Tool.curl.path(), "-s", "--interface", source, "-m", "0.3",
                    "http://\(target):8388/" + String(repeating: "x", count: 200),
                ])
        }

        @Test(arguments: ["nftables", "ipset", "iptables"])
        func `each firewall bans, unbans, and is left as it was`(backend: String) throws {
            try onStage { stage in
                let rig = try BanRig(stage)
                try rig.startListener()
                let autoban = try rig.startAutoban(["--backend", backend])
                try rig.fail(["10.77.0.2", "[fd77::2]"])
                #expect(try rig.banned(soon: ["10.77.0.2", "fd77::/64"]).count == 2)
                #expect(try !rig.answers("10.77.0.2") && !rig.answers("fd77::3"))
                #expect(try rig.answers("10.77.0.3") && rig.answers("fd77:0:0:1::2"))
                #expect(try rig.autoban("unban", "10.77.0.2").exit == .status(0))
                #expect(try rig.answers("10.77.0.2") && !rig.answers("fd77::2"))
                autoban.signal(SIGTERM)
                #expect(autoban.wait(seconds: 10) == .status(0), "\(autoban.tail)")
                #expect(try rig.answers("fd77::2"))
                #expect(rig.isClean)
                #expect(try !rig.run(.iptables, ["-S"]).output.contains("AUTOBAN"))
                #expect(try rig.run(.ipset, ["list", "-n"]).output.isEmpty)
                // What was banned is so again.
                let again = try rig.startAutoban(["--backend", backend])
                #expect(try !rig.answers("fd77::2") && rig.answers("10.77.0.2"), "\(again.tail)")
            }
        }

        @Test func `the kernel ends bans by itself when autoban is killed`() throws {
            try onStage { stage in
                let rig = try BanRig(stage)
                try rig.startListener()
                let autoban = try rig.startAutoban(["--ban-time", "4s"])
                try rig.fail(["10.77.0.2"])
                #expect(try rig.banned(soon: ["10.77.0.2"]) == ["10.77.0.2"])
                autoban.signal(SIGKILL)
                _ = autoban.wait(seconds: 5)
                #expect(try !rig.answers("10.77.0.2"))
                #expect(until(10) { (try? rig.answers("10.77.0.2")) == true })
            }
        }

        @Test func `killed and started again it forgets no ban and no failure, and counts none twice`() throws {
            try onStage { stage in
                let rig = try BanRig(stage)
                var autoban = try rig.startAutoban()
                try rig.fail(["10.77.0.2"])
                try rig.fail(["198.18.0.7"], times: 2)
                #expect(try rig.banned(soon: ["10.77.0.2"]) == ["10.77.0.2"])
                // Where it has got to is stored every few seconds.
                pause(7)
                for round in 1...3 {
                    autoban.signal(SIGKILL)
                    _ = autoban.wait(seconds: 5)
                    // While it does not run.
                    if round == 2 { try rig.fail(["198.18.0.8"], times: 2) }
                    autoban = try rig.startAutoban()
                    #expect(try rig.banned() == ["10.77.0.2"])
                    #expect(try rig.rules().components(separatedBy: "10.77.0.2").count == 2)
                }
                try rig.fail(["198.18.0.7", "198.18.0.8"], times: 1)
                let expected: Set = ["10.77.0.2", "198.18.0.7", "198.18.0.8"]
                #expect(try rig.banned(soon: expected) == expected)
                let why = try rig.autoban("why", "198.18.0.7", "--json").output
                #expect(why.contains("\"bad\":3,\"total\":3"), "\(why)")
            }
        }

        @Test func `what came while it did not run counts, from the very first start on`() throws {
            try onStage { stage in
                let rig = try BanRig(stage)
                var autoban = try rig.startAutoban()
                autoban.signal(SIGTERM)
                _ = autoban.wait(seconds: 10)
                try rig.fail(["198.18.0.7"])
                autoban = try rig.startAutoban()
                #expect(try rig.banned(soon: ["198.18.0.7"]) == ["198.18.0.7"])
                autoban.signal(SIGTERM)
                _ = autoban.wait(seconds: 10)
                // Read from its start the log says the same again, and no more.
                autoban = try rig.startAutoban(["--from-start"])
                autoban.signal(SIGTERM)
                _ = autoban.wait(seconds: 10)
                try rig.fail(["198.18.0.8"], times: 2)
                autoban = try rig.startAutoban()
                try rig.fail(["198.18.0.8"], times: 1)
                #expect(try rig.banned(soon: ["198.18.0.7", "198.18.0.8"]) == ["198.18.0.7", "198.18.0.8"])
                let list = try rig.autoban("list", "--json").output
                #expect(list.components(separatedBy: "\"count\":1,").count == 3, "\(list)")
            }
        }

        @Test func `killed right after a ban it does not ban for the same lines again`() throws {
            try onStage { stage in
                let rig = try BanRig(stage)
                let autoban = try rig.startAutoban(["--ban-time", "2s"])
                try rig.fail(["198.18.0.7"])
                #expect(try rig.banned(soon: ["198.18.0.7"]) == ["198.18.0.7"])
                autoban.signal(SIGKILL)
                _ = autoban.wait(seconds: 5)
                pause(4)
                _ = try rig.startAutoban(["--ban-time", "2s"])
                pause(1)
                #expect(try rig.banned().isEmpty)
                try rig.fail(["198.18.0.7"])
                #expect(try rig.banned(soon: ["198.18.0.7"]) == ["198.18.0.7"])
            }
        }

        @Test func `what somebody else has flushed is put back`() throws {
            try onStage { stage in
                let rig = try BanRig(stage)
                try rig.startListener()
                let autoban = try rig.startAutoban()
                try rig.fail(["10.77.0.2"])
                #expect(try rig.banned(soon: ["10.77.0.2"]) == ["10.77.0.2"])
                for damage in [
                    ["flush", "ruleset"], ["flush", "chain", "inet", "autoban", "prerouting"],
                    ["delete", "table", "inet", "autoban"],
                ] {
                    _ = try rig.run(.nft, damage)
                    #expect(try rig.answers("10.77.0.2"), "\(damage)")
                    // It looks once a minute, and when it is told to.
                    autoban.signal(SIGHUP)
                    #expect(until(5) { (try? rig.answers("10.77.0.2")) == false }, "\(damage)")
                }
                // A new ban finds out by itself.
                _ = try rig.run(.nft, ["flush", "ruleset"])
                try rig.fail(["10.77.0.3"])
                #expect(until(5) { (try? rig.answers("10.77.0.3")) == false })
            }
        }

        @Test func `an open connection of whoever is banned is cut`() throws {
            try onStage { stage in
                let rig = try BanRig(stage)
                let listener = try rig.start(
                    try Tool.socat.path(), ["TCP4-LISTEN:8389,fork,reuseaddr", "SYSTEM:sleep 60"])
                try #require(until(5) { (try? rig.answers("10.77.0.3", port: 8389)) == true }, "\(listener.errors)")
                _ = try rig.startAutoban()
                for source in ["10.77.0.2", "10.77.0.3"] {
                    _ = try stage.start(
                        try Tool.ip.path(),
                        [
                            "netns", "exec", rig.client, try Tool.socat.path(), "EXEC:sleep 60",
                            "TCP4:10.77.0.1:8389,bind=\(source)",
                        ])
                }
                func connected(_ source: String) -> Bool {
                    (try? rig.run(.ss, ["-tnH", "state", "established", "sport", "=", ":8389"]).output.contains(source))
                        == true
                }
                try #require(until(5) { connected("10.77.0.2:") && connected("10.77.0.3:") })
                try rig.fail(["10.77.0.2"])
                #expect(until(5) { !connected("10.77.0.2:") })
                #expect(connected("10.77.0.3:"))
            }
        }

        @Test func `ten thousand are banned and put back`() throws {
            try onStage { stage in
                let rig = try BanRig(stage)
                var autoban = try rig.startAutoban()
                try rig.fail((0..<10_000).map { "198.\(18 + $0 / 65_536).\($0 / 256 % 256).\($0 % 256)" })
                func count() -> Int { ((try? rig.rules()) ?? "").components(separatedBy: " expires ").count - 1 }
                #expect(until(10) { count() == 10_000 }, "\(count())")
                #expect(try rig.banned().count == 10_000)
                autoban.signal(SIGKILL)
                _ = autoban.wait(seconds: 5)
                _ = try rig.run(.nft, ["flush", "ruleset"])
                autoban = try rig.startAutoban()
                #expect(count() == 10_000)
                #expect(try rig.autoban("unban", "all").errors.contains("ended 10000 bans"))
                #expect(count() == 0)
            }
        }

        @Test func `commands ban and unban, whether autoban runs or not`() throws {
            try onStage { stage in
                let rig = try BanRig(stage)
                try rig.startListener()
                let none = try rig.autoban("list")
                expect(none, exits: 1, saying: ["autoban does not run", "ssserver autoban run"])
                let autoban = try rig.startAutoban()
                #expect(try rig.autoban("list").output == "nobody is banned\n")
                #expect(
                    try rig.autoban("ban", "10.77.0.2", "1h", "scans", "ports").output == "banned 10.77.0.2 for 1 h\n")
                #expect(try !rig.answers("10.77.0.2"))
                #expect(try rig.autoban("list").output.contains("by command: scans ports"))
                expect(
                    try rig.autoban("ban", "10.77.0.1"), exits: 1,
                    saying: ["never banned", "an address of this machine"])
                expect(try rig.autoban("ban", "10.0.0.0/8"), exits: 1, saying: ["too wide", "/24"])
                expect(try rig.autoban("ban", "x; reboot"), exits: 1, saying: ["no address"])
                expect(try rig.autoban("unban", "198.18.0.1"), exits: 1, saying: ["is not banned"])
                expect(try rig.autoban("why", "127.0.0.1"), exits: 0, saying: [])
                #expect(try rig.autoban("why", "127.0.0.1").output.contains("never banned"))
                #expect(try rig.autoban("status").output.contains("1 banned now by nftables"))
                // A network, of both families.
                #expect(
                    try rig.autoban("ban", "10.77.0.0/24").exit == .status(1), "it has an address of this machine in it"
                )
                #expect(try rig.autoban("ban", "fd77:0:0:1::/64").exit == .status(0))
                #expect(try !rig.answers("fd77:0:0:1::2") && rig.answers("fd77::2"))
                autoban.signal(SIGKILL)
                _ = autoban.wait(seconds: 5)
                let left = try rig.autoban("list")
                #expect(left.output.contains("10.77.0.2") && left.errors.contains("autoban does not run"))
                #expect(try rig.autoban("unban", "10.77.0.2").exit == .status(0))
                #expect(try rig.answers("10.77.0.2"))
                #expect(try rig.autoban("ban", "10.77.0.3", "1h").exit == .status(0))
                #expect(try !rig.answers("10.77.0.3"))
                let again = try rig.startAutoban()
                again.signal(SIGTERM)
                #expect(again.wait(seconds: 10) == .status(0))
                // What is stored is not in force; to end one of them makes no rules.
                #expect(rig.isClean)
                #expect(try rig.autoban("unban", "fd77:0:0:1::/64").exit == .status(0))
                #expect(rig.isClean)
                // That one and no other that is stored.
                #expect(try rig.autoban("ban", "10.77.0.2", "1h").exit == .status(0))
                #expect(try !rig.answers("10.77.0.2") && rig.answers("10.77.0.3"))
                #expect(try rig.autoban("ban", "10.77.0.3", "1h").exit == .status(0))
                #expect(try !rig.answers("10.77.0.3"))
                expect(try rig.autoban("unban", "all"), exits: 0, saying: ["ended 2 bans"])
                #expect(try rig.answers("10.77.0.3"))
                #expect(rig.isClean)
            }
        }

        @Test func `a second one says that there is one already`() throws {
            try onStage { stage in
                let rig = try BanRig(stage)
                // It has stored something elsewhere.
                let other = stage.workspace.directory + "/other"
                let former = try rig.startAutoban(["--state", other])
                former.signal(SIGTERM)
                #expect(former.wait(seconds: 10) == .status(0))
                _ = try rig.startAutoban()
                let second = try rig.run(.ssserver, ["autoban", "run", "--log", rig.log])
                expect(second, exits: 1, saying: ["autoban", "another"])
                // Not even with a state of its own, and what the first one has made stays.
                let third = try rig.run(.ssserver, ["autoban", "run", "--log", rig.log, "--state", other])
                expect(third, exits: 1, saying: ["another autoban", "undo each other's rules"])
                #expect(!rig.isClean)
                // Nor does a command change its rules that does not speak to it.
                for words in [["ban", "192.0.2.1", "1h"], ["unban", "all"]] {
                    let command = try rig.run(.ssserver, ["autoban"] + words + ["--state", other])
                    expect(command, exits: 1, saying: ["another autoban", "--state"])
                }
                #expect(!rig.isClean)
                let dry = try rig.start(
                    try Tool.ssserver.path(), ["autoban", "run", "--log", rig.log, "--backend", "dry-run"])
                #expect(dry.waitForLine(seconds: 10) { $0.contains("autoban follows the log") })
            }
        }

        @Test func `with that one right and as nobody it does all of it`() throws {
            try onStage { stage in
                let rig = try BanRig(stage)
                try rig.startListener()
                let state = stage.workspace.directory + "/nobodys"
                mkdir(state, 0o700)
                for path in [state, rig.log] { chown(path, 65_534, 65_534) }
                chmod(stage.workspace.directory, 0o711)
                let words = [
                    "--reuid", "65534", "--regid", "65534", "--clear-groups", "--no-new-privs", "--bounding-set",
                    "-all,+net_admin", "--inh-caps", "-all,+net_admin", "--ambient-caps", "-all,+net_admin",
                    try Tool.ssserver.path(), "autoban", "run", "--log", rig.log, "--state", state,
                ]
                let autoban = try rig.start(try Tool.setpriv.path(), words)
                try #require(autoban.waitForLine(seconds: 10) { $0.contains("backend=nftables") }, "\(autoban.errors)")
                try rig.fail(["10.77.0.2", "[fd77::2]"])
                #expect(until(5) { (try? rig.answers("10.77.0.2")) == false })
                #expect(try !rig.answers("fd77::3") && rig.answers("10.77.0.3"))
                #expect(try rig.autoban("list", "--state", state).output.contains("fd77::/64"))
                // Root does not take it for nobody's.
                let second = try rig.run(.ssserver, ["autoban", "run", "--log", rig.log])
                expect(second, exits: 1, saying: ["another autoban"])
                autoban.signal(SIGTERM)
                #expect(autoban.wait(seconds: 10) == .status(0), "\(autoban.tail)")
                #expect(rig.isClean)
            }
        }

        @Test func `who may change no firewall keeps nobody from it`() throws {
            try onStage { stage in
                let rig = try BanRig(stage)
                let words = [
                    "--reuid", "65534", "--regid", "65534", "--clear-groups", try Tool.socat.path(),
                    "ABSTRACT-LISTEN:swift-shadowsocks-autoban,fork", "SYSTEM:sleep 1",
                ]
                let rival = try rig.start(try Tool.setpriv.path(), words)
                #expect(until(5) { (try? rig.run(.ss, ["-xl"]).output.contains("@swift-shadowsocks")) == true })
                let autoban = try rig.startAutoban()
                try rig.fail(["198.18.0.1"])
                #expect(try rig.banned(soon: ["198.18.0.1"]).count == 1)
                autoban.signal(SIGTERM)
                #expect(autoban.wait(seconds: 10) == .status(0))
                rival.signal(SIGTERM)
            }
        }

        @Test func `what root stores in another's directory is theirs`() throws {
            try onStage { stage in
                let rig = try BanRig(stage)
                let state = stage.workspace.directory + "/state"
                mkdir(state, 0o700)
                chown(state, 65_534, 65_534)
                _ = try rig.startAutoban()
                try rig.fail(["198.18.0.1"])
                #expect(try rig.banned(soon: ["198.18.0.1"]).count == 1)
                for name in ["autoban.sqlite", "autoban.sqlite-wal"] {
                    var status = Glibc.stat()
                    #expect(stat("\(state)/\(name)", &status) == 0 && status.st_uid == 65_534)
                    #expect(status.st_mode & 0o077 == 0)
                }
            }
        }
    }
}
