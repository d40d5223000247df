// What a ban needs of a firewall, whichever it is. The kernel keeps the time: what is dropped comes to an end by itself, whatever
// becomes of this program.
internal import SSServerCore

protocol FirewallBackend {
    /// As `--backend` has it.
    var name: String { get }

    /// Whether the kernel ends bans. If not they end when this program sees to it.
    var expiresByItself: Bool { get }

    /// Whether it takes bans of IPv6. Where it does not, the machine has no IPv6 from which anything could come.
    var hasIPv6: Bool { get }

    /// Makes what the bans are kept in, where it is not there yet or has been damaged; bans that are there stay.
    mutating func prepare() throws(FirewallFailure)

    /// All of it at once. One that is there already gets the new time; one that is not there need not be removed.
    mutating func apply(_ changes: FirewallChanges) throws(FirewallFailure)

    /// What is dropped now.
    mutating func contents() throws(FirewallFailure) -> FirewallContents

    /// Takes away everything that `prepare` and `apply` have made; nothing else.
    mutating func remove() throws(FirewallFailure)
}

extension FirewallBackend {
    var expiresByItself: Bool { true }
    var hasIPv6: Bool { true }
}

/// What is to become different.
struct FirewallChanges: Hashable, Sendable {
    struct Ban: Hashable, Sendable {
        var prefix: BanPrefix
        /// Seconds from now on, at least 1.
        var seconds: UInt32
    }

    var bans: [Ban] = []
    var unbans: [BanPrefix] = []

    var isEmpty: Bool { bans.isEmpty && unbans.isEmpty }
}

/// What a firewall has of ours.
struct FirewallContents: Hashable, Sendable {
    /// What is dropped, with the seconds that are left of it; none where nobody knows how many.
    var bans: [BanPrefix: UInt32?] = [:]
    /// Whether everything stands that makes them drop something; if not, `prepare` has to be called again.
    var isWhole = true
}

/// Why a firewall does not do what it is told, in words for a person.
struct FirewallFailure: Error, Hashable, Sendable {
    var text: String
    var help: String?
}
