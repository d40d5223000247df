// What a firewall's chains do with one packet: the rules in order, jumps followed, both ways taken where a condition is
// not understood. The syntax of iptables and of nft is read elsewhere.

/// The first packet that somebody somewhere on the internet sends to a port of this machine.
package struct FirewallPacket: Hashable, Sendable {
    package enum Transport: String, CaseIterable, Sendable {
        case tcp, udp

        var number: String {
            switch self {
            case .tcp: "6"
            case .udp: "17"
            }
        }
    }

    package enum Family: String, CaseIterable, Sendable {
        case ipv4, ipv6
    }

    package var transport: Transport
    package var family: Family
    package var port: UInt16

    package init(_ transport: Transport, over family: Family, to port: UInt16) {
        self.transport = transport
        self.family = family
        self.port = port
    }
}

/// Whether a condition holds for the packet.
enum FirewallMatch {
    /// Surely.
    case yes
    /// Surely not.
    case no
    /// It is not understood, or depends on what nobody here knows.
    case maybe

    init(_ isTrue: Bool) { self = isTrue ? .yes : .no }

    static prefix func ! (match: Self) -> Self {
        switch match {
        case .yes: .no
        case .no: .yes
        case .maybe: .maybe
        }
    }

    static func && (one: Self, other: Self) -> Self {
        switch (one, other) {
        case (.no, _), (_, .no): .no
        case (.yes, .yes): .yes
        case (.maybe, _), (_, .maybe): .maybe
        }
    }

    /// Whether one of them holds.
    static func any(_ matches: some Sequence<Self>) -> Self { !matches.reduce(.yes) { $0 && !$1 } }
}

/// One rule, as far as it concerns the packet.
struct FirewallRule {
    enum Target: Hashable {
        case accept
        /// Dropped or rejected.
        case drop
        /// Back to the chain that jumped here.
        case back
        /// To the next rule: it only counts, logs or marks.
        case next
        case jump(String)
        case goto(String)
        /// Not understood; it may do anything.
        case unclear
    }

    var match: FirewallMatch
    var target: Target
}

/// What may become of the packet in a chain.
struct FirewallFate: OptionSet, Hashable {
    let rawValue: UInt8

    static let letIn = Self(rawValue: 1)
    static let keptOut = Self(rawValue: 2)
    /// Neither: back to the chain that jumped here.
    static let back = Self(rawValue: 4)
    /// Within a chain only: the next rule decides.
    static let next = Self(rawValue: 8)
    static let either: Self = [.letIn, .keptOut]
}

/// Each chain is walked once at most, whatever jumps to it.
struct FirewallWalk<Line> {
    /// Unread rules by the name of their chain.
    let chains: [String: [Line]]
    /// The rules that a line stands for, in order.
    let read: (Line) -> [FirewallRule]
    /// Chains whose fate is known; may be filled beforehand, to ask what would be if.
    var fates: [String: FirewallFate] = [:]

    /// Neither iptables nor nft lets chains be nested deeper than some tens.
    private static var depthLimit: Int { 64 }

    /// Of a chain that the kernel starts with.
    mutating func fate(from chain: String, policy: FirewallFate) -> FirewallFate {
        let found = fate(in: chain, under: [])
        return found.contains(.back) ? found.subtracting(.back).union(policy) : found
    }

    private mutating func fate(in chain: String, under callers: [String]) -> FirewallFate {
        if let known = fates[chain] { return known }
        // A loop cannot be loaded into a kernel; a list that shows one, or a jump to nowhere, is not understood.
        guard callers.count < Self.depthLimit, !callers.contains(chain), let lines = chains[chain] else {
            return [.either, .back]
        }
        let found = fate(of: lines, under: callers + [chain])
        fates[chain] = found
        return found
    }

    private mutating func fate(of lines: [Line], under callers: [String]) -> FirewallFate {
        var found: FirewallFate = []
        for line in lines {
            for rule in read(line) {
                if case .no = rule.match { continue }
                let fate = fate(of: rule.target, under: callers)
                found.formUnion(fate.subtracting(.next))
                if case .yes = rule.match, !fate.contains(.next) { return found }
            }
        }
        return found.union(.back)
    }

    private mutating func fate(of target: FirewallRule.Target, under callers: [String]) -> FirewallFate {
        switch target {
        case .accept: return .letIn
        case .drop: return .keptOut
        case .back: return .back
        case .next: return .next
        case .unclear: return [.either, .next]
        case .goto(let chain): return fate(in: chain, under: callers)
        case .jump(let chain):
            let fate = fate(in: chain, under: callers)
            return fate.contains(.back) ? fate.subtracting(.back).union(.next) : fate
        }
    }
}
