// Which firewall bans are kept in: the best of those that are there and that we may change, or the one that was named.
internal import SSServerCore

/// As `--backend` has it.
enum FirewallChoice: String, CaseIterable, Sendable {
    /// The first that works of nftables, ipset, iptables.
    case auto
    case nftables, ipset, iptables
    /// Nothing is banned, only spoken of.
    case dryRun = "dry-run"

    /// A backend that has been found to work; `prepare` has not been called.
    /// - Parameters:
    ///   - ports: the only ones that are closed to who is banned; empty means all.
    ///   - say: takes the lines of a dry run.
    func backend(
        ports: [UInt16] = [], tools: FirewallTools = FirewallTools(), say: @escaping @Sendable (String) -> Void
    ) throws(FirewallFailure) -> any FirewallBackend {
        switch self {
        case .auto: return try Self.best(ports, tools, say)
        case .nftables:
            // A socket of our own would not be in another network namespace.
            let elements = tools.prefix.isEmpty ? NFTElements() : nil
            let backend = try NFTables(tools: tools, ports: ports, elements: elements)
            try backend.examine()
            return backend
        case .ipset:
            let backend = try IPSet(tools: tools, ports: ports)
            try backend.examine()
            return backend
        case .iptables:
            let backend = try IPTables(tools: tools, ports: ports)
            try backend.examine()
            return backend
        case .dryRun: return DryRun(say: say)
        }
    }

    private static func best(
        _ ports: [UInt16], _ tools: FirewallTools, _ say: @escaping @Sendable (String) -> Void
    ) throws(FirewallFailure) -> any FirewallBackend {
        var failures: [FirewallFailure] = []
        for choice in [nftables, ipset, iptables] {
            do throws(FirewallFailure) {
                return try choice.backend(ports: ports, tools: tools, say: say)
            } catch {
                failures.append(error)
            }
        }
        // A tool that is there wants only leave; one that is not there has to be installed.
        throw FirewallFailure(
            text: "no firewall can be used: " + failures.map(\.text).joined(separator: "; "),
            help: (failures.first { $0.isPermission } ?? failures.first { $0.help != nil })?.help)
    }
}
