// Bans in two sets of the kernel, `autoban4` and `autoban6`, whose elements it lets go by itself; iptables looks them up in
// one rule of each family. For machines whose firewall is iptables and that have no nft.
internal import SSServerCore

struct IPSet: FirewallBackend {
    let name = "ipset"
    private let tool: FirewallTool
    private let chains: [IPTablesChain]

    /// Elements of a set; memory is taken as they come.
    private static let capacity = 1 << 20
    /// Seconds: a little less than 25 days, the longest that ipset can be told.
    private static let longest: UInt32 = 2_147_483

    init(tools: FirewallTools = FirewallTools(), ports: [UInt16] = []) throws(FirewallFailure) {
        tool = try tools.require("ipset", package: "ipset")
        chains = try IPTablesChain.both(tools, ports)
    }

    var hasIPv6: Bool { chains.contains(where: \.isIPv6) }

    /// Whether the kernel has sets of the kind, and whether we may read what there is; nothing is changed.
    func examine() throws(FirewallFailure) {
        let probe = "autoban-probe"
        _ = try tool.run(["destroy", probe])
        try tool.succeed(["create", probe, "hash:net", "timeout", "0"])
        try tool.succeed(["destroy", probe])
        for chain in chains { _ = try chain.listing() }
    }

    func prepare() throws(FirewallFailure) {
        let creation = chains.map(\.isIPv6).map {
            "create \(Self.set($0)) hash:net family \($0 ? "inet6" : "inet") maxelem \(Self.capacity) timeout 0\n"
        }
        // One that is there already is left as it is.
        let outcome = try tool.run(["restore", "-exist"], input: creation.joined())
        if outcome.status != 0 {
            let failure = tool.failure(outcome)
            if failure.isPermission { throw failure }
            // A set of another kind has one of our names.
            try remove()
            try tool.succeed(["restore", "-exist"], input: creation.joined())
        }
        for chain in chains {
            let listing = try chain.listing()
            if !isWhole(chain, listing) { try chain.write([Self.rule(chain.isIPv6)], over: listing) }
        }
    }

    func apply(_ changes: FirewallChanges) throws(FirewallFailure) {
        if changes.isEmpty { return }
        var script = ""
        for prefix in changes.unbans { script += "del \(Self.set(prefix.isIPv6)) \(prefix)\n" }
        for ban in changes.bans {
            let seconds = min(max(ban.seconds, 1), Self.longest)
            script += "add \(Self.set(ban.prefix.isIPv6)) \(ban.prefix) timeout \(seconds)\n"
        }
        // One that is there gets the new time, one that is not there need not be.
        let outcome = try tool.run(["restore", "-exist"], input: script)
        if outcome.status == 0 { return }
        if tool.failure(outcome).isPermission { throw tool.failure(outcome) }
        // Somebody may have taken a set away.
        try prepare()
        try tool.succeed(["restore", "-exist"], input: script)
    }

    func contents() throws(FirewallFailure) -> FirewallContents {
        var contents = FirewallContents()
        for chain in chains {
            let bans = try bans(chain.isIPv6)
            contents.bans.merge(bans ?? [:]) { $1 }
            let isReached = isWhole(chain, try chain.listing())
            contents.isWhole = contents.isWhole && bans != nil && isReached
        }
        return contents
    }

    func remove() throws(FirewallFailure) {
        var failures: [FirewallFailure] = []
        do throws(FirewallFailure) {
            try chains.removeAll()
        } catch {
            failures.append(error)
        }
        for isIPv6 in [false, true] {
            // Rules of others may hold a set; nobody is to stay banned for that.
            for order in ["flush", "destroy"] {
                let outcome = try tool.run([order, Self.set(isIPv6)])
                if outcome.status != 0, !isAbsence(outcome) { failures.append(tool.failure(outcome)) }
            }
        }
        if let first = failures.first { throw first }
    }

    /// Nil if there is no such set.
    private func bans(_ isIPv6: Bool) throws(FirewallFailure) -> [BanPrefix: UInt32?]? {
        let outcome = try tool.run(["save", Self.set(isIPv6)])
        if outcome.status != 0 {
            if isAbsence(outcome) { return nil }
            throw tool.failure(outcome)
        }
        let lines = String(decoding: outcome.output, as: UTF8.self).split(separator: "\n")
        let start = "create \(Self.set(isIPv6)) hash:net family \(isIPv6 ? "inet6" : "inet") "
        guard let first = lines.first, first.hasPrefix(start), first.contains(" timeout ") else { return nil }
        var bans: [BanPrefix: UInt32?] = [:]
        for line in lines.dropFirst() {
            // `add autoban4 203.0.113.9 timeout 600`
            let words = line.split(separator: " ")
            guard words.count > 2, let prefix = try? BanPrefix(words[2]) else { continue }
            bans[prefix] = .some(words.count > 4 && words[3] == "timeout" ? UInt32(words[4]) : nil)
        }
        return bans
    }

    private func isAbsence(_ outcome: ChildOutput.Outcome) -> Bool {
        tool.failure(outcome).text.contains("does not exist")
    }

    private func isWhole(_ chain: IPTablesChain, _ listing: IPTablesChain.Listing) -> Bool {
        chain.isReached(listing) && listing.rules == [Self.rule(chain.isIPv6)]
    }

    private static func set(_ isIPv6: Bool) -> String { isIPv6 ? "autoban6" : "autoban4" }

    private static func rule(_ isIPv6: Bool) -> String { "-m set --match-set \(set(isIPv6)) src -j DROP" }
}
