// Changes as nf_tables takes them, whether `nft` hands them over or we do. An element that is there keeps its time when it
// is added again, and one that is not there cannot be deleted; so it is added, deleted and, for a ban, added anew, all in one
// transaction, of which no packet sees a part.
internal import SSCommon
internal import SSServerCore

/// What becomes of some elements of one set; there is at least one.
struct NFTStep {
    var set: NFTSet
    /// With the seconds after which each ends by itself; none are for what is taken out.
    var elements: [(address: IPAddress, seconds: UInt32?)]
    /// They are to be in it afterwards.
    var isBan: Bool

    /// Seconds: a year, about the longest that nft can be told.
    private static let longest: UInt32 = 31_536_000

    /// The last one counts where a prefix is banned twice; a ban counts more than an unban.
    /// - Parameter sets: those that there are, or will be when the bans are made.
    static func steps(_ changes: FirewallChanges, _ sets: Set<NFTSet>) -> [NFTStep] {
        let bans = Dictionary(changes.bans.lazy.map { ($0.prefix, $0.seconds) }) { $1 }
        // None can be there without a set.
        let unbans = Set(changes.unbans).filter { sets.contains(NFTSet(of: $0)) }
        let removals = Dictionary(grouping: unbans) { NFTSet(of: $0) }.map { set, prefixes in
            NFTStep(set: set, elements: prefixes.map { ($0.address, nil) }, isBan: false)
        }
        let additions = Dictionary(grouping: bans) { NFTSet(of: $0.key) }.map { set, bans in
            NFTStep(set: set, elements: bans.map { ($0.key.address, min(max($0.value, 1), longest)) }, isBan: true)
        }
        return removals + additions
    }

    /// As `nft` reads it.
    var script: String {
        let addresses = elements.map(\.address.description)
        let all = addresses.joined(separator: ", ")
        let text = command("add", all) + command("delete", all)
        guard isBan else { return text }
        var timed = ""
        for (address, element) in zip(addresses, elements) {
            timed += timed.isEmpty ? address : ", " + address
            timed += " timeout "
            timed += String(element.seconds ?? 1)
            timed += "s"
        }
        return text + command("add", timed)
    }

    private func command(_ verb: String, _ elements: String) -> String {
        "\(verb) element inet autoban \(set.name) { \(elements) }\n"
    }
}
