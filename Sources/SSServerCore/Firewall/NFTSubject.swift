// What a condition of nft(8) asks about: the payload, meta and conntrack expressions that tell whether a packet from
// the internet gets to a port.

struct NFTSubject {
    private enum Kind {
        case port, sourcePort, source, destination, layer4, version, etherType, state, status, direction, interface
        case packetType, destinationKind
        /// It has no part in what is understood; its values may be read.
        case other
        /// A header that such a packet does not have.
        case absent
    }

    private let kind: Kind
    /// Only packets with this header are asked.
    private var transport: FirewallPacket.Transport?
    private var family: FirewallPacket.Family?

    /// Takes its words; nil, and none taken, if this begins with none.
    init?(_ words: inout ArraySlice<FirewallTerm>) {
        let head = words.prefix(3).map(\.text)
        guard let first = head.first else { return nil }
        let second = head.count > 1 ? head[1] : ""
        var count = 2
        switch first {
        case "tcp", "udp", "th":
            transport = FirewallPacket.Transport(rawValue: first)
            kind = second == "dport" ? .port : second == "sport" ? .sourcePort : .other
        case "ip", "ip6":
            family = first == "ip" ? .ipv4 : .ipv6
            switch second {
            case "saddr": kind = .source
            case "daddr": kind = .destination
            case "protocol", "nexthdr": kind = .layer4
            default: kind = .other
            }
        case "meta": kind = Self.meta(second)
        case "ct":
            // "ct original saddr" and its like are passed over.
            guard !["original", "reply"].contains(second) else { return nil }
            kind =
                second == "state" ? .state : second == "status" ? .status : second == "direction" ? .direction : .other
        case "fib":
            guard head.dropFirst().elementsEqual(["daddr", "type"]) else { return nil }
            kind = .destinationKind
            count = 3
        case "icmp", "icmpv6", "igmp", "sctp", "dccp", "udplite", "esp", "ah", "comp", "frag", "hbh", "dst", "mh",
            "srh":
            kind = .absent
        case "rt" where second == "type": kind = .absent
        case "iif", "iifname", "oif", "oifname", "pkttype", "mark", "skuid", "skgid":
            kind = Self.meta(first)
            count = 1
        default: return nil
        }
        words = words.dropFirst(count)
    }

    private static func meta(_ key: String) -> Kind {
        switch key {
        case "l4proto": .layer4
        case "nfproto": .version
        case "protocol": .etherType
        case "iif", "iifname": .interface
        case "pkttype": .packetType
        default: .other
        }
    }

    var isPort: Bool {
        switch kind {
        case .port: true
        case .sourcePort, .source, .destination, .layer4, .version, .etherType, .state, .status, .direction, .interface,
            .packetType, .destinationKind, .other, .absent:
            false
        }
    }

    /// Its values are bits, of which several may be set.
    var isBits: Bool {
        switch kind {
        case .state, .status: true
        case .port, .sourcePort, .source, .destination, .layer4, .version, .etherType, .direction, .interface,
            .packetType,
            .destinationKind, .other, .absent:
            false
        }
    }

    func isIn(_ packet: FirewallPacket) -> Bool {
        if case .absent = kind { return false }
        return (transport ?? packet.transport) == packet.transport && (family ?? packet.family) == packet.family
    }

    /// Whether it is one of these values for the packet.
    func anyMatch(_ values: [[FirewallTerm]], _ packet: FirewallPacket) -> FirewallMatch {
        FirewallMatch.any(values.map { $0.count == 1 ? match($0[0].text, packet) : .maybe })
    }

    /// Whether it is this value for the packet.
    func match(_ value: String, _ packet: FirewallPacket) -> FirewallMatch {
        switch kind {
        case .port: packet.goes(to: value, rangeMark: "-")
        case .sourcePort: packet.comes(from: value, rangeMark: "-")
        case .source: packet.comes(from: value)
        case .destination: packet.goes(to: value)
        case .layer4: packet.isOf(protocol: value)
        case .version: FirewallMatch(value == packet.family.rawValue)
        case .etherType: FirewallMatch(value == (packet.family == .ipv4 ? "ip" : "ip6"))
        case .state: packet.isTracked(as: value)
        // Nobody sends it elsewhere; the other bits are not understood.
        case .status: value == "dnat" || value == "snat" ? .no : .maybe
        case .direction: FirewallMatch(value == "original")
        case .interface: packet.comes(through: value)
        case .packetType: FirewallMatch(value == "host" || value == "unicast")
        case .destinationKind: packet.goes(toKind: value)
        case .other: .maybe
        case .absent: .no
        }
    }
}
