// What `iptables -S` and `ip6tables -S` print (iptables(8), iptables-extensions(8)), asked what becomes of a packet.

struct IPTablesRules {
    private(set) var chains: [String: [[FirewallTerm]]] = [:]
    private(set) var policies: [String: FirewallFate] = [:]

    init(_ text: String) {
        for line in FirewallTerm.lines(text, marks: .none) where line.count > 1 {
            let name = line[1].text
            switch line[0].text {
            case "-P":
                chains[name, default: []] += []
                policies[name] = line.last?.text == "ACCEPT" ? .letIn : .keptOut
            case "-N": chains[name, default: []] += []
            case "-A": chains[name, default: []].append(Array(line.dropFirst(2)))
            default: continue
            }
        }
    }

    /// - Parameter opened: A chain that is taken to let everything in.
    func fate(of packet: FirewallPacket, opened: String? = nil) -> FirewallFate {
        var walk = FirewallWalk(chains: chains, read: { [IPTablesLine.read($0, packet)] })
        if let opened, chains[opened] != nil { walk.fates[opened] = .letIn }
        return walk.fate(from: "INPUT", policy: policies["INPUT"] ?? .either)
    }
}

/// One rule.
private struct IPTablesLine {
    private var words: ArraySlice<FirewallTerm>
    private let packet: FirewallPacket
    private var match = FirewallMatch.yes

    static func read(_ words: [FirewallTerm], _ packet: FirewallPacket) -> FirewallRule {
        var line = Self(words: words[...], packet: packet)
        return line.rule()
    }

    private init(words: ArraySlice<FirewallTerm>, packet: FirewallPacket) {
        self.words = words
        self.packet = packet
    }

    private mutating func rule() -> FirewallRule {
        var isNegated = false
        while match != .no, let word = words.popFirst() {
            guard !word.isQuoted else {
                match = match && .maybe
                continue
            }
            switch word.text {
            case "!":
                isNegated = true
                continue
            case "-j": return FirewallRule(match: match, target: target(value()))
            case "-g": return FirewallRule(match: match, target: .goto(value()))
            case "--comment": _ = value()
            // What these match says nothing without their options.
            case "-m" where Self.plain.contains(words.first?.text ?? ""): _ = value()
            // An ordinary packet has none of these headers, so that no option of theirs is met.
            case "-m" where Self.headers.contains(words.first?.text ?? ""):
                return FirewallRule(match: .no, target: .next)
            default:
                let found = condition(word.text)
                match = match && (isNegated ? !found : found)
            }
            isNegated = false
        }
        return FirewallRule(match: match, target: .next)
    }

    private static let plain: Set<String> = [
        "tcp", "udp", "multiport", "comment", "conntrack", "state", "addrtype", "pkttype",
    ]
    private static let headers: Set<String> = ["rt", "frag", "ah", "esp", "dst", "hbh", "ipv6header", "mh", "icmp6"]

    /// The word after an option.
    private mutating func value() -> String { words.popFirst()?.text ?? "" }

    private mutating func condition(_ option: String) -> FirewallMatch {
        switch option {
        case "-p": return packet.isOf(protocol: value())
        case "-s": return packet.comes(from: value())
        case "-d": return packet.goes(to: value())
        case "-i": return packet.comes(through: value())
        // The later pieces of a packet.
        case "-f": return .no
        case "--dport", "--dports": return Self.any(value()) { packet.goes(to: $0, rangeMark: ":") }
        case "--sport", "--sports": return Self.any(value()) { packet.comes(from: $0, rangeMark: ":") }
        case "--ctstate", "--state": return Self.any(value(), packet.isTracked)
        case "--dst-type": return Self.any(value(), packet.goes(toKind:))
        case "--pkt-type": return FirewallMatch(value() == "unicast")
        case "--tcp-flags": return flags()
        default:
            while let next = words.first, next.isQuoted || !(next.text.hasPrefix("-") || next.text == "!") {
                _ = words.popFirst()
            }
            return .maybe
        }
    }

    /// Whether one of the values between commas is met.
    private static func any(_ values: String, _ isMet: (Substring) -> FirewallMatch) -> FirewallMatch {
        FirewallMatch.any(values.split(separator: ",").map(isMet))
    }

    /// Of the first set, those of the second and no others must be there; a connection's first packet has SYN alone.
    private mutating func flags() -> FirewallMatch {
        let examined = value().split(separator: ",")
        let wanted = value().split(separator: ",").filter { $0 != "NONE" }
        let isExamined = examined.contains("SYN") || examined.contains("ALL")
        return FirewallMatch(Set(wanted) == (isExamined ? ["SYN"] : []))
    }

    private func target(_ name: String) -> FirewallRule.Target {
        switch name {
        case "ACCEPT": .accept
        case "DROP", "REJECT": .drop
        case "RETURN": .back
        case "LOG", "NFLOG", "ULOG", "AUDIT", "MARK", "CONNMARK", "SET", "TRACE", "CLASSIFY", "TOS", "DSCP", "TTL",
            "HL",
            "TCPMSS", "SECMARK", "CONNSECMARK", "LED", "RATEEST":
            .next
        default: Self.foreign.contains(name) ? .unclear : .jump(name)
        }
    }

    /// Targets of the system that decide in ways of their own; what is not here is a chain, or leads to none.
    private static let foreign: Set<String> = ["NFQUEUE", "QUEUE", "TARPIT", "SYNPROXY", "TPROXY", "DNAT", "REDIRECT"]
}
