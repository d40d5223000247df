// All the rules that were listed on a machine, and which of them decide about a packet: iptables for IPv4, ip6tables
// for IPv6, and every table of nft that is not merely another view of those.

struct FirewallView {
    /// What decides.
    enum Place: Hashable {
        case iptables(FirewallPacket.Family)
        case nft(family: String, table: String, chain: String)

        var name: String {
            switch self {
            case .iptables(.ipv4): "iptables"
            case .iptables(.ipv6): "ip6tables"
            case .nft(let family, let table, let chain): "nftables (\(family) \(table) \(chain))"
            }
        }
    }

    private let sighting: FirewallSighting
    private var iptables: [FirewallPacket.Family: IPTablesRules] = [:]
    private var nft: NFTRules?

    init(_ sighting: FirewallSighting) {
        self.sighting = sighting
        iptables[.ipv4] = sighting.iptables.map { IPTablesRules($0) }
        iptables[.ipv6] = sighting.ip6tables.map { IPTablesRules($0) }
        nft = sighting.nftables.map { NFTRules($0) }
    }

    /// Whether rules for this family could be listed; there may be none.
    func hasSeen(_ family: FirewallPacket.Family) -> Bool { iptables[family] != nil || nft != nil }

    /// Each must let the packet in.
    func rulings(on packet: FirewallPacket) -> [(place: Place, fate: FirewallFate)] {
        var rulings: [(place: Place, fate: FirewallFate)] = []
        if let rules = iptables[packet.family] { rulings.append((.iptables(packet.family), rules.fate(of: packet))) }
        guard let nft else { return rulings }
        for table in nft.tables where table.concerns(packet.family) && !isShown(table, packet.family) {
            for base in table.bases {
                let place = Place.nft(family: table.family, table: table.name, chain: base.name)
                rulings.append((place, NFTRules.fate(of: packet, in: base, of: table)))
            }
        }
        return rulings
    }

    private func isShown(_ table: NFTRules.Table, _ family: FirewallPacket.Family) -> Bool {
        guard table.family != "inet", let rules = iptables[family] else { return false }
        return table.isShown(by: rules)
    }

    /// Whose commands open what is shut there: of a program that keeps these rules, if it can, for what is changed
    /// behind its back is gone when it starts again.
    func keeper(of place: Place, for packet: FirewallPacket) -> FirewallKeeper {
        switch place {
        case .iptables(let family):
            let ufw = family == .ipv4 ? "ufw-user-input" : "ufw6-user-input"
            if sighting.hasUFW, isOpened(by: ufw, packet) { return .ufw }
            if sighting.hasFirewalld, isOpened(by: "INPUT_ZONES", packet) { return .firewalld }
            return .iptables(family)
        case .nft(let family, let table, let chain):
            // It is gone when firewalld is.
            return table == "firewalld" ? .firewalld : .nft("\(family) \(table) \(chain)")
        }
    }

    /// Whether the packet would get in if this chain, which a program fills as it is told, let it.
    private func isOpened(by chain: String, _ packet: FirewallPacket) -> Bool {
        iptables[packet.family]?.fate(of: packet, opened: chain) == .letIn
    }
}

/// Whose commands change a rule.
enum FirewallKeeper: Hashable {
    case ufw, firewalld
    case iptables(FirewallPacket.Family)
    /// Family, table and chain.
    case nft(String)
}

/// The commands that open a port, in the order in which it was found shut.
struct FirewallCures {
    private let port: UInt16
    private var cures: [(keeper: FirewallKeeper, transports: Set<FirewallPacket.Transport>)] = []

    init(_ port: UInt16) { self.port = port }

    mutating func add(_ keeper: FirewallKeeper, _ packet: FirewallPacket) {
        if let index = cures.firstIndex(where: { $0.keeper == keeper }) {
            cures[index].transports.insert(packet.transport)
        } else {
            cures.append((keeper, [packet.transport]))
        }
    }

    var names: String {
        cures.map { cure in
            switch cure.keeper {
            case .ufw: "ufw"
            case .firewalld: "firewalld"
            case .iptables(let family): FirewallView.Place.iptables(family).name
            case .nft(let place): "nftables (\(place))"
            }
        }
        .joined(separator: " and ")
    }

    var commands: [String] { cures.flatMap { commands($0.keeper, $0.transports) } }

    private func commands(_ keeper: FirewallKeeper, _ transports: Set<FirewallPacket.Transport>) -> [String] {
        let names = FirewallPacket.Transport.allCases.filter(transports.contains).map(\.rawValue)
        switch keeper {
        case .ufw: return ["sudo ufw allow \(port)" + (names.count == 1 ? "/\(names[0])" : "")]
        case .firewalld:
            let ports = names.map { "--add-port=\(port)/\($0)" }.joined(separator: " ")
            return ["sudo firewall-cmd --permanent \(ports)", "sudo firewall-cmd --reload"]
        case .iptables(let family):
            let program = FirewallView.Place.iptables(family).name
            return names.map { "sudo \(program) -I INPUT -p \($0) --dport \(port) -j ACCEPT" }
        case .nft(let place):
            let condition = names.count == 1 ? "\(names[0]) dport" : "meta l4proto { tcp, udp } th dport"
            return ["sudo nft 'insert rule \(place) \(condition) \(port) accept'"]
        }
    }
}
