// Bans as rules of iptables, one each, for machines that have nothing better: each packet passes all of them. The kernel
// looks at the clock for each (xt_time), so that a ban ends by itself; the dead rule is cleared away at the next call.
#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif
internal import SSServerCore

struct IPTables: FirewallBackend {
    let name = "iptables"
    /// Whether a ban ends without our doing. If not, `apply` or `contents` must be called when one is over.
    private(set) var expiresByItself: Bool
    private let chains: [IPTablesChain]
    /// When each ends, by the clock, in seconds since 1970; what the chains have had when they were last read or written.
    private var ends: [BanPrefix: Int] = [:]
    private var hasTried = false

    /// - Parameter canExpire: false leaves xt_time alone.
    init(tools: FirewallTools = FirewallTools(), ports: [UInt16] = [], canExpire: Bool = true) throws(FirewallFailure) {
        chains = try IPTablesChain.both(tools, ports)
        expiresByItself = canExpire
        hasTried = !canExpire
    }

    var hasIPv6: Bool { chains.contains(where: \.isIPv6) }

    /// Whether we may read what there is; nothing is changed.
    func examine() throws(FirewallFailure) {
        for chain in chains { _ = try chain.listing() }
    }

    mutating func prepare() throws(FirewallFailure) {
        ends = [:]
        for chain in chains {
            let listing = try chain.listing()
            let (rules, isWhole) = read(listing, chain)
            ends.merge(rules) { max($0, $1) }
            if isWhole, hasTried { continue }
            try tryClock(chain, listing)
            // Without what was tried, and without what others have put there.
            try chain.write(written(chain), over: try chain.listing())
        }
    }

    mutating func apply(_ changes: FirewallChanges) throws(FirewallFailure) {
        let now = time(nil)
        for chain in chains {
            let bans = changes.bans.lazy.filter { $0.prefix.isIPv6 == chain.isIPv6 }
            let unbans = changes.unbans.filter { $0.isIPv6 == chain.isIPv6 }
            let added = Dictionary(bans.map { ($0.prefix, now + Int($0.seconds)) }) { $1 }
            if added.isEmpty, unbans.isEmpty { continue }
            let isMore =
                unbans.isEmpty && !ends.contains { isOf(chain, $0.key) && ($0.value < now || added[$0.key] != nil) }
            if isMore, try append(added, chain) { continue }
            // All anew: to find one rule among many takes iptables as long. What is there counts, not what is remembered;
            // another program of ours may have been at it.
            let listing = try chain.listing()
            var wanted = read(listing, chain).0.filter { $0.value >= now }
            for prefix in unbans { wanted[prefix] = nil }
            wanted.merge(added) { $1 }
            try chain.write(rules(wanted), over: listing)
            ends = ends.filter { !isOf(chain, $0.key) }.merging(wanted) { $1 }
        }
    }

    /// False if that cannot be done; somebody may have taken the chain away.
    private mutating func append(_ added: [BanPrefix: Int], _ chain: IPTablesChain) throws(FirewallFailure) -> Bool {
        do throws(FirewallFailure) {
            try chain.append(rules(added))
            ends.merge(added) { $1 }
            return true
        } catch {
            if error.isPermission { throw error }
            try prepare()
            return false
        }
    }

    private func isOf(_ chain: IPTablesChain, _ prefix: BanPrefix) -> Bool { prefix.isIPv6 == chain.isIPv6 }

    mutating func contents() throws(FirewallFailure) -> FirewallContents {
        let now = time(nil)
        var contents = FirewallContents()
        ends = [:]
        for chain in chains {
            let listing = try chain.listing()
            let (rules, isWhole) = read(listing, chain)
            let live = rules.filter { $0.value >= now }
            ends.merge(live) { $1 }
            contents.isWhole = contents.isWhole && isWhole
            if isWhole, live.count < rules.count { try chain.write(written(chain), over: listing) }
        }
        contents.bans = ends.mapValues { UInt32(clamping: max(0, $0 - now)) }
        return contents
    }

    mutating func remove() throws(FirewallFailure) {
        ends = [:]
        try chains.removeAll()
    }

    /// The bans among the rules, and whether there is nothing else and each is there once.
    private func read(_ listing: IPTablesChain.Listing, _ chain: IPTablesChain) -> ([BanPrefix: Int], Bool) {
        let rules = listing.rules.compactMap { IPTablesRule($0) }
        let ends = Dictionary(rules.lazy.map { ($0.prefix, $0.end) }) { max($0, $1) }
        return (ends, chain.isReached(listing) && ends.count == listing.rules.count)
    }

    /// Of those that are remembered.
    private func written(_ chain: IPTablesChain) -> [String] { rules(ends.filter { isOf(chain, $0.key) }) }

    private func rules(_ ends: [BanPrefix: Int]) -> [String] {
        var clock = IPTablesClock()
        return ends.map { IPTablesRule(prefix: $0.key, end: $0.value).text(byItself: expiresByItself, &clock) }
    }

    /// Adds a rule whose time is long over, to see whether the kernel knows of times.
    private mutating func tryClock(_ chain: IPTablesChain, _ listing: IPTablesChain.Listing) throws(FirewallFailure) {
        if hasTried { return }
        guard let prefix = try? BanPrefix(chain.isIPv6 ? "100::/64" : "192.0.2.0/24") else { return }
        var clock = IPTablesClock()
        let rule = IPTablesRule(prefix: prefix, end: 1).text(byItself: true, &clock)
        do throws(FirewallFailure) {
            try chain.write(written(chain) + [rule], over: listing)
            hasTried = chain.isIPv6 == hasIPv6
        } catch {
            if error.isPermission { throw error }
            // Without it, and with it again: another program may just have held the lock.
            try chain.write(written(chain), over: try chain.listing())
            do throws(FirewallFailure) {
                try chain.write(written(chain) + [rule], over: try chain.listing())
                hasTried = chain.isIPv6 == hasIPv6
            } catch {
                (expiresByItself, hasTried) = (false, true)
            }
        }
    }
}
