// Bans in a table of our own, `inet autoban`, which nobody else's rules know of and which goes away as a whole. For each
// length of prefix there is a hash set whose elements the kernel lets go by itself, and a rule that cuts a source's address
// to that length and looks it up: as fast with 100,000 bans as with one. Sets of intervals would do with fewer rules, but
// refuse a network that lies in another one's.
//
// The chain comes before those of others (prerouting), so that an accepted connection is dropped too, and what goes to a container. Nothing
// is ever answered: a source that is dropped cannot tell that from a machine that is off.
internal import SSServerCore

struct NFTables: FirewallBackend {
    let name = "nftables"
    /// Empty means all ports.
    let ports: [UInt16]
    private let tool: FirewallTool
    private let elements: NFTElements?
    /// The sets that there are: those of the chain in the kernel when all is well.
    private var sets = NFTables.usual

    /// One address each, and what one subscriber of IPv6 has.
    static let usual: Set<NFTSet> = [NFTSet(isIPv6: false, length: 32), NFTSet(isIPv6: true, length: 64)]

    /// - Parameter elements: nil leaves all to `nft`.
    init(
        tools: FirewallTools = FirewallTools(), ports: [UInt16] = [], elements: NFTElements? = nil
    ) throws(FirewallFailure) {
        tool = try tools.require("nft", package: "nftables")
        self.ports = Set(ports).sorted()
        self.elements = elements
    }

    /// Whether the kernel would take it and we may say so; nothing is changed.
    func examine() throws(FirewallFailure) {
        try tool.succeed(["-c", "-f", "-"], input: NFTScript.structure(sets, ports))
    }

    mutating func prepare() throws(FirewallFailure) {
        let listing = try listing()
        sets = Self.usual.union(listing.sets)
        if listing.isWhole(ports) { return }
        let structure = NFTScript.structure(sets, ports)
        // A table that is switched off is not switched on by being added.
        if listing.isDormant {
            try tool.succeed(["-f", "-"], input: NFTScript.removal + structure)
            return
        }
        let outcome = try tool.run(["-f", "-"], input: structure)
        if outcome.status == 0 { return }
        // Something of another kind has one of our names.
        if tool.failure(outcome).isPermission { throw tool.failure(outcome) }
        try tool.succeed(["-f", "-"], input: NFTScript.removal + structure)
    }

    mutating func apply(_ changes: FirewallChanges) throws(FirewallFailure) {
        if changes.isEmpty { return }
        // Another program of ours may have made sets that are not known here; the chain must not lose their rules.
        let touched = Set((changes.bans.map(\.prefix) + changes.unbans).map { NFTSet(of: $0) })
        if !touched.isSubset(of: sets) { try prepare() }
        let wanted = sets.union(changes.bans.lazy.map { NFTSet(of: $0.prefix) })
        if wanted == sets, elements?.apply(changes, sets) == true { return }
        let steps = NFTStep.steps(changes, wanted)
        if steps.isEmpty { return }
        let script = steps.map(\.script).joined()
        // A length that was never seen before needs a set and a rule; the chain is written anew in the same step.
        let structure = wanted == sets ? "" : NFTScript.structure(wanted, ports)
        let outcome = try tool.run(["-f", "-"], input: structure + script)
        if outcome.status != 0 {
            if tool.failure(outcome).isPermission { throw tool.failure(outcome) }
            // Somebody may have taken the table away.
            try prepare()
            sets.formUnion(wanted)
            try tool.succeed(["-f", "-"], input: NFTScript.structure(sets, ports) + script)
        }
        sets.formUnion(wanted)
    }

    func contents() throws(FirewallFailure) -> FirewallContents {
        let listing = try listing()
        return FirewallContents(bans: listing.bans, isWhole: listing.isWhole(ports))
    }

    mutating func remove() throws(FirewallFailure) {
        try tool.succeed(["-f", "-"], input: NFTScript.removal)
        sets = Self.usual
    }

    /// An empty one where there is no table.
    private func listing() throws(FirewallFailure) -> NFTListing {
        // What is in the sets the kernel tells sooner by itself: there may be ten thousands of elements.
        if let elements, let outline = try? listing(["-t"]), let listing = elements.fill(outline) { return listing }
        return try listing([])
    }

    private func listing(_ options: [String]) throws(FirewallFailure) -> NFTListing {
        // Numbers in place of names of ports and priorities.
        let outcome = try tool.run(["-n"] + options + ["list", "table", "inet", "autoban"])
        if outcome.status == 0 { return NFTListing(outcome.output) }
        let failure = tool.failure(outcome)
        guard failure.text.contains("No such file or directory") else { throw failure }
        return NFTListing([])
    }
}
