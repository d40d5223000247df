// Connections that were open when their source was banned. A firewall behind our rules may let them go on for hours, and
// this program's own peer waits for packets that are dropped: both are ended here, as far as the tools for it are there.
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

struct OpenConnections: Sendable {
    /// What became of it.
    enum Outcome: Hashable, Sendable {
        /// There is none any more.
        case cut
        /// `ss` is not installed; they end when their timers do.
        case noTool
        /// `ss` may not do it, or the kernel cannot.
        case refused(FirewallFailure)
    }

    private let sockets: FirewallTool?
    private let flows: FirewallTool?
    /// Empty means all.
    private let ports: [UInt16]

    /// Addresses in one command; each takes less than 64 bytes of the 128 KiB or more that there are for arguments.
    private static let chunk = 256
    /// Runs of `conntrack` in one go: each looks through all flows. It matters only where the machine forwards packets, or lets
    /// in what is established before it comes to our rules.
    private static let forgettings = 32

    /// - Parameter ports: the only local ones whose connections are ended; empty means all.
    init(tools: FirewallTools = FirewallTools(), ports: [UInt16] = []) {
        sockets = tools.find("ss")
        flows = tools.find("conntrack")
        self.ports = Set(ports).sorted()
    }

    /// Ends the TCP connections of this machine whose other end is in one of `prefixes`.
    @discardableResult
    func cut(_ prefixes: [BanPrefix]) -> Outcome {
        do throws(FirewallFailure) {
            if let flows, Self.hasFlows { try forget(prefixes, flows) }
            guard let sockets else { return .noTool }
            for start in stride(from: 0, to: prefixes.count, by: Self.chunk) {
                let some = prefixes[start..<min(start + Self.chunk, prefixes.count)]
                try close(some, sockets)
            }
            return .cut
        } catch {
            return .refused(error)
        }
    }

    /// An IPv4 address matches an IPv4-mapped one too.
    private func close(_ prefixes: ArraySlice<BanPrefix>, _ tool: FirewallTool) throws(FirewallFailure) {
        var words = ["-K", "-H", "-n", "-t", "("]
        words += prefixes.map { ["dst", $0.isIPv6 ? "[\($0)]" : "\($0)"] }.joined(separator: ["or"])
        words.append(")")
        if !ports.isEmpty {
            words += ["and", "("] + ports.map { ["sport", "=", ":\($0)"] }.joined(separator: ["or"]) + [")"]
        }
        let outcome = try tool.run(words)
        // It ends well though the kernel refuses.
        guard outcome.status == 0, outcome.errors.isEmpty else { throw tool.failure(outcome) }
    }

    /// Whether the kernel follows any connection; most servers have nothing that makes it.
    private static var hasFlows: Bool {
        let path = "/proc/sys/net/netfilter/nf_conntrack_count"
        guard SmallFile.exists(path) else { return false }
        return (try? SmallFile(path, limit: 64))?.bytes != Array("0\n".utf8)
    }

    /// One process each: it takes one address. What it does not find is no failure.
    private func forget(_ prefixes: [BanPrefix], _ tool: FirewallTool) throws(FirewallFailure) {
        var left = Self.forgettings
        for prefix in prefixes {
            let words = ["-D", "-f", prefix.isIPv6 ? "ipv6" : "ipv4", "-s", "\(prefix)"]
            for port in ports.isEmpty ? [[]] : ports.map({ ["-p", "tcp", "--dport", "\($0)"] }) {
                if left == 0 { return }
                left -= 1
                _ = try tool.run(words + port)
            }
        }
    }
}
