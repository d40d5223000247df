// Everything the server's owner has said about where clients may go, as one value that is looked at for each target and
// replaced as a whole when something changes. What the egress policy denies is none of this: no rule can allow it.
package import SSCommon

/// The rule that decided.
package struct DecidingRule: Sendable {
    private let match: RuleMatch
    private let rules: RuleSet

    fileprivate init(_ match: RuleMatch, of rules: RuleSet) {
        self.match = match
        self.rules = rules
    }

    package var isAllowed: Bool { match.isAllowed }

    /// In its usual spelling.
    package var rule: String { match.text }

    /// Where it stands: a file, the configuration, a command; and its line there.
    package var origin: (source: String, line: Int) { rules.sources.origin(of: match.place) }

    /// `lists/ads.txt:12`.
    package var place: String {
        let (source, line) = origin
        return "\(source):\(line)"
    }
}

/// How far a request has come: the rank of what has allowed it, which only what ranks higher can overrule.
package struct Permission: Sendable {
    fileprivate var rank = Int.max
    /// The rule, if one has.
    package fileprivate(set) var rule: DecidingRule?

    package init() {}
}

/// Immutable; shared by all threads.
package struct Blacklist: Sendable {
    /// Of the configuration and of commands.
    package var own: RuleSet? { didSet { rank() } }
    /// Of the file that `acl` names.
    package var acl: RuleSet? { didSet { rank() } }
    /// Of lists.
    package var lists: RuleSet? { didSet { rank() } }

    /// A book of a set.
    private struct Ranked: Sendable {
        let set: RuleSet
        let book: RuleBook
    }

    /// Everybody's, the first that says something decides.
    private var general: [Ranked] = []
    private var hasUsers = false
    private var namesAreFinal = true
    /// Whether nothing is ever refused.
    package private(set) var isEmpty = true
    /// Rules of all kinds, without repetitions of names.
    package private(set) var count = 0
    /// Whether requests' paths matter.
    package private(set) var hasPaths = false

    package init() {}

    private var sets: [RuleSet] { [own, acl, lists].compactMap { $0 } }

    private mutating func rank() {
        let sets = sets
        general = sets.flatMap { set in set.general.filter { $0.count > 0 }.map { Ranked(set: set, book: $0) } }
        hasUsers = sets.contains { !$0.users.isEmpty }
        namesAreFinal = !sets.contains(where: \.allowsAddresses)
        count = sets.reduce(0) { $0 + $1.count }
        isEmpty = count == 0
        hasPaths = sets.contains(where: \.hasPaths)
    }

    /// Users' rules rank above everybody's.
    private static let generalRank = 1000

    /// What ranks below `permission`'s rule is not asked any more. Users' rules rank above everybody's, and of each the owner's
    /// above those of files.
    @inline(__always)
    private func first(
        _ user: String?, above permission: Permission = Permission(), _ match: (RuleBook) -> RuleMatch?
    ) -> (DecidingRule, rank: Int)? {
        if hasUsers, let user {
            var rank = 0
            for set in sets {
                for book in set.users[user] ?? [] {
                    guard rank < permission.rank else { return nil }
                    if let found = match(book) { return (DecidingRule(found, of: set), rank) }
                    rank += 1
                }
            }
        }
        for index in general.indices {
            guard Self.generalRank + index < permission.rank else { return nil }
            if let found = match(general[index].book) {
                return (DecidingRule(found, of: general[index].set), Self.generalRank + index)
            }
        }
        return nil
    }

    @inline(__always)
    private func judge(
        _ user: String?, _ permission: inout Permission, _ match: (RuleBook) -> RuleMatch?
    ) -> DecidingRule? {
        guard let (rule, rank) = first(user, above: permission, match) else { return nil }
        guard rule.isAllowed else { return rule }
        permission.rank = rank
        permission.rule = rule
        return nil
    }

    // MARK: Asking

    /// What refuses a name. Where nothing does, its addresses are to be judged with the same permission.
    package func refusal(
        of name: DomainName, port: UInt16, for user: String?, _ permission: inout Permission
    ) -> DecidingRule? {
        judge(user, &permission) { $0.match(name, port: port, isFinal: namesAreFinal) }
    }

    /// What refuses an address, which is folded.
    package func refusal(
        of address: IPAddress, port: UInt16, for user: String?, _ permission: inout Permission
    ) -> DecidingRule? {
        let address = address.folded
        if let refusal = judge(user, &permission, { $0.match(address, port: port) }) { return refusal }
        // What is wrapped in an IPv6 address is judged as if it were dialled: a gateway unwraps it.
        guard case .v6(let outer) = address, let wrapped = outer.wrappedIPv4 else { return nil }
        return judge(user, &permission) { $0.match(.v4(wrapped), port: port) }
    }

    /// What refuses a plain-HTTP request; `path` is normalised.
    package func refusal(
        of host: RequestHost, path: [UInt8], for user: String?, _ permission: inout Permission
    ) -> DecidingRule? {
        judge(user, &permission) { $0.match(host, path: path) }
    }

    /// What refuses somebody everything: by where they come from, or by name.
    package func refusal(client: IPAddress?, user: String?) -> DecidingRule? {
        if let client, let found = first(nil, { $0.match(client: client.folded) }), !found.0.isAllowed {
            return found.0
        }
        if let user, let found = first(nil, { $0.match(user: user) }), !found.0.isAllowed { return found.0 }
        return nil
    }
}
