import SSCommon
import Testing

@testable import SSServerCore

@Suite("Rules about names by the million")
struct NameTableTests {
    private struct Rule: Hashable {
        var name: String
        var scope: NameScope
        var isAllowed = false
    }

    private func table(_ rules: [Rule]) -> NameTable {
        var builder = NameTable.Builder(seed: (7, 9))
        var sources = RuleSources()
        sources.begin("list")
        for rule in rules {
            let place = sources.advance()
            Array(rule.name.utf8).withUnsafeBytes {
                builder.add($0, rule.scope, isAllowed: rule.isAllowed, at: place)
            }
        }
        return NameTable(builder)
    }

    private func match(_ table: NameTable, _ name: String) -> NameMatch? {
        Array(name.utf8).withUnsafeBytes { table.match($0) }
    }

    @Test("A rule for a tree, for a name alone, and for what is below it")
    func scopes() {
        let table = table([
            Rule(name: "tree.com", scope: .tree), Rule(name: "exact.com", scope: .exact),
            Rule(name: "below.com", scope: .below),
        ])
        for name in ["tree.com", "a.tree.com", "a.b.tree.com", "exact.com", "x.below.com", "x.y.below.com"] {
            #expect(match(table, name) != nil, "\(name)")
        }
        for name in ["xtree.com", "com", "tree.co", "a.exact.com", "below.com", "tree.com.evil.org", "ree.com"] {
            #expect(match(table, name) == nil, "\(name)")
        }
        #expect(match(table, "a.tree.com")?.suffix == 8)
        #expect(match(table, "a.tree.com")?.place.number == 0)
        #expect(match(table, "x.below.com")?.place.number == 2)
    }

    @Test("The longest suffix decides, and what allows where two are of one length")
    func precedence() {
        let table = table([
            Rule(name: "com", scope: .tree), Rule(name: "a.com", scope: .tree, isAllowed: true),
            Rule(name: "b.a.com", scope: .tree), Rule(name: "b.a.com", scope: .exact, isAllowed: true),
            Rule(name: "c.com", scope: .exact), Rule(name: "c.com", scope: .tree, isAllowed: true),
        ])
        #expect(match(table, "x.com")?.isAllowed == false)
        #expect(match(table, "a.com")?.isAllowed == true)
        #expect(match(table, "x.a.com")?.isAllowed == true)
        #expect(match(table, "b.a.com")?.isAllowed == true)
        #expect(match(table, "x.b.a.com")?.isAllowed == false)
        #expect(match(table, "c.com")?.isAllowed == true)
    }

    @Test("A rule that is there twice counts once, at its first place")
    func repetitions() {
        let table = table(
            Array(repeating: Rule(name: "a.com", scope: .tree), count: 1000) + [Rule(name: "a.com", scope: .exact)])
        #expect(table.count == 2)
        #expect(match(table, "a.com")?.place.number == 0)
    }

    @Test("Nothing is in an empty table, and a name of 127 labels is looked at to its end")
    func edges() {
        let empty = table([])
        #expect(match(empty, "a.com") == nil && empty.count == 0)
        let long = Array(repeating: "a", count: 127).joined(separator: ".")
        let table = table([Rule(name: long, scope: .exact), Rule(name: "b", scope: .tree)])
        #expect(match(table, long) != nil)
        #expect(match(table, String(long.dropFirst(2))) == nil)
        #expect(match(table, "x.b") != nil)
    }

    @Test("The same as a plain search says, for thousands of names and rules of few letters", arguments: [1, 2, 3])
    func reference(seed: UInt64) {
        var random = SplitMix(seed)
        func name(_ random: inout SplitMix) -> String {
            (0..<Int.random(in: 1...5, using: &random))
                .map { _ in ["a", "b", "c", "ab", "abcdefghi"].randomElement(using: &random)! }.joined(separator: ".")
        }
        let rules = (0..<400).map { _ in
            Rule(
                name: name(&random), scope: NameScope.allCases.randomElement(using: &random)!,
                isAllowed: .random(using: &random))
        }
        let table = table(rules)
        #expect(table.count == Set(rules).count)
        for _ in 0..<5000 {
            let name = name(&random)
            let fitting = rules.filter { rule in
                switch rule.scope {
                case .exact: name == rule.name
                case .below: name.hasSuffix("." + rule.name)
                case .tree: name == rule.name || name.hasSuffix("." + rule.name)
                }
            }
            let longest = fitting.map(\.name.utf8.count).max() ?? 0
            let deciding = fitting.filter { $0.name.utf8.count == longest }
            let found = match(table, name)
            #expect((found == nil) == fitting.isEmpty, "\(name)")
            guard let found else { continue }
            #expect(found.suffix == longest && found.isAllowed == deciding.contains(where: \.isAllowed), "\(name)")
        }
    }

    @Test("A rule takes no more than seventeen bytes")
    func size() {
        var builder = NameTable.Builder(seed: (1, 2))
        var sources = RuleSources()
        sources.begin("list")
        for number in 0..<100_000 {
            let place = sources.advance()
            Array("host\(number).example.com".utf8).withUnsafeBytes {
                builder.add($0, .tree, isAllowed: false, at: place)
            }
        }
        let table = NameTable(builder)
        #expect(table.count == 100_000 && table.byteCount <= 1_700_000)
        #expect(match(table, "x.host99999.example.com")?.place.number == 99_999)
        #expect(match(table, "host100000.example.com") == nil)
    }
}

/// Random numbers that are the same each time.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
