import SSCommon
import Testing

@testable import SSServerCore

@Suite("Rules about addresses")
struct AddressTableTests {
    private struct Rule {
        var prefix: IPPrefix
        var isAllowed = false
    }

    private func table(_ rules: [Rule]) -> AddressTable {
        var builder = AddressTable.Builder()
        var sources = RuleSources()
        sources.begin("list")
        for rule in rules { builder.add(rule.prefix, isAllowed: rule.isAllowed, at: sources.advance()) }
        return AddressTable(builder)
    }

    private func rule(_ text: String, isAllowed: Bool = false) throws -> Rule {
        Rule(prefix: try #require(IPPrefix(text)), isAllowed: isAllowed)
    }

    @Test("The longest prefix decides, and what allows where two are the same")
    func precedence() throws {
        let table = table([
            try rule("10.0.0.0/8"), try rule("10.1.0.0/16", isAllowed: true), try rule("10.1.2.0/24"),
            try rule("10.1.2.3"), try rule("10.1.2.3", isAllowed: true), try rule("2001:db8::/32"),
            try rule("2001:db8::1", isAllowed: true), try rule("255.255.255.255"), try rule("0.0.0.0"),
        ])
        let expected: [(String, String?, Bool)] = [
            ("9.255.255.255", nil, false), ("10.0.0.0", "10.0.0.0/8", false), ("10.1.0.0", "10.1.0.0/16", true),
            ("10.1.2.2", "10.1.2.0/24", false), ("10.1.2.3", "10.1.2.3/32", true), ("10.1.2.4", "10.1.2.0/24", false),
            ("10.1.3.0", "10.1.0.0/16", true), ("10.2.0.0", "10.0.0.0/8", false), ("11.0.0.0", nil, false),
            ("0.0.0.0", "0.0.0.0/32", false), ("0.0.0.1", nil, false), ("255.255.255.255", "255.255.255.255/32", false),
            ("2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", nil, false), ("2001:db8::", "2001:db8::/32", false),
            ("2001:db8::1", "2001:db8::1/128", true), ("2001:db8::2", "2001:db8::/32", false),
            ("2001:db9::", nil, false),
        ]
        for (text, prefix, isAllowed) in expected {
            let address = try #require(IPAddress(text))
            let found = table.match(address)
            let foundPrefix = found.flatMap { IPPrefix(address.masked(to: $0.length), length: $0.length) }
            #expect(foundPrefix?.description == prefix, "\(text)")
            #expect((found?.isAllowed ?? false) == isAllowed, "\(text)")
        }
    }

    @Test("Everything, and everything but one")
    func all() throws {
        let table = table([
            try rule("0.0.0.0/0"), try rule("::/0"), try rule("192.0.2.1", isAllowed: true),
            try rule("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", isAllowed: true),
        ])
        for (text, isAllowed) in [
            ("0.0.0.0", false), ("255.255.255.255", false), ("192.0.2.1", true), ("192.0.2.2", false), ("::", false),
            ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true), ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", false),
        ] {
            #expect(table.match(try #require(IPAddress(text)))?.isAllowed == isAllowed, "\(text)")
        }
    }

    @Test("Nothing is in an empty table")
    func empty() throws {
        let table = table([])
        #expect(table.match(try #require(IPAddress("192.0.2.1"))) == nil)
        #expect(table.match(try #require(IPAddress("::1"))) == nil)
    }

    @Test("The same as a plain search says, for ranges that lie in one another", arguments: [1, 2, 3])
    func reference(seed: UInt64) throws {
        var random = SplitMix(seed)
        var rules: [Rule] = []
        for _ in 0..<300 {
            let length = Int.random(in: 8...32, using: &random)
            // Few different bits, so that many overlap.
            let value = UInt32(truncatingIfNeeded: random.next()) & 0x0f03_0307
            let base = length == 0 ? 0 : value & (~0 << UInt32(32 - length))
            rules.append(
                Rule(
                    prefix: try #require(IPPrefix(.v4(IPv4Address(base)), length: length)),
                    isAllowed: .random(using: &random)))
        }
        let table = table(rules)
        for _ in 0..<5000 {
            let address = IPAddress.v4(IPv4Address(UInt32(truncatingIfNeeded: random.next()) & 0x0f03_0307))
            let fitting = rules.filter { $0.prefix.contains(address) }
            let longest = fitting.map(\.prefix.length).max()
            let found = table.match(address)
            #expect(found?.length == longest)
            let isAllowed = fitting.contains { $0.prefix.length == longest && $0.isAllowed }
            #expect((found?.isAllowed ?? false) == isAllowed)
        }
    }
}
