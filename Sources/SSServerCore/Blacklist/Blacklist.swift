// Everything the server's owner has said about where clients may go, as one value that is looked at for each target and
// replaced as a whole when something changes. What the egress policy denies is none of this: no rule can allow it.
package import SSCommon

/// The rule that decided.
package struct DecidingRule: Hashable, Sendable {
    /// In its usual spelling.
    package let rule: String
    /// Where it stands: a file, the configuration, a command.
    package let source: String
    /// Its line there.
    package let line: Int
    package let isAllowed: Bool

    /// `lists/ads.txt:12`.
    package var place: String { "\(source):\(line)" }
}

/// How far a request has come: the rank of what has allowed it, which only what ranks higher can overrule.
package struct Permission: Hashable, Sendable {
    fileprivate var rank = Int.max
    /// The rule, if one has.
    package fileprivate(set) var rule: DecidingRule?

    package init() {}
}

/// Immutable; shared by all threads.
package struct Blacklist: Sendable {
    /// Of the configuration and of commands.
    package var own: RuleSet?
    /// Of the file that `acl` names.
    package var acl: RuleSet?
    /// Of lists.
    package var lists: RuleSet?

    package init() {}

    /// Whether nothing is ever refused.
    package var isEmpty: Bool { sets.allSatisfy { $0.count == 0 } }

    /// Rules of all kinds, without repetitions of names.
    package var count: Int { sets.reduce(0) { $0 + $1.count } }

    /// Whether requests' paths matter.
    package var hasPaths: Bool { sets.contains(where: \.hasPaths) }

    private var sets: [RuleSet] { [own, acl, lists].compactMap { $0 } }

    /// What ranks below `permission`'s rule is not asked any more. Users' rules rank above everybody's, and of each the owner's
    /// above those of files.
    private func first(
        _ user: String?, above permission: Permission = Permission(), _ match: (RuleBook) -> RuleMatch?
    ) -> (DecidingRule, rank: Int)? {
        var rank = 0
        func look(_ set: RuleSet, _ books: [RuleBook]) -> DecidingRule? {
            for book in books {
                guard rank < permission.rank else { return nil }
                if let found = match(book) { return set.origin(found) }
                rank += 1
            }
            return nil
        }
        if let user {
            for set in sets {
                if let books = set.users[user], let found = look(set, books) { return (found, rank) }
            }
        }
        // Not to be mistaken for a rank of a user's.
        rank = max(rank, 100)
        for set in sets {
            if let found = look(set, set.general) { return (found, rank) }
        }
        return nil
    }

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
        let isFinal = !sets.contains(where: \.allowsAddresses)
        return judge(user, &permission) { $0.match(name, port: port, isFinal: isFinal) }
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
