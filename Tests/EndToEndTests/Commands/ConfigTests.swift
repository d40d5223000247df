// Good and bad configs (contract.md, "Programs" and "config.json"; ux.md 3).
import Foundation
import Testing

/// A config with one fault and what the message must name.
struct BadConfig: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// SERVER and LOCAL stand for free ports.
    let text: String
    let words: [String]

    private static let rest = #""password": "\#(RunningPair.key)", "local_address": "127.0.0.1", "local_port": LOCAL"#

    static let all: [BadConfig] = [
        BadConfig(testDescription: "not JSON", text: #"{ "server": }"#, words: [":1:13"]),
        BadConfig(testDescription: "empty", text: "", words: [":1:1"]),
        BadConfig(testDescription: "an array", text: "[1]", words: [":1:1"]),
        one("an unknown key", #""methud": "x", "method": "aes-256-gcm""#, ["methud", "did you mean", "\"method\""]),
        one("a repeated key", #""method": "aes-256-gcm", "method": "aes-128-gcm""#, ["method"]),
        one("an unknown method", #""method": "aes-256-gmc""#, ["aes-256-gmc", "did you mean", "aes-256-gcm"]),
        one("a stream cipher", #""method": "aes-256-cfb""#, ["aes-256-cfb", "stream"]),
        one("rc4-md5", #""method": "rc4-md5""#, ["rc4-md5"]),
        one("no cipher", #""method": "none""#, ["none"]),
        one("plain", #""method": "plain""#, ["plain"]),
        one("a mode that is none", #""method": "aes-256-gcm", "mode": "tcp""#, ["tcp_only"]),
        BadConfig(
            testDescription: "a port out of range",
            text: #"{ "server": "127.0.0.1", "server_port": 83880, "method": "aes-256-gcm", \#(rest) }"#,
            words: ["83880", "65535", ":1:"]),
        BadConfig(
            testDescription: "no password",
            text: #"{ "server": "127.0.0.1", "server_port": SERVER, "method": "aes-256-gcm", "local_port": LOCAL }"#,
            words: ["password"]),
        BadConfig(
            testDescription: "a number where a text belongs",
            text: #"{ "server": 5, "server_port": SERVER, "method": "aes-256-gcm", \#(rest) }"#, words: ["server"]),
        BadConfig(
            testDescription: "an unset environment variable",
            text: #"{ "server": "127.0.0.1", "server_port": SERVER, "method": "aes-256-gcm", "#
                + #""password": "${SS_E2E_UNSET}", "local_port": LOCAL }"#,
            words: ["SS_E2E_UNSET"]),
    ]

    private static func one(_ name: String, _ fault: String, _ words: [String]) -> BadConfig {
        BadConfig(
            testDescription: name, text: #"{ "server": "127.0.0.1", "server_port": SERVER, \#(fault), \#(rest) }"#,
            words: words)
    }

    func file(in stage: Stage) throws -> String {
        let ports = try ConfigPorts()
        let text = text.replacingOccurrences(of: "SERVER", with: "\(ports.server)")
            .replacingOccurrences(of: "LOCAL", with: "\(ports.local)")
        return try stage.workspace.file("bad.json", text)
    }
}

extension EndToEnd {
    @Suite struct ConfigTests {
        @Test("a good config passes the check, which opens nothing", arguments: OurCommand.allCases)
        func good(_ command: OurCommand) throws {
            try onStage { stage in
                let ports = try ConfigPorts()
                let file = try stage.workspace.file("good.json", command.config(ports))
                let finished = try stage.run(command, ["check", "-c", file])
                expect(finished, exits: 0, saying: [])
            }
        }

        @Test("a bad config is refused with place and cause, by check and by run", arguments: OurCommand.allCases)
        func bad(_ command: OurCommand) throws {
            try onStage { stage in
                for config in BadConfig.all {
                    let file = try config.file(in: stage)
                    for verb in ["check", "run"] {
                        let finished = try stage.run(command, [verb, "-c", file], seconds: 3)
                        let context = "\(verb), \(config.testDescription)"
                        expect(finished, exits: 2, saying: config.words, context)
                    }
                }
            }
        }

        @Test("all faults are told at once, each with its line and a caret", arguments: OurCommand.allCases)
        func several(_ command: OurCommand) throws {
            try onStage { stage in
                let file = try stage.workspace.file(
                    "several.json",
                    """
                    {
                      "server": "127.0.0.1",
                      "server_port": 83880,
                      "methud": "aes-256-gcm",
                      "method": "aes-256-gcm",
                      "password": "\(RunningPair.key)",
                      "local_port": 1080,
                      "mode": "both"
                    }
                    """)
                let finished = try stage.run(command, ["check", "-c", file])
                expect(
                    finished, exits: 2,
                    saying: ["several.json:3:", "several.json:4:", "several.json:8:", "^", "methud"])
            }
        }

        @Test("a config that cannot be read is named", arguments: OurCommand.allCases)
        func unreadable(_ command: OurCommand) throws {
            try onStage { stage in
                let absent = stage.workspace.unusedPath("absent.json")
                for verb in ["check", "run"] {
                    let finished = try stage.run(command, [verb, "-c", absent], seconds: 3)
                    expect(finished, exits: 2, saying: [absent], verb)
                }
                let directory = try stage.run(command, ["check", "-c", stage.workspace.directory], seconds: 3)
                expect(directory, exits: 2, saying: [stage.workspace.directory], "a directory")
                let nested = try stage.workspace.file("deep.json", String(repeating: "[", count: 200_000))
                expect(try stage.run(command, ["check", "-c", nested]), exits: 2, saying: [], "200,000 brackets")
                let binary = stage.workspace.unusedPath("binary.json")
                try Data(Probe.random(100_000)).write(to: URL(fileURLWithPath: binary))
                expect(try stage.run(command, ["check", "-c", binary]), exits: 2, saying: [], "noise")
            }
        }

        @Test(
            "configs of other Shadowsocks pass",
            arguments: [
                // shadowsocks-rust
                #"""
                { "servers": [ { "address": "127.0.0.1", "port": 28388, "method": "aes-256-gcm", "password": "KEY",
                  "timeout": 7200, "remarks": "one" } ],
                  "locals": [ { "local_address": "127.0.0.1", "local_port": 21080, "protocol": "socks" } ],
                  "dns": "1.1.1.1", "keep_alive": 15, "runtime": { "mode": "single_thread" }, "no_delay": true, }
                """#,
                // shadowsocks-libev
                #"""
                { "server": ["127.0.0.1"], "mode": "tcp_and_udp", "server_port": "28388", "local_port": "21080",
                  "password": "KEY", "timeout": 86400, "method": "chacha20-ietf-poly1305", "reuse_port": true,
                  "nameserver": "1.1.1.1", "use_syslog": false }
                """#,
                // shadowsocks (python)
                #"""
                { "server": "127.0.0.1", "server_port": 28388, "local_address": "127.0.0.1", "local_port": 21080,
                  "password": "KEY", "timeout": 300, "method": "aes-256-gcm", "fast_open": false, "workers": 1,
                  "dns_server": ["1.1.1.1"], "prefer_ipv6": false }
                """#,
            ])
        func others(_ text: String) throws {
            try onStage { stage in
                let file = try stage.workspace.file(
                    "other.json", text.replacingOccurrences(of: "KEY", with: RunningPair.key))
                for command in OurCommand.allCases {
                    expect(try stage.run(command, ["check", "-c", file]), exits: 0, saying: [], command.rawValue)
                }
            }
        }

        @Test("the example config is refused for its key alone, with the cure", arguments: OurCommand.allCases)
        func example(_ command: OurCommand) throws {
            try onStage { stage in
                _ = try command.tool.path()
                let path = "\(Package.root)/config.example.json"
                let text = try String(contentsOfFile: path, encoding: .utf8)
                let refused = try stage.run(command, ["check", "-c", path])
                expect(refused, exits: 2, saying: ["genkey"])
                let key = /"password"\s*:\s*"[^"]*"/
                let cured = text.replacing(key) { _ in #""password": "\#(Method.blake3AES256.key)""# }
                let file = try stage.workspace.file("cured.json", cured)
                expect(try stage.run(command, ["check", "-c", file]), exits: 0, saying: [])
            }
        }
    }
}
