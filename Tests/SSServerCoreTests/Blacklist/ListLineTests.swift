import SSCommon
import Testing

@testable import SSServerCore

@Suite("A line of a list in every syntax")
struct ListLineTests {
    private func read(_ text: String) -> ListLine { ListLineReader.read(Array(text.utf8)[...]) }

    /// A line for a person: its rules, with a minus before what is allowed.
    private func shown(_ text: String) -> String {
        switch read(text) {
        case .nothing: "nothing"
        case .rules(let rules, let isAllowed, let users):
            (users + rules.map { (isAllowed ? "@" : "") + Self.shown($0) }).joined(separator: " ")
        case .unenforceable(let reason): "unenforceable \(reason)"
        case .bad(let fault): "bad \(fault)"
        }
    }

    private static func shown(_ rule: ListRule) -> String {
        switch rule {
        case .name(let name, let scope): shown(name, scope)
        case .address(let prefix): "\(prefix)"
        case .path(.name(let name, let scope), let path): shown(name, scope) + String(decoding: path, as: UTF8.self)
        case .path(.address(let address), let path): "\(address)" + String(decoding: path, as: UTF8.self)
        case .pattern(let pattern): "~\(pattern)"
        case .expression(let expression): "/\(expression.text)/"
        case .ports(nil, let range): ":\(range)"
        case .ports(.name(let name, let scope)?, let range): "\(shown(name, scope)):\(range)"
        case .ports(.address(let address)?, let range): "\(address):\(range)"
        case .client(let prefix): "client \(prefix)"
        case .user(let name): "user \(name)"
        case .everything: "everything"
        }
    }

    private static func shown(_ name: DomainName, _ scope: NameScope) -> String {
        switch scope {
        case .tree: "||\(name)"
        case .exact: "=\(name)"
        case .below: "*.\(name)"
        }
    }

    private static let cases: [(String, String)] = [
        // Plain.
        ("a.com", "||a.com"), ("  a.com\t\r", "||a.com"), ("A.COM.", "||a.com"), (".a.com", "||a.com"),
        ("*.a.com", "*.a.com"), ("=a.com", "=a.com"), ("a.com # why", "||a.com"), ("a.com ; why", "||a.com"),
        ("bücher.example", "||xn--bcher-kva.example"), ("XN--BCHER-KVA.example", "||xn--bcher-kva.example"),
        ("a。com", "||a.com"), ("com", "||com"), ("ads*.a.com", "~ads*.a.com"), ("*tracker*", "~*tracker*"),
        // Comments and headlines.
        ("", "nothing"), ("   ", "nothing"), ("# a.com", "nothing"), ("! a.com", "nothing"), ("; a.com", "nothing"),
        ("[Adblock Plus 2.0]", "nothing"), ("#a.com", "nothing"), ("#", "nothing"), ("###", "nothing"),
        // Hosts files.
        ("0.0.0.0 a.com", "=a.com"), ("127.0.0.1\ta.com b.com # two", "=a.com =b.com"), ("::1 a.com", "=a.com"),
        ("fe80::1%lo0 localhost", "nothing"), ("127.0.0.1 localhost", "nothing"), ("0.0.0.0 0.0.0.0", "nothing"),
        // Adblock.
        ("||a.com^", "||a.com"), ("||a.com", "||a.com"), ("|a.com", "=a.com"), ("@@||ok.a.com^", "@||ok.a.com"),
        ("@@a.com", "@||a.com"), ("||a.com^$important", "||a.com"), ("||a.com^$third-party", "||a.com"),
        ("||a.com^$script,domain=b.com", "unenforceable options"), ("a.com##.banner", "unenforceable cosmetic"),
        ("##.banner", "unenforceable cosmetic"), ("a.com#@#.banner", "unenforceable cosmetic"),
        ("a.com#?#div:has(b)", "unenforceable cosmetic"), ("||a.com/path^", "||a.com/path"),
        ("||a.com^|", "||a.com"), ("|http://a.com/x", "=a.com/x"), ("||*.a.com^", "*.a.com"),
        ("/banner[0-9]+/", "/banner[0-9]+/"), ("/(?=a)/", "unenforceable expression"),
        ("/^https?:\\/\\/a/", "unenforceable addressPart"), ("/ads/banner", "unenforceable addressPart"),
        ("&ad_box=", "unenforceable addressPart"), ("||a.com/x*y", "unenforceable addressPart"),
        ("||a.com/x*", "||a.com/x"),
        ("||a.com^$client=alice", "alice ||a.com"), ("||a.com^$client='al'|\"bo\"", "al bo ||a.com"),
        ("@@||a.com^$client=alice", "alice @||a.com"), ("||a.com^$client=~alice", "unenforceable options"),
        ("||a.com^$client=192.0.2.1", "unenforceable options"),
        // Expressions of ACL files.
        ("(^|\\.)a\\.com$", "||a.com"), ("^a\\.com$", "=a.com"), ("^(.*\\.)?a-b\\.com$", "||a-b.com"),
        ("\\.a\\.com$", "*.a.com"), ("a\\.com$", "/a\\.com$/"), ("^ads?[0-9]*\\.", "/^ads?[0-9]*\\./"),
        // Ports, clients, users, everything.
        (":25", ":25...25"), ("*:25", ":25...25"), (":6881-6889", ":6881...6889"), ("a.com:443", "||a.com:443...443"),
        ("=a.com:443", "=a.com:443...443"), ("||a.com:443^", "||a.com:443...443"),
        ("192.0.2.1:25", "192.0.2.1:25...25"),
        ("[2001:db8::1]:25", "2001:db8::1:25...25"), ("@@:443", "@:443...443"), (":65536", "bad badName"),
        (":2-1", "bad badName"), ("client:192.0.2.0/24", "client 192.0.2.0/24"),
        ("client:2001:db8::1", "client 2001:db8::1/128"),
        ("@@client:192.0.2.1", "@client 192.0.2.1/32"), ("client:a.com", "bad badAddress"),
        ("user:alice", "user alice"),
        ("*", "everything"), ("@@*", "@everything"), ("||*^", "everything"), ("||1.2.3.4^", "1.2.3.4/32"),
        // dnsmasq, unbound, v2fly.
        ("address=/a.com/0.0.0.0", "||a.com"), ("address=/a.com/b.com/#", "||a.com ||b.com"),
        ("local=/a.com/", "||a.com"),
        ("server=/a.com/", "||a.com"), ("server=/a.com/8.8.8.8", "unenforceable forwarding"),
        ("local-zone: \"a.com.\" always_nxdomain", "||a.com"),
        ("local-zone: a.com transparent", "unenforceable forwarding"),
        ("server:", "nothing"), ("domain:a.com", "||a.com"), ("full:a.com @ads", "=a.com"),
        ("keyword:Track", "~*track*"),
        ("regexp:^ad", "/^ad/"), ("regexp:(a)\\1", "unenforceable expression"),
        ("include:other", "unenforceable include"),
        // Addresses in every spelling.
        ("192.0.2.1", "192.0.2.1/32"), ("192.0.2.0/24", "192.0.2.0/24"), ("192.0.2.7/24", "192.0.2.0/24"),
        ("192.0.2.0/24 ; SBL1", "192.0.2.0/24"), ("2001:db8::/32", "2001:db8::/32"),
        ("::ffff:192.0.2.1", "192.0.2.1/32"),
        ("0x7f.1", "127.0.0.1/32"), ("2130706433", "127.0.0.1/32"), ("１２７.0.0.1", "127.0.0.1/32"),
        ("0.0.0.0/0", "0.0.0.0/0"), ("192.0.2.0/33", "bad badAddress"), ("192.0.2.0/", "192.0.2.0/32"),
        // URLs.
        ("http://a.com/x/../y?q=1", "=a.com/y?q=1"), ("http://a.com", "=a.com"), ("http://a.com/", "=a.com"),
        ("https://a.com", "=a.com"), ("https://a.com/secret", "unenforceable httpsPath"), ("a.com/x", "||a.com/x"),
        ("http://user@a.com:8080/%7Ex", "=a.com/~x"), ("http://192.0.2.1/x", "192.0.2.1/x"),
        ("HTTP://A.com/X", "=a.com/X"),
        // What is none.
        ("a b c", "bad unknown"), ("-", "||-"), ("a..com", "bad badName"), ("http://", "bad badName"),
        ("a.com\0", "bad notText"), ("||^", "bad badName"), ("@@", "bad badName"),
    ]

    @Test("Each means what its users mean by it", arguments: cases)
    func meaning(_ line: String, _ meaning: String) {
        #expect(shown(line) == meaning)
    }

    @Test("What is no text or too long is no rule")
    func bad() {
        #expect(ListLineReader.read([0x61, 0xff, 0xfe][...]) == .bad(.notText))
        #expect(ListLineReader.read(Array(repeating: 0x61, count: 4097)[...]) == .bad(.tooLong))
    }

    @Test("Any bytes can be read")
    func anything() {
        var random = SplitMix(5)
        let alphabet = Array("||@@^$*.:/#[]=;! \t\\%a.com0127server=/full:é".utf8)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                Int.random(in: 0..<20, using: &random) == 0
                    ? UInt8.random(in: .min ... .max, using: &random) : alphabet.randomElement(using: &random)!
            }
            _ = ListLineReader.read(bytes[...])
        }
    }

    @Test(
        "A pattern's pieces stand in a name in their order, at its ends where they are not open",
        arguments: [
            ("ads*.a.com", ["ads.a.com", "ads1.a.com", "ads.x.a.com"], ["xads.a.com", "ads.a.com.b", "ad.a.com"]),
            ("*track*", ["track", "a.tracker.com"], ["trac.k"]), ("a*", ["a", "ab.com"], ["ba"]),
            ("*.com", ["a.com"], ["com", "a.com.b"]), ("a*b*c", ["abc", "axbxc", "abbbc"], ["acb", "ab", "xabc"]),
            ("aa*aa", ["aaaa", "aaxaa"], ["aaa", "aa"]),
        ] as [(String, [String], [String])])
    func patterns(_ text: String, _ fitting: [String], _ others: [String]) throws {
        let pattern = try #require(NamePattern(wildcard: text.utf8))
        #expect(pattern.description == text)
        for name in fitting { #expect(Array(name.utf8).withUnsafeBytes { pattern.matches($0) }, "\(name)") }
        for name in others { #expect(!Array(name.utf8).withUnsafeBytes { pattern.matches($0) }, "\(name)") }
    }

    @Test(
        "A path has one spelling",
        arguments: [
            ("/", "/"), ("/a/b", "/a/b"), ("/a/./b/../c", "/a/c"), ("/../../a", "/a"), ("/a/..", "/"), ("/a/.", "/a/"),
            ("/%61%2f%2F%zz", "/a%2F%2F%zz"), ("/a?b=/../c", "/a?b=/../c"), ("?q", "/?q"), ("/a//b", "/a//b"),
            ("/%2e%2e/a", "/a"), ("/é", "/é"),
        ])
    func paths(_ text: String, _ normal: String) {
        #expect(RequestPath.normalised(text.utf8).map { String(decoding: $0, as: UTF8.self) } == normal)
        #expect(RequestPath.normalised(normal.utf8).map { String(decoding: $0, as: UTF8.self) } == normal)
    }
}
