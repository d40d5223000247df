// One rule of nft(8), asked about one packet: conditions first, then statements. What is not understood is passed over
// up to the next word that can only be a statement.

struct NFTRule {
    private var words: ArraySlice<FirewallTerm>
    private let packet: FirewallPacket
    private var match = FirewallMatch.yes

    /// Several if it looks its verdict up in a map.
    static func read(_ words: [FirewallTerm], _ packet: FirewallPacket) -> [FirewallRule] {
        var rule = Self(words: words[...], packet: packet)
        return rule.rules()
    }

    private init(words: ArraySlice<FirewallTerm>, packet: FirewallPacket) {
        self.words = words
        self.packet = packet
    }

    private mutating func rules() -> [FirewallRule] {
        while match != .no, let word = words.first {
            if !word.isQuoted, let target = NFTVerdict.target(words) {
                return [FirewallRule(match: match, target: target)]
            }
            if !word.isQuoted, passStatement(word.text) { continue }
            guard !word.isQuoted, let subject = NFTSubject(&words), let found = condition(subject) else {
                if let target = passUnknown() { return [FirewallRule(match: match && .maybe, target: target)] }
                continue
            }
            switch found {
            case .one(let found): match = match && found
            case .map(let rules): return rules
            }
        }
        return [FirewallRule(match: match, target: .next)]
    }

    // MARK: Statements

    /// True for one that neither asks nor decides.
    private mutating func passStatement(_ word: String) -> Bool {
        switch word {
        case "counter":
            words.removeFirst()
            if words.first?.text == "packets" { words = words.dropFirst(4) }
            if words.first?.text == "name" { words = words.dropFirst(2) }
        case "comment": words = words.dropFirst(2)
        case "log":
            words.removeFirst()
            while let option = words.first, !option.isQuoted, Self.logOptions.contains(option.text) {
                // "flags tcp sequence,options" has a word more than "flags all".
                let isLong = option.text == "flags" && ["tcp", "ip"].contains(words.dropFirst().first?.text)
                words = words.dropFirst(isLong ? 3 : 2)
                while words.first?.text == "," { words = words.dropFirst(2) }
            }
        case "notrack", ";": words.removeFirst()
        default: return false
        }
        return true
    }

    private static let logOptions: Set<String> = ["prefix", "level", "group", "snaplen", "queue-threshold", "flags"]
    /// What ends an expression that is not understood.
    private static let statements: Set<String> = [
        "accept", "drop", "reject", "return", "continue", "jump", "goto", "queue", "counter", "log", "comment",
    ]
    /// These decide in ways of their own.
    private static let foreign: Set<String> = ["vmap", "dnat", "redirect", "tproxy", "synproxy", "target"]

    /// Up to the next statement; a target if it decides in a way that is not understood.
    private mutating func passUnknown() -> FirewallRule.Target? {
        match = match && .maybe
        var isFirst = true
        while let word = words.first {
            if !word.isQuoted, Self.foreign.contains(word.text) { return .unclear }
            if !isFirst, !word.isQuoted, Self.statements.contains(word.text) { return nil }
            words.removeFirst()
            isFirst = false
        }
        return nil
    }

    // MARK: Conditions

    private enum Condition {
        case one(FirewallMatch)
        /// A map from values to verdicts.
        case map([FirewallRule])
    }

    /// Nil for what is not understood.
    private mutating func condition(_ subject: NFTSubject) -> Condition? {
        // Whatever is asked of a header that is not there, the answer is no.
        guard subject.isIn(packet) else { return .one(.no) }
        // A name in quotation marks is no operator.
        let sign = words.first.map { $0.isQuoted ? "==" : $0.text } ?? ""
        switch sign {
        case "vmap":
            words.removeFirst()
            guard let entries = values() else { return .map([FirewallRule(match: match && .maybe, target: .unclear)]) }
            return .map(map(entries, subject))
        case "set":
            words = words.dropFirst()
            return values().map { _ in .one(.yes) }
        case "<", ">", "<=", ">=":
            guard let bound = words.dropFirst().first.flatMap({ UInt16($0.text) }) else { return nil }
            words = words.dropFirst(2)
            return .one(subject.isPort ? FirewallMatch(Self.compare(packet.port, sign, bound)) : .maybe)
        case "==", "!=": if let first = words.first, !first.isQuoted { words.removeFirst() }
        case "!":
            // None of these bits.
            words.removeFirst()
            return subject.isBits ? values().map { .one(!subject.anyMatch($0, packet)) } : nil
        case "eq", "neq", "&", "|", "^", "and", "or", "xor", ".", "over", "": return nil
        default: break
        }
        if let name = words.first, !name.isQuoted, name.text.hasPrefix("@") {
            words.removeFirst()
            return .one(.maybe)
        }
        guard let values = values() else { return nil }
        // A mask follows.
        if ["/", "&", "|", "=="].contains(words.first?.text) { return nil }
        let found = subject.anyMatch(values, packet)
        guard sign == "!=" else { return .one(found) }
        // Of several bits nft asks whether these and no others are set.
        return .one(subject.isBits && values.count > 1 && found != .no ? .maybe : !found)
    }

    private static func compare(_ port: UInt16, _ sign: String, _ bound: UInt16) -> Bool {
        switch sign {
        case "<": port < bound
        case ">": port > bound
        case "<=": port <= bound
        default: port >= bound
        }
    }

    /// One value, several with commas between, or a set in braces. Nil for a set that is only named.
    private mutating func values() -> [[FirewallTerm]]? {
        guard let first = words.first, first.isQuoted || !first.text.hasPrefix("@") else { return nil }
        if first.isQuoted || first.text != "{" {
            var list = [[first]]
            words.removeFirst()
            while words.first?.text == ",", let next = words.dropFirst().first {
                list.append([next])
                words = words.dropFirst(2)
            }
            return list
        }
        guard let end = words.firstIndex(of: FirewallTerm(text: "}")) else { return nil }
        let list = words[words.startIndex..<end].dropFirst().split(separator: FirewallTerm(text: ",")).map(Array.init)
        words = words[(end + 1)...]
        return list
    }

    /// Values are met by one entry at most, "*" stands for all others.
    private func map(_ entries: [[FirewallTerm]], _ subject: NFTSubject) -> [FirewallRule] {
        var rules: [FirewallRule] = []
        var others: [FirewallRule] = []
        for entry in entries {
            let parts = entry.split(separator: FirewallTerm(text: ":"), maxSplits: 1).map(Array.init)
            let target = parts.count == 2 ? NFTVerdict.target(parts[1][...]) ?? .unclear : .unclear
            if let key = parts.first, key.count == 1 {
                if key[0].text == "*" {
                    others.append(FirewallRule(match: match, target: target))
                } else {
                    rules.append(FirewallRule(match: match && subject.match(key[0].text, packet), target: target))
                }
            } else {
                rules.append(FirewallRule(match: match && .maybe, target: target))
            }
        }
        return rules + others
    }
}

/// What ends a rule.
private enum NFTVerdict {
    /// Nil if the words do not begin with one.
    static func target(_ words: ArraySlice<FirewallTerm>) -> FirewallRule.Target? {
        switch words.first?.text {
        case "accept": .accept
        case "drop", "reject": .drop
        case "return": .back
        case "continue": .next
        case "queue": .unclear
        case "jump": .jump(words.dropFirst().first?.text ?? "")
        case "goto": .goto(words.dropFirst().first?.text ?? "")
        default: nil
        }
    }
}
