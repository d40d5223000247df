import ArgumentParser
import SSCommon
import Testing

@testable import SSCommandLine

@Suite("What init and share stand on")
struct SetupTests {
    private func environment(_ values: [String: String]) -> (String) -> String? { { values[$0] } }

    @Test("A configuration is written where the program looks for it")
    func places() {
        for program in SSCommandLine.Program.allCases {
            let file = program == .sslocal ? "local.json" : "server.json"
            let home = environment(["HOME": "/home/a"])
            #expect(program.defaultPath(isRoot: true, environment: home) == "/etc/shadowsocks/\(file)")
            #expect(program.defaultPath(isRoot: false, environment: home) == "/home/a/.config/shadowsocks/\(file)")
            let moved = environment(["HOME": "/home/a", "XDG_CONFIG_HOME": "/x"])
            #expect(program.defaultPath(isRoot: false, environment: moved) == "/x/shadowsocks/\(file)")
            let relative = environment(["HOME": "/home/a", "XDG_CONFIG_HOME": "x"])
            #expect(program.defaultPath(isRoot: false, environment: relative) == "/home/a/.config/shadowsocks/\(file)")
            #expect(program.defaultPath(isRoot: false, environment: environment([:])) == nil)
            #expect(program.searchPaths.contains("/etc/shadowsocks/\(file)"))
        }
    }

    @Test(
        "A word for the shell is one word",
        arguments: [
            ("", "''"), ("a", "a"), ("/etc/x-y_1.json", "/etc/x-y_1.json"), ("a b", "'a b'"), ("a'b", "'a'\\''b'"),
            ("$(x)", "'$(x)'"), ("a;b", "'a;b'"), ("ü", "'ü'"), ("~", "'~'"), ("\n", "'\n'"),
        ])
    func shellWords(text: String, word: String) {
        #expect(ShellWord.quote(text) == word)
    }

    @Test(
        "A line that is typed unseen is edited as others are",
        arguments: [
            ("abc\r", "abc", .done), ("abc\n", "abc", .done), ("ab\u{7f}c\u{4}", "ac", .done),
            ("ab\u{15}c\r", "c", .done),
            ("aü\u{8}b\r", "ab", .done), ("\u{7f}\u{7f}a\r", "a", .done), ("a\u{1b}b\r", "ab", .done),
            ("\u{1b}[200~ab\u{1b}[201~\r", "ab", .done), ("a\u{1b}[D\u{1b}OAb\r", "ab", .done),
            ("a\u{1b}[\r", "a", .done),
            ("a\u{1b}\u{3}", "a", .cancelled), ("a\u{1b}[\u{3}", "a", .cancelled),
            ("ab\u{3}", "ab", .cancelled), ("abc", "abc", .more), ("123456789", "12345678", .tooLong),
        ] as [(String, String, LineEditor.Outcome)])
    func editing(typed: String, line: String, outcome: LineEditor.Outcome) {
        var editor = LineEditor(limit: 8)
        var last = LineEditor.Outcome.more
        for byte in typed.utf8 {
            last = editor.take(byte)
            if last != .more { break }
        }
        #expect(last == outcome)
        #expect(String(decoding: editor.line, as: UTF8.self) == line)
    }

    @Test("A link's code has the size of the smallest that holds it, and a text that no code holds is refused")
    func codes() throws {
        let link =
            "ss://2022-blake3-aes-256-gcm:YctPZ6U7xPPcU%2Bgp3u%2B0tx%2FtRizJN9K8y%2BuKlW2qjlI%3D@198.51.100.4:8388#vps"
        let symbol = try QREncoder.symbol(of: link)
        // 104 bytes: version 5 holds 106 at the lowest level.
        #expect(symbol.width == 37 && symbol.columns == 45)
        #expect(symbol.text(painted: false).split(separator: "\n").count == 23)
        #expect(throws: QREncoder.Failure.self) { try QREncoder.symbol(of: String(repeating: "x", count: 3000)) }
    }

    @Test("A link to a plugin is refused where it would be used")
    func plugin() {
        #expect(throws: (any Error).self) {
            try RunFlags.parse(["--server-url", "ss://aes-256-gcm:p@h:1?plugin=obfs"])
        }
    }

    @Test("A prefix that nothing acts on is a warning")
    func prefix() throws {
        let flags = try RunFlags.parse([
            "--server-url", "ss://aes-256-gcm:\(String(repeating: "kZ3%", count: 9))x@h:1?prefix=%16",
        ])
        #expect(ConfigurationSource.local(flags).diagnostics.contains { $0.message.contains("prefix") })
    }
}
