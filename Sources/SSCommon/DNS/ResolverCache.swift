// The memory of names: what was found, for as long as it may be used, and who waits for what is being found.
// Bounded in every direction: entries (the least recently used one goes), lookups under way, and waiters.
// Many dials to one name cost one lookup.

/// The bounds of a `ResolverCache`.
package struct ResolverCacheLimits: Sendable {
    /// Names remembered.
    package var entries = 4096
    /// Lookups under way at once.
    package var lookups = 512
    /// Waiters over all lookups.
    package var waiters = 8192
    /// How long a found name is kept, whatever its TTL says.
    package var positive: ClosedRange<UInt32> = 1...3600
    /// The same for a name that does not exist (RFC 2308 5).
    package var negative: ClosedRange<UInt32> = 5...60
    /// How long a failure is kept, in seconds, so that a dead name server is not hammered.
    package var failure: UInt32 = 1
    /// How long a found name is kept if its source gives no TTL (getaddrinfo does not).
    package var untimed: UInt32 = 60

    package init() {}
}

/// A cache of resolutions with the bookkeeping of single flight; `Waiter` is whatever the shell answers.
package struct ResolverCache<Waiter> {
    /// What the shell is to do with a waiter.
    package enum Step: Sendable {
        /// Answer it with this.
        case known(Resolution)
        /// Nothing; `finish` hands it back.
        case wait
        /// Start a lookup; `finish` hands the waiter back.
        case start
        /// Refuse it: too much is under way.
        case refuse
    }

    private struct Entry: Sendable {
        var resolution: Resolution
        var expiry: ContinuousClock.Instant
    }

    private let limits: ResolverCacheLimits
    private var known: RecencyMap<DomainName, Entry>
    private var underWay: [DomainName: [Waiter]] = [:]
    private var waiting = 0

    package init(limits: ResolverCacheLimits = ResolverCacheLimits()) {
        self.limits = limits
        known = RecencyMap(capacity: limits.entries)
    }

    /// Names remembered, expired ones included.
    package var count: Int { known.count }

    package mutating func look(
        up name: DomainName, now: ContinuousClock.Instant, waiter: () -> Waiter
    ) -> Step {
        if let entry = known.value(for: name) {
            if entry.expiry > now { return .known(entry.resolution) }
            known.remove(name)
        }
        guard waiting < limits.waiters else { return .refuse }
        let isFirst = underWay[name] == nil
        guard !isFirst || underWay.count < limits.lookups else { return .refuse }
        underWay[name, default: []].append(waiter())
        waiting += 1
        return isFirst ? .start : .wait
    }

    /// Records the outcome of a lookup and hands back whoever waited for it.
    package mutating func finish(
        _ name: DomainName, _ result: TimedResolution, now: ContinuousClock.Instant
    ) -> [Waiter] {
        known.insert(Entry(resolution: result.resolution, expiry: now + .seconds(lifetime(of: result))), for: name)
        let waiters = underWay.removeValue(forKey: name) ?? []
        waiting -= waiters.count
        return waiters
    }

    /// Hands back whoever waits for a lookup that takes too long. It stays under way: those who come later join
    /// it, and `finish` must still be called.
    package mutating func giveUp(_ name: DomainName) -> [Waiter] {
        guard let waiters = underWay[name] else { return [] }
        underWay[name] = []
        waiting -= waiters.count
        return waiters
    }

    /// Forgets every name; lookups under way go on.
    package mutating func removeAll() {
        known = RecencyMap(capacity: limits.entries)
    }

    private func lifetime(of result: TimedResolution) -> UInt32 {
        switch result.resolution {
        case .addresses:
            min(max(result.ttl ?? limits.untimed, limits.positive.lowerBound), limits.positive.upperBound)
        case .absent:
            min(max(result.ttl ?? 0, limits.negative.lowerBound), limits.negative.upperBound)
        case .timedOut, .failed:
            limits.failure
        }
    }
}

extension ResolverCache: Sendable where Waiter: Sendable {}
