// What the server's owner has said about where clients may go, as it is at this moment, for all event loops.
internal import NIOConcurrencyHelpers
internal import SSCommon
internal import SSServerCore

/// Immutable.
final class Policy: Sendable {
    let blacklist: Blacklist
    /// Whether the first bytes of streams are looked at.
    let sniffs: Bool
    /// How to ask the owner for access; an address of a page or of mail, or words.
    let contact: String?
    /// Whether a new rule ends what it refuses.
    let endsSessions: Bool
    /// Whether anything is refused at all.
    let hasRules: Bool
    let hasPaths: Bool

    init(_ blacklist: Blacklist = Blacklist(), _ settings: BlacklistConfiguration = BlacklistConfiguration()) {
        self.blacklist = blacklist
        sniffs = settings.sniff
        contact = settings.contact
        endsSessions = settings.endsSessions
        hasRules = !blacklist.isEmpty
        hasPaths = blacklist.hasPaths
    }
}

/// The policy in force, what it has refused, and who is told of a new one.
final class PolicyInForce: Sendable {
    private let policy: NIOLockedValueBox<Policy>
    private let listeners = NIOLockedValueBox<[@Sendable (Policy) -> Void]>([])
    let refusals: Refusals

    init(_ policy: Policy = Policy(), refusals: Refusals) {
        self.policy = NIOLockedValueBox(policy)
        self.refusals = refusals
    }

    var current: Policy { policy.withLockedValue { $0 } }

    func replace(by new: Policy) {
        // The old one is let go outside the lock: to free a large table takes a while.
        let old = policy.withLockedValue { policy in
            let old = policy
            policy = new
            return old
        }
        for listener in listeners.withLockedValue({ $0 }) { listener(new) }
        withExtendedLifetime(old) {}
    }

    /// `body` is called with each new policy, from any thread.
    func onChange(_ body: @escaping @Sendable (Policy) -> Void) {
        listeners.withLockedValue { $0.append(body) }
    }
}
