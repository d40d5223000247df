import SSCommon
import Testing

@testable import SSServerCore

@Suite("Which rule decides")
struct BlacklistTests {
    private static func set(_ order: RuleSet.Order, _ lines: [String], isACL: Bool = false) -> RuleSet {
        var builder = RuleSet.Builder(order, seed: (3, 4))
        builder.sources.begin("\(order)")
        var reader = ListReader(isACL: isACL)
        Array(lines.joined(separator: "\n").utf8).withUnsafeBytes { reader.read($0, into: &builder) }
        reader.end(into: &builder)
        return RuleSet(builder)
    }

    private static func blacklist(own: [String] = [], acl: [String] = [], lists: [String] = []) -> Blacklist {
        var blacklist = Blacklist()
        blacklist.own = set(.allowedFirst, own)
        if !acl.isEmpty { blacklist.acl = set(.refusedFirst, acl, isACL: true) }
        blacklist.lists = set(.mostExact, lists)
        return blacklist
    }

    /// As a request goes: its name, then its address; what decided, with "@@" before what allows, or "-".
    private func decide(
        _ blacklist: Blacklist, _ host: String, _ address: String? = nil, port: UInt16 = 443, user: String? = nil
    ) -> String {
        var permission = Permission()
        if let name = DomainName(host) {
            if let rule = blacklist.refusal(of: name, port: port, for: user, &permission) { return rule.rule }
        }
        if let address = IPAddress(address ?? host) {
            if let rule = blacklist.refusal(of: address, port: port, for: user, &permission) { return rule.rule }
        }
        return permission.rule.map { "@@\($0.rule)" } ?? "-"
    }

    @Test("User before owner before lists; what allows first, and in lists the longest")
    func order() {
        let blacklist = Self.blacklist(
            own: [
                "||own.example^", "@@||ok.own.example^", "@@||listed.example^", "||games.example^$client=alice",
                "@@||own.example^$client=bob", "@@||both.example^", "||sub.both.example^",
            ],
            lists: [
                "||listed.example^", "||long.ok.own.example^", "||a.example^", "@@||b.a.example^", "||c.b.a.example^",
                "@@||tie.example^", "||tie.example^",
            ])
        #expect(decide(blacklist, "own.example") == "||own.example^")
        #expect(decide(blacklist, "x.ok.own.example") == "@@||ok.own.example^")
        #expect(decide(blacklist, "long.ok.own.example") == "@@||ok.own.example^")
        #expect(decide(blacklist, "listed.example") == "@@||listed.example^")
        #expect(decide(blacklist, "games.example") == "-")
        #expect(decide(blacklist, "games.example", user: "alice") == "||games.example^")
        #expect(decide(blacklist, "games.example", user: "bob") == "-")
        #expect(decide(blacklist, "own.example", user: "bob") == "@@||own.example^")
        #expect(decide(blacklist, "sub.both.example") == "@@||both.example^")
        #expect(decide(blacklist, "a.example") == "||a.example^")
        #expect(decide(blacklist, "b.a.example") == "@@||b.a.example^")
        #expect(decide(blacklist, "c.b.a.example") == "||c.b.a.example^")
        #expect(decide(blacklist, "tie.example") == "@@||tie.example^")
        #expect(decide(blacklist, "xa.example") == "-")
    }

    @Test("What a name is allowed by, a lower rule for its address does not take back")
    func addresses() {
        let blacklist = Self.blacklist(
            own: ["@@||ok.example^", "198.51.100.0/24", "@@203.0.113.7"],
            lists: ["192.0.2.0/24", "203.0.113.0/24", "@@||listed.example^", "2001:db8::/32"])
        #expect(decide(blacklist, "any.example", "192.0.2.1") == "192.0.2.0/24")
        #expect(decide(blacklist, "ok.example", "192.0.2.1") == "@@||ok.example^")
        #expect(decide(blacklist, "ok.example", "198.51.100.1") == "@@||ok.example^")
        #expect(decide(blacklist, "listed.example", "198.51.100.1") == "198.51.100.0/24")
        #expect(decide(blacklist, "listed.example", "192.0.2.1") == "@@||listed.example^")
        #expect(decide(blacklist, "203.0.113.7") == "@@203.0.113.7")
        #expect(decide(blacklist, "203.0.113.8") == "203.0.113.0/24")
        // Wrapped in IPv6: mapped, NAT64, 6to4.
        for address in ["::ffff:192.0.2.1", "64:ff9b::c000:201", "2002:c000:201::1"] {
            #expect(decide(blacklist, address) == "192.0.2.0/24")
        }
        #expect(decide(blacklist, "2001:db8::1") == "2001:db8::/32")
    }

    @Test("Ports, and everything")
    func ports() {
        let blacklist = Self.blacklist(
            own: [":25", "a.example:8080", "@@mail.example:25", ":6881-6889", "192.0.2.1:22", "[2001:db8::1]:22"])
        #expect(decide(blacklist, "b.example", "192.0.2.9", port: 25) == ":25")
        #expect(decide(blacklist, "mail.example", "192.0.2.9", port: 25) == "@@||mail.example:25")
        #expect(decide(blacklist, "x.a.example", port: 8080) == "||a.example:8080")
        #expect(decide(blacklist, "x.a.example", "192.0.2.9", port: 80) == "-")
        #expect(decide(blacklist, "192.0.2.9", port: 6885) == ":6881-6889")
        #expect(decide(blacklist, "192.0.2.1", port: 22) == "192.0.2.1:22")
        #expect(decide(blacklist, "2001:db8::1", port: 22) == "[2001:db8::1]:22")
        let closed = Self.blacklist(own: ["*", "@@||ok.example^", "@@192.0.2.0/24"])
        #expect(decide(closed, "ok.example", "198.51.100.1") == "@@||ok.example^")
        #expect(decide(closed, "other.example", "198.51.100.1") == "*")
        #expect(decide(closed, "other.example", "192.0.2.1") == "@@192.0.2.0/24")
    }

    @Test("Who asks")
    func people() {
        let blacklist = Self.blacklist(own: ["client:192.0.2.0/24", "@@client:192.0.2.7", "user:alice"])
        func refused(_ client: String?, _ user: String?) -> String? {
            blacklist.refusal(client: client.flatMap { IPAddress($0) }, user: user)?.rule
        }
        #expect(refused("192.0.2.1", nil) == "client:192.0.2.0/24")
        #expect(refused("::ffff:192.0.2.1", "bob") == "client:192.0.2.0/24")
        #expect(refused("192.0.2.7", "bob") == nil)
        #expect(refused("198.51.100.1", "alice") == "user:alice")
        #expect(refused(nil, "bob") == nil && refused(nil, nil) == nil)
    }

    @Test("ACL files, as shadowsocks-rust reads them")
    func acl() {
        let usual = Self.blacklist(acl: [
            "# a server's", "192.0.2.0/24", "[outbound_block_list]", "10.0.0.0/8", "(^|\\.)ads\\.example$",
            "||both.example",
            "[outbound_allow_list]", "both.example", "[white_list]", "192.0.2.7",
        ])
        #expect(decide(usual, "x.ads.example") == "||ads.example^")
        #expect(decide(usual, "both.example") == "||both.example^")
        #expect(decide(usual, "10.1.2.3") == "10.0.0.0/8")
        // Others are accepted, so the list of those who are has nothing to say.
        #expect(usual.refusal(client: IPAddress("192.0.2.7"), user: nil) != nil)
        #expect(usual.refusal(client: IPAddress("198.51.100.1"), user: nil) == nil)
        let closed = Self.blacklist(acl: [
            "[reject_all]", "[white_list]", "192.0.2.0/24", "[black_list]", "192.0.2.7", "[outbound_block_all]",
            "[outbound_allow_list]", "||ok.example", "198.51.100.0/24", "[outbound_block_list]", "=no.ok.example",
        ])
        #expect(closed.refusal(client: IPAddress("192.0.2.7"), user: nil) == nil)
        #expect(closed.refusal(client: IPAddress("203.0.113.1"), user: nil)?.rule == "client:0.0.0.0/0")
        #expect(closed.refusal(client: IPAddress("2001:db8::1"), user: nil)?.rule == "client:::/0")
        #expect(decide(closed, "x.ok.example", "203.0.113.1") == "@@||ok.example^")
        #expect(decide(closed, "no.ok.example") == "=no.ok.example")
        #expect(decide(closed, "other.example", "198.51.100.1") == "@@198.51.100.0/24")
        #expect(decide(closed, "other.example", "203.0.113.1") == "*")
    }

    @Test("Every spelling of a name and of an address is the same")
    func spellings() {
        let blacklist = Self.blacklist(own: ["||example.com^", "||bücher.example^", "127.0.0.1"])
        for text in ["EXAMPLE.com.", "www。example．com", "ｅｘａｍｐｌｅ.com", "x.Example.Com"] {
            #expect(BlockedQuestion(text).map { decide(blacklist, $0) } == "||example.com^", "\(text)")
        }
        for text in ["BÜCHER.example", "xn--bcher-kva.example", "XN--BCHER-KVA.EXAMPLE"] {
            #expect(BlockedQuestion(text).map { decide(blacklist, $0) } == "||xn--bcher-kva.example^", "\(text)")
        }
        for text in [
            "127.1", "0x7f.1", "0177.0.0.1", "2130706433", "１２７.0.0.1", "127。0。0。1", "[::ffff:127.0.0.1]",
            "::127.0.0.1",
        ] {
            #expect(BlockedQuestion(text).map { decide(blacklist, $0) } == "127.0.0.1", "\(text)")
        }
    }

    private func decide(_ blacklist: Blacklist, _ question: BlockedQuestion) -> String {
        switch question.host {
        case .name(let name): decide(blacklist, name.text)
        case .address(let address): decide(blacklist, "\(address)")
        }
    }

    @Test("Questions are hosts, addresses and URLs")
    func questions() throws {
        let url = try #require(BlockedQuestion("http://User@Example.com:8080/a/../b?c#d"))
        #expect(url.host == .name(try #require(DomainName("example.com"))) && url.port == 8080)
        #expect(url.path.map { String(decoding: $0, as: UTF8.self) } == "/b?c" && !url.hasHiddenPath)
        let secret = try #require(BlockedQuestion("https://example.com/x"))
        #expect(secret.port == 443 && secret.path == nil && secret.hasHiddenPath)
        #expect(BlockedQuestion("2001:db8::1")?.host == .address(try #require(IPAddress("2001:db8::1"))))
        for text in ["", "ftp://example.com", "a b", "http://", "-\u{0}", "exa mple.com/x"] {
            #expect(BlockedQuestion(text) == nil, "\(text)")
        }
    }
}
