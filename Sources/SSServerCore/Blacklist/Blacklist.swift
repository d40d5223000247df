// Everything the server's owner has said about where clients may go, as one value that is looked at for each target and
// replaced as a whole when something changes. What the egress policy denies is none of this: no rule can allow it.
package import SSCommon

/// Why a target is refused.
package struct Refusal: Hashable, Sendable {
    /// The rule in its usual spelling.
    package let rule: String
    /// Where it stands: a file, the configuration, a command.
    package let source: String
    /// Its line there; 0 where there are none.
    package let line: Int
}

/// What a level says.
package enum Judgement: Hashable, Sendable {
    case allowed(Refusal)
    case refused(Refusal)

    /// The rule that decided.
    package var rule: Refusal {
        switch self {
        case .allowed(let rule), .refused(let rule): rule
        }
    }

    package var isRefused: Bool {
        switch self {
        case .allowed: false
        case .refused: true
        }
    }
}

/// Immutable; shared by all threads. A few rules lie over many: what commands change is the upper book alone.
package struct Blacklist: Sendable {
    /// Rules with the places they came from.
    package struct Level: Sendable {
        package let book: RuleBook
        package let sources: RuleSources

        package init(_ book: RuleBook, _ sources: RuleSources) {
            self.book = book
            self.sources = sources
        }

        fileprivate func judgement(_ match: RuleMatch) -> Judgement {
            let origin = sources.origin(of: match.place)
            let rule = Refusal(rule: match.text, source: origin.source, line: origin.line)
            return match.isAllowed ? .allowed(rule) : .refused(rule)
        }
    }

    /// Of single users, by their names.
    package var users: [String: Level] = [:]
    /// Of the configuration and of commands.
    package var own: Level?
    /// Of files.
    package var lists: Level?

    package init() {}

    /// Whether nothing is ever refused.
    package var isEmpty: Bool { users.isEmpty && own == nil && lists == nil }

    /// Whether requests' paths matter.
    package var hasPaths: Bool {
        users.values.contains(where: \.book.hasPaths) || own?.book.hasPaths == true || lists?.book.hasPaths == true
    }

    /// The first level that has a rule decides: the user's, the owner's, the lists'.
    private func first(_ user: String?, _ match: (RuleBook) -> RuleMatch?) -> Judgement? {
        for level in [user.flatMap { users[$0] }, own, lists] {
            if let level, let found = match(level.book) { return level.judgement(found) }
        }
        return nil
    }

    /// What is said about a name; nil for nothing.
    package func judgement(of name: DomainName, for user: String?) -> Judgement? { first(user) { $0.match(name) } }

    /// What is said about an address, which is folded.
    package func judgement(of address: IPAddress, for user: String?) -> Judgement? { first(user) { $0.match(address) } }

    /// What is said about a plain-HTTP request; `path` is normalised.
    package func judgement(of host: RequestHost, path: [UInt8], for user: String?) -> Judgement? {
        first(user) { $0.match(host, path: path) }
    }
}
