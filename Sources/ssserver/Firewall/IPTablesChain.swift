// The chain `AUTOBAN` of one family in the filter table, and the jumps to it at the top of INPUT and FORWARD: what iptables needs for
// bans of either kind. Rules of others are neither moved nor touched. Changes go through iptables-restore, which does them
// as a whole; without `--noflush` it would throw away everything else.
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

struct IPTablesChain: Sendable {
    let isIPv6: Bool
    private let tool: FirewallTool
    private let restoring: FirewallTool
    /// As `-S` prints them, without `-A`.
    private let jumps: [String]
    /// What is for this machine, and what goes on to another or into a container.
    private static let sources = ["INPUT", "FORWARD"]

    /// What is there, as `-S` prints it.
    struct Listing {
        var isThere = false
        /// Without `-A`.
        var jumps: [String] = []
        /// Whether no rule of others comes before one of them.
        var isFirst = true
        /// Without `-A AUTOBAN`.
        var rules: [String] = []
    }

    /// One for each family that the machine has.
    static func both(_ tools: FirewallTools, _ ports: [UInt16]) throws(FirewallFailure) -> [IPTablesChain] {
        // Where IPv6 was switched off when the machine started, ip6tables says no to everything.
        let hasIPv6 = SmallFile.exists("/proc/net/if_inet6")
        return try (hasIPv6 ? [false, true] : [false]).map { isIPv6 throws(FirewallFailure) in
            try IPTablesChain(tools: tools, isIPv6: isIPv6, ports: ports)
        }
    }

    /// - Parameter ports: empty means all.
    init(tools: FirewallTools, isIPv6: Bool, ports: [UInt16]) throws(FirewallFailure) {
        let name = isIPv6 ? "ip6tables" : "iptables"
        self.isIPv6 = isIPv6
        tool = try tools.require(name, package: "iptables")
        restoring = try tools.require(name + "-restore", package: "iptables")
        jumps = Self.jumps(Set(ports).sorted())
    }

    private static func jumps(_ ports: [UInt16]) -> [String] {
        if ports.isEmpty { return sources.map { "\($0) -j AUTOBAN" } }
        // More than fifteen one match cannot take.
        let matches = stride(from: 0, to: ports.count, by: 15).flatMap { start in
            let some = ports[start..<min(start + 15, ports.count)].map(String.init).joined(separator: ",")
            return ["tcp", "udp"].map { "-p \($0) -m multiport --dports \(some) -j AUTOBAN" }
        }
        return sources.flatMap { source in matches.map { "\(source) \($0)" } }
    }

    func listing() throws(FirewallFailure) -> Listing {
        let text = String(decoding: try tool.succeed(["-w", "5", "-S"]), as: UTF8.self)
        var listing = Listing()
        var othersSeen: Set<String> = []
        for line in text.split(separator: "\n") {
            if line == "-N AUTOBAN" {
                listing.isThere = true
            } else if line.hasPrefix("-A AUTOBAN ") {
                listing.rules.append(String(line.dropFirst(11)))
            } else if let source = Self.sources.first(where: { line.hasPrefix("-A \($0) ") }) {
                if line.hasSuffix(" -j AUTOBAN") {
                    listing.jumps.append(String(line.dropFirst(3)))
                    if othersSeen.contains(source) { listing.isFirst = false }
                } else {
                    othersSeen.insert(source)
                }
            }
        }
        return listing
    }

    /// Whether every packet that it is for comes by it, once.
    func isReached(_ listing: Listing) -> Bool {
        listing.isThere && listing.isFirst && listing.jumps.sorted() == jumps.sorted()
    }

    /// The whole of it: the jumps if they are not right, and `rules` in place of all rules there are.
    func write(_ rules: some Sequence<String>, over listing: Listing) throws(FirewallFailure) {
        // Naming a chain empties it.
        var script = ":AUTOBAN - [0:0]\n" + Self.additions(rules)
        if !isReached(listing) {
            for jump in listing.jumps { script += "-D \(jump)\n" }
            for jump in jumps { script += "-I \(jump)\n" }
        }
        try restore(script)
    }

    /// At its end.
    func append(_ rules: some Sequence<String>) throws(FirewallFailure) {
        try restore(Self.additions(rules))
    }

    func remove() throws(FirewallFailure) {
        let listing = try listing()
        var script = ""
        for jump in listing.jumps { script += "-D \(jump)\n" }
        if listing.isThere { script += "-F AUTOBAN\n" }
        if !script.isEmpty { try restore(script) }
        // By itself: it fails where rules of others lead there, and nobody is to stay banned for that.
        if listing.isThere { try restore("-X AUTOBAN\n") }
    }

    private static func additions(_ rules: some Sequence<String>) -> String {
        var script = ""
        for rule in rules { script += "-A AUTOBAN \(rule)\n" }
        return script
    }

    private func restore(_ script: String) throws(FirewallFailure) {
        try restoring.succeed(["-w", "5", "--noflush"], input: "*filter\n\(script)COMMIT\n")
    }
}

extension [IPTablesChain] {
    /// Takes all of them away; what one family refuses does not keep the other's.
    func removeAll() throws(FirewallFailure) {
        var failures: [FirewallFailure] = []
        for chain in self {
            do throws(FirewallFailure) {
                try chain.remove()
            } catch {
                failures.append(error)
            }
        }
        if let first = failures.first { throw first }
    }
}
