// `ssserver autoban test`: whom a log would have got banned.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct AutobanTestTests {
        private static func line(_ second: Int, _ isBad: Bool, _ peer: String) -> String {
            let time =
                "2026-11-21 02:\(second / 60 < 10 ? "0" : "")\(second / 60):\(second % 60 < 10 ? "0" : "")\(second % 60)"
            return isBad
                ? "\(time) ERROR    can not parse header when handling connection from \(peer)\n"
                : "\(time) INFO     connecting www.example.com:443 from \(peer)\n"
        }

        /// One that knocks; one of many that share an address; one of the second family; one whose failures lie far apart; one
        /// whose host name looks like a line of the log.
        private static let log: String = {
            var text = ""
            for second in 0..<5 { text += line(second, true, "203.0.113.9:5\(second)") }
            for second in 10..<100 { text += line(second, second % 10 == 0, "198.51.100.7:4\(second)") }
            for host in 1...3 { text += line(100 + host, true, "[2001:db8:1:2::\(host)]:1") }
            for second in [0, 700, 1400] { text += line(second + 200, true, "192.0.2.1:1") }
            for second in 0..<3 {
                text +=
                    "2026-11-21 02:40:0\(second) INFO     connecting x ERROR    can not parse header when handling connection"
                    + " from 192.0.2.77:1:443 from 192.0.2.78:1\n"
            }
            return text + "2026-11-21 02:41:00 ERROR    can not parse header when handl"
        }()

        private func written(_ stage: Stage, _ bytes: Data) throws -> String {
            let path = stage.workspace.unusedPath("log")
            try bytes.write(to: URL(fileURLWithPath: path))
            return path
        }

        @Test func `those who knock are named, and those who share an address with them are not`() throws {
            try onStage { stage in
                let path = try written(stage, Data(Self.log.utf8))
                let result = try stage.run(.ssserver, ["autoban", "test", path])
                #expect(result.exit == .status(0), "\(result.errors)")
                #expect(
                    result.output == """
                        ban 203.0.113.9 bad=3 total=3 at=2026-11-21T02:00:02
                        ban 2001:db8:1:2::/64 bad=3 total=3 at=2026-11-21T02:01:43

                        """)
                #expect(result.errors.contains("2 bans"))
                let json = try stage.run(.ssserver, ["autoban", "test", path, "--json"])
                let bans = try #require(JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]])
                #expect(bans.map { $0["address"] as? String } == ["203.0.113.9", "2001:db8:1:2::/64"])
                #expect(bans.first?["bad"] as? Int == 3 && bans.first?["total"] as? Int == 3)
                #expect(bans.first?["at"] as? String == "2026-11-21T02:00:02")
            }
        }

        @Test(
            "the rules are what the flags say",
            arguments: [
                (["--find-time", "0"], ["203.0.113.9", "2001:db8:1:2::/64", "192.0.2.1"]),
                (["--ratio", "0"], ["203.0.113.9", "198.51.100.7", "2001:db8:1:2::/64"]),
                (["--max-retry", "4"], ["203.0.113.9"]), (["--max-retry", "6"], []),
                (["--find-time", "2s"], ["203.0.113.9", "2001:db8:1:2::/64"]), (["--find-time", "1"], []),
            ])
        func rules(_ flags: [String], _ banned: [String]) throws {
            try onStage { stage in
                let path = try written(stage, Data(Self.log.utf8))
                let result = try stage.run(.ssserver, ["autoban", "test", path] + flags)
                let words = result.output.split(separator: "\n").compactMap {
                    $0.split(separator: " ").dropFirst().first
                }
                #expect(words.map(String.init) == banned, "\(flags): \(result.output)")
            }
        }

        @Test func `what cannot be read is said to be`() throws {
            try onStage { stage in
                let packed = try written(stage, Data([0x1f, 0x8b, 8, 0, 0, 0]))
                for (arguments, status, words) in [
                    (["/nonexistent/log"], 1, "No such file"), ([stage.workspace.unusedPath("x")], 1, "No such file"),
                    (["/tmp"], 1, "directory"), ([packed], 1, "zcat"),
                    ([packed, "--max-retry", "0"], 64, "--max-retry"),
                    ([packed, "--ratio", "2"], 64, "--ratio"), ([packed, "--find-time", "soon"], 64, "--find-time"),
                    ([packed, "--find-time", "500ms"], 64, "from 1s to 400d, or 0"),
                    ([], 64, "file"),
                ] as [([String], Int32, String)] {
                    let result = try stage.run(.ssserver, ["autoban", "test"] + arguments)
                    #expect(result.exit == .status(status) && result.output.isEmpty, "\(arguments): \(result)")
                    #expect(result.errors.contains(words), "\(arguments): \(result.errors)")
                }
                let empty = try stage.run(.ssserver, ["autoban", "test", "/dev/null"])
                #expect(empty.exit == .status(0) && empty.output.isEmpty && empty.errors.contains("0 lines"))
            }
        }
    }
}
