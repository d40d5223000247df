// Whether the firewalls of this machine let the internet in to a port, and the commands that open it. From what the
// firewalls' own tools print; nothing here runs or changes anything.
package import SSCommon

/// What was found on the machine.
package struct FirewallSighting: Hashable, Sendable {
    /// ufw is there and enabled.
    package var hasUFW = false
    /// firewalld is there and runs.
    package var hasFirewalld = false
    /// What `nft list ruleset` printed; nil if it was not to be had.
    package var nftables: String?
    /// What `iptables -S` printed; nil if it was not to be had.
    package var iptables: String?
    /// What `ip6tables -S` printed; nil if it was not to be had.
    package var ip6tables: String?

    package init() {}
}

/// A port that laptops must be able to reach.
package struct WantedPort: Hashable, Sendable {
    package let number: UInt16
    let transports: [FirewallPacket.Transport]
    let families: [FirewallPacket.Family]

    /// - Parameters:
    ///   - address: Where the server listens; nil for everywhere.
    ///   - own: The machine's addresses. Who listens everywhere is not reached over a family of which it has none.
    package init(_ number: UInt16, _ mode: RelayMode, at address: IPAddress?, own: Set<IPAddress>) {
        self.number = number
        transports = (mode.hasTCP ? [.tcp] : []) + (mode.hasUDP ? [.udp] : [])
        switch address?.folded {
        case .v4: families = [.ipv4]
        case .v6(let address) where (address.high, address.low) != (0, 0): families = [.ipv6]
        case .v6, nil:
            let found = Set(own.compactMap(Self.family))
            families = found.isEmpty ? [.ipv4, .ipv6] : FirewallPacket.Family.allCases.filter(found.contains)
        }
    }

    /// Nil for an address that only this machine or its neighbours reach.
    private static func family(of address: IPAddress) -> FirewallPacket.Family? {
        switch address {
        case .v4(let address): address.value >> 24 == 127 || address.value >> 16 == 0xA9FE ? nil : .ipv4
        case .v6(let address):
            address.high >> 54 == 0x3FA || (address.high, address.low) == (0, 1) ? nil : .ipv6
        }
    }

    var packets: [FirewallPacket] {
        families.flatMap { family in transports.map { FirewallPacket($0, over: family, to: number) } }
    }

    /// "TCP and UDP".
    package var transportWords: String { Self.words(transports) }

    /// "the port" if these are all that should get in, "UDP over IPv6" if not.
    func words(for packets: [FirewallPacket]) -> String {
        if Set(packets) == Set(self.packets) { return "the port" }
        let shut = families.map { family in packets.filter { $0.family == family }.map(\.transport) }
        if Set(shut).count == 1 { return Self.words(shut[0]) }
        return zip(families, shut).filter { !$1.isEmpty }
            .map { "\(Self.words($1)) over \($0 == .ipv4 ? "IPv4" : "IPv6")" }.joined(separator: " and ")
    }

    private static func words(_ transports: [FirewallPacket.Transport]) -> String {
        transports.map { $0.rawValue.uppercased() }.joined(separator: " and ")
    }
}

package enum FirewallAdvice: Hashable, Sendable {
    /// Nothing could be looked at. The commands are those of who is known to keep the rules, if anybody is.
    case unknown(commands: [String])
    /// Every rule that was looked at lets the port's first packets in.
    case open
    /// Kept out, unless somebody runs these commands, in order. `shut` says what: "the port", "UDP", "TCP over IPv6".
    case closed(by: String, shut: String, commands: [String])
    /// It depends on a rule of theirs that was not understood.
    case notUnderstood(by: String)

    package init(_ sighting: FirewallSighting, _ port: WantedPort) {
        let view = FirewallView(sighting)
        var doubts: [FirewallView.Place] = []
        var shut: [(place: FirewallView.Place, packet: FirewallPacket)] = []
        var isUnseen = false
        for packet in port.packets {
            let rulings = view.rulings(on: packet)
            isUnseen = isUnseen || !view.hasSeen(packet.family)
            shut += rulings.filter { $0.fate == .keptOut }.map { ($0.place, packet) }
            doubts += rulings.filter { $0.fate != .keptOut && $0.fate != .letIn }.map(\.place)
        }
        if !shut.isEmpty {
            var cures = FirewallCures(port.number)
            for (place, packet) in shut { cures.add(view.keeper(of: place, for: packet), packet) }
            self = .closed(
                by: cures.names, shut: port.words(for: shut.map(\.packet)), commands: cures.commands)
        } else if !doubts.isEmpty {
            var names: [String] = []
            for name in doubts.map(\.name) where !names.contains(name) { names.append(name) }
            self = .notUnderstood(by: names.joined(separator: " and "))
        } else if isUnseen {
            var cures = FirewallCures(port.number)
            let keeper: FirewallKeeper? = sighting.hasUFW ? .ufw : sighting.hasFirewalld ? .firewalld : nil
            if let keeper { for packet in port.packets { cures.add(keeper, packet) } }
            self = .unknown(commands: cures.commands)
        } else {
            self = .open
        }
    }
}
