// What `nft list ruleset` prints (nft(8)): tables and their chains, and which of them see a packet that comes in.

struct NFTRules {
    struct Table {
        /// "ip", "inet", …
        var family: String
        var name: String
        var chains: [String: [[FirewallTerm]]] = [:]
        var bases: [Base] = []
        /// Loaded, but not in force.
        var isDormant = false

        func concerns(_ family: FirewallPacket.Family) -> Bool {
            switch (self.family, family) {
            case ("inet", _), ("ip", .ipv4), ("ip6", .ipv6): !isDormant
            default: false
            }
        }
    }

    /// A chain that the kernel starts with for what comes in.
    struct Base {
        var name: String
        var policy: FirewallFate
    }

    private(set) var tables: [Table] = []

    init(_ text: String) {
        var reader = NFTReader()
        for line in FirewallTerm.lines(text, marks: .nft) { reader.add(line) }
        tables = reader.tables
    }

    /// Of one base chain; another may still keep out what this one lets in.
    static func fate(of packet: FirewallPacket, in base: Base, of table: Table) -> FirewallFate {
        var walk = FirewallWalk(chains: table.chains, read: { NFTRule.read($0, packet) })
        return walk.fate(from: base.name, policy: base.policy)
    }
}

extension NFTRules.Table {
    /// Whether this is the same as what iptables lists, which iptables says in words that are better understood.
    func isShown(by rules: IPTablesRules) -> Bool {
        guard name == "filter", bases.allSatisfy({ rules.policies[$0.name] == $0.policy }) else { return false }
        return chains.allSatisfy { rules.chains[$0.key]?.count == $0.value.count }
    }
}

/// Lines into tables. Whatever stands in braces that is no chain (sets, maps, counters) is passed over.
private struct NFTReader {
    private(set) var tables: [NFTRules.Table] = []
    private var isInTable = false
    private var chain: String?
    /// Braces that are open in what is passed over.
    private var depth = 0
    /// A rule that is not at its end.
    private var rule: [FirewallTerm] = []

    mutating func add(_ line: [FirewallTerm]) {
        if chain != nil { return addToChain(line) }
        defer { depth = max(0, depth + Self.depth(of: line)) }
        guard depth == 0 else { return }
        switch line[0].text {
        case "table" where !isInTable && line.count > 3:
            tables.append(NFTRules.Table(family: line[1].text, name: line[2].text))
            isInTable = line.last?.text == "{"
            depth = -1
        case "chain" where isInTable && line.count > 2 && line.last?.text == "{":
            chain = line[1].text
            tables[tables.count - 1].chains[line[1].text] = []
            depth = -1
        case "flags" where isInTable: tables[tables.count - 1].isDormant = line.contains { $0.text == "dormant" }
        case "}": isInTable = false
        default: return
        }
    }

    private mutating func addToChain(_ line: [FirewallTerm]) {
        if rule.isEmpty, line[0].text == "}" { return chain = nil }
        rule += line
        depth += Self.depth(of: line)
        guard depth <= 0, let chain else { return }
        defer { (rule, depth) = ([], 0) }
        if rule[0].text == "type" { return addBase(chain) }
        // What the chain is about.
        if rule[0].text == "comment", rule.count <= 3 { return }
        tables[tables.count - 1].chains[chain]?.append(rule)
    }

    private mutating func addBase(_ chain: String) {
        let words = rule.map(\.text)
        guard let hook = words.firstIndex(of: "hook"), words.dropFirst(hook + 1).first == "input" else { return }
        let policy = words.firstIndex(of: "policy").flatMap { words.dropFirst($0 + 1).first }
        let fate: FirewallFate = policy == "drop" ? .keptOut : .letIn
        tables[tables.count - 1].bases.append(NFTRules.Base(name: chain, policy: fate))
    }

    private static func depth(of line: [FirewallTerm]) -> Int {
        line.reduce(0) { depth, word in
            word.isQuoted ? depth : depth + (word.text == "{" ? 1 : word.text == "}" ? -1 : 0)
        }
    }
}
