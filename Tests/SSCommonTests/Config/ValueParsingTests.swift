import SSCommon
import Testing

struct ValueParsingTests {
    @Test(
        "hosts and ports are read in every spelling",
        arguments: [
            ("example.com", "example.com"), ("example.com:80", "example.com:80"), ("a_b-c.d.:1", "a_b-c.d.:1"),
            ("127.0.0.1", "127.0.0.1"), ("127.0.0.1:65535", "127.0.0.1:65535"), ("::", "::"), ("[::]", "::"),
            ("[::1]:8388", "[::1]:8388"), ("2001:db8::1", "2001:db8::1"), ("[192.0.2.1]:1", "192.0.2.1:1"),
            ("localhost:1080", "localhost:1080"), ("bücher.example:1", "b\\xc3\\xbccher.example:1"),
            ("::ffff:1.2.3.4", "::ffff:1.2.3.4"), ("3com.example", "3com.example"),
        ])
    func hosts(text: String, expected: String) throws {
        #expect(try HostPort(text).description == expected)
    }

    @Test(
        "what is no host says why",
        arguments: [
            ("", .empty), (":80", .empty), ("a b", .badHost("a b")), ("a..b", .badHost("a..b")),
            ("a/b", .badHost("a/b")),
            ("1.2.3", .badIPv4("1.2.3")), ("256.1.1.1", .badIPv4("256.1.1.1")), ("127.1:80", .badIPv4("127.1")),
            ("1:2", .badIPv4("1")), ("host:", .badPort("")), ("host:0", .badPort("0")),
            ("host:65536", .badPort("65536")),
            ("host:+1", .badPort("+1")), ("host: 1", .badPort(" 1")), ("[::1", .badIPv6("[::1")),
            ("[::1]8", .badHost("[::1]8")),
            ("[::1]:", .badPort("")), ("[a]:1", .badIPv6("a")), ("1:2:3", .badIPv6("1:2:3")),
            ("2001:db8:0:0:0:0:0:1:8388", .missingBrackets(suggestion: "[2001:db8:0:0:0:0:0:1]:8388")),
            ("fe80::1::5", .badIPv6("fe80::1::5")), ("2001:db8::1:83880", .badIPv6("2001:db8::1:83880")),
            ("https://a/", .link), ("ss://x", .link), ("a\u{0}b", .badHost("a\u{0}b")), (".", .badHost(".")),
        ] as [(String, HostPort.Fault)])
    func badHosts(text: String, fault: HostPort.Fault) {
        #expect(throws: fault) { try HostPort(text) }
    }

    @Test("a name is at most 253 bytes, a label 63")
    func longNames() {
        let label = String(repeating: "a", count: 63)
        #expect(throws: Never.self) { try HostPort(label + "." + label) }
        #expect(throws: HostPort.Fault.self) { try HostPort(label + "a") }
        #expect(throws: HostPort.Fault.self) {
            try HostPort(Array(repeating: "abcd", count: 60).joined(separator: "."))
        }
    }

    @Test(
        "times are read with their unit",
        arguments: [
            ("500ms", .milliseconds(500)), ("10s", .seconds(10)), ("5m", .seconds(300)), ("12h", .seconds(43_200)),
            ("7d", .seconds(604_800)), ("0", .zero), ("300", .seconds(300)), ("10 s", .seconds(10)), ("", nil),
            ("s", nil),
            ("-1", nil), ("1.5s", nil), ("1w", nil), ("10S", nil), ("99999999999999999999s", nil),
            ("36500d", .seconds(3_153_600_000)),
            ("36501d", nil), ("9223372036854775807d", nil), ("1s1s", nil),
        ] as [(String, Duration?)])
    func times(text: String, expected: Duration?) {
        #expect(Quantity.time(text) == expected)
    }

    @Test(
        "sizes are read with their unit",
        arguments: [
            ("0", 0), ("64KiB", 65_536), ("2MiB", 2 << 20), ("1GiB", 1 << 30), ("3TiB", 3 << 40), ("1kb", 1_000),
            ("1K", 1_024),
            ("10B", 10), ("1 GiB", 1 << 30), ("", nil), ("KiB", nil), ("-1", nil), ("1.5GiB", nil), ("8388608TiB", nil),
            ("99999999999999999999", nil), ("9223372036854775808", nil), ("1PiB", nil),
        ] as [(String, UInt64?)])
    func sizes(text: String, expected: UInt64?) {
        #expect(Quantity.size(text) == expected)
    }

    @Test(
        "methods are found by every name, in any case",
        arguments: [
            ("aes-128-gcm", .aes128GCM), ("AES-192-GCM", .aes192GCM), ("aes-256-gcm", .aes256GCM),
            ("chacha20-ietf-poly1305", .chacha20Poly1305), ("XChaCha20-IETF-Poly1305", .xchacha20Poly1305),
            ("AEAD_AES_128_GCM", .aes128GCM), ("AEAD_AES_192_GCM", .aes192GCM), ("AEAD_AES_256_GCM", .aes256GCM),
            ("AEAD_CHACHA20_POLY1305", .chacha20Poly1305), ("aead_xchacha20_poly1305", .xchacha20Poly1305),
            ("chacha20-poly1305", .chacha20Poly1305),
        ] as [(String, CipherMethod)])
    func methods(name: String, method: CipherMethod) {
        #expect(MethodName(name) == .known(method))
    }

    @Test(
        "what protects nobody is refused with a reason",
        arguments: [
            "none", "plain", "table", "rc4", "rc4-md5", "RC4-MD5", "chacha20", "chacha20-ietf", "salsa20",
            "aes-256-cfb",
            "aes-128-ctr", "aes-192-ofb", "camellia-256-cfb", "bf-cfb", "cast5-cfb", "des-cfb", "idea-cfb", "rc2-cfb",
            "seed-cfb", "aes-256-cfb8", "xchacha20",
        ])
    func refused(name: String) {
        guard case .refused(let reason) = MethodName(name) else {
            Issue.record("\(name) is not refused")
            return
        }
        #expect(!reason.isEmpty)
    }

    @Test(
        "methods of SIP022 are known, rare ones are not here, the rest is unknown with a suggestion",
        arguments: [
            ("2022-blake3-aes-128-gcm", .known(.blake3AES128GCM)),
            ("2022-BLAKE3-aes-256-gcm", .known(.blake3AES256GCM)),
            ("2022-blake3-chacha20-poly1305", .known(.blake3ChaCha20Poly1305)),
            ("2022-blake3-chacha8-poly1305", .rare), ("aes-256-gmc", .unknown(suggestion: "aes-256-gcm")),
            ("chacha20-ietf-poly135", .unknown(suggestion: "chacha20-ietf-poly1305")), ("", .unknown(suggestion: nil)),
            ("enigma", .unknown(suggestion: nil)), ("aes_256_gcm", .unknown(suggestion: "aes-256-gcm")),
        ] as [(String, MethodName)])
    func others(name: String, expected: MethodName) {
        #expect(MethodName(name) == expected)
    }

    @Test(
        "generated keys are strong; what a person made up mostly is not",
        arguments: [
            ("kY3rJ0n8w2vQ5tLz7bXc1sDf", .strong), ("Kp2fX9vL0qRw7TzM", .strong),
            ("3f9a0c71be5d4826a1f07c93d2e8b645", .strong),
            ("8V1k3tN0yXq5sJw6cRz2mA7uHb4eGp9d0LfQxTiYoUs=", .strong), ("barfoo!", .wellKnown), ("BARFOO", .wellKnown),
            ("mypassword", .wellKnown), ("", .short(length: 0)), ("sh0rt", .short(length: 5)),
            ("YctPZ6U7xPPcU+gp3u+0tx/tRizJN9K8y+uKlW2qjlI=", .wellKnown), ("5mOQSa20Kt6ay2LXruBoHQ==", .wellKnown),
            ("aaaaaaaaaaaaaaaaaaaaaaaa", .guessable(bits: 0)), ("abcdefghijklmnopqrstuvwxyz", .guessable(bits: 4)),
            ("REPLACE-ME-with-a-key-from-ssserver-genkey", .placeholder), ("base64 or text", .placeholder),
        ] as [(String, PasswordStrength)])
    func strength(password: String, expected: PasswordStrength) {
        #expect(PasswordStrength(of: password) == expected)
    }

    @Test(
        "a typo finds its name and a stranger finds none",
        arguments: [
            ("bloklist", "blacklist"), ("chek", "check"), ("chekc", "check"), ("RUN", "run"), ("genkye", "genkey"),
            ("gen-key", "genkey"), ("", nil), ("x", nil), ("xyz", nil), ("chocolate", nil),
            (String(repeating: "check", count: 50_000), nil),
        ] as [(String, String?)])
    func nearest(word: String, expected: String?) {
        #expect(NearestName.of(word, among: ["run", "check", "genkey", "blacklist"]) == expected)
    }

    @Test(
        "one edit is one edit",
        arguments: [
            ("abc", "abc", 0), ("abc", "acb", 1), ("abc", "ab", 1), ("abc", "axc", 1), ("", "abc", 3),
            ("kitten", "sitting", 3),
        ])
    func distances(left: String, right: String, expected: Int) {
        #expect(NearestName.distance(left, right) == expected)
        #expect(NearestName.distance(right, left) == expected)
    }

    @Test(
        "colour needs a terminal that can and nobody who objects",
        arguments: [
            (true, [:], true), (false, [:], false), (true, ["NO_COLOR": "1"], false), (true, ["NO_COLOR": ""], true),
            (true, ["TERM": "dumb"], false), (true, ["TERM": "xterm"], true),
        ] as [(Bool, [String: String], Bool)])
    func colour(isTerminal: Bool, environment: [String: String], expected: Bool) {
        let palette = Palette(isTerminal: isTerminal) { environment[$0] }
        #expect(palette.isColoured == expected)
        #expect(palette.paint("x", .error) == (expected ? "\u{1b}[1;31mx\u{1b}[0m" : "x"))
        #expect(palette.paint("", .error) == "")
    }

    @Test(
        "foreign text can neither steer a terminal nor grow without end",
        arguments: [
            ("plain", "\"plain\""), ("\u{1b}[31m", "\"\\x1b[31m\""), ("a\u{202e}b", "\"a\\u{202e}b\""),
            ("\u{2028}", "\"\\u{2028}\""), ("漢\n", "\"漢\\x0a\""), ("\u{85}", "\"\\u{85}\""),
            (String(repeating: "x", count: 100), "\"" + String(repeating: "x", count: 60) + "…\""),
        ])
    func quoting(text: String, expected: String) {
        #expect(TerminalText.quote(text) == expected)
    }
}
