// When servers are looked after. Real use tells about the one in use; the others, and those that failed, are checked now and
// then, at times drawn at random, only while the laptop is used, and never where there is but one.

extension ServerTable {
    /// Between two checks of a server that works, on the average.
    static let checkTime = Duration.seconds(300)
    /// Before the first check of one that nothing is known about.
    static let firstCheckTime = Duration.seconds(60)
    /// Before a suspect one is checked; long enough for a network that hiccups.
    static let suspectTime = Duration.seconds(3)
    static let longestSuspectTime = Duration.seconds(60)
    /// Without use for so long, the laptop is hardly used; for so long, it is not.
    static let quietTime = Duration.seconds(120)
    static let idleTime = Duration.seconds(1800)
    /// Checks at once.
    static let checkLimit = 2

    /// Somebody uses the servers at this moment.
    package mutating func used(now: ContinuousClock.Instant, random: inout some RandomNumberGenerator) {
        defer { lastUse = now }
        if let lastUse, now - lastUse < Self.idleTime { return }
        for index in rows.indices where rows[index].nextCheck ?? now <= now { schedule(index, now, &random) }
    }

    /// The servers to check now; each must be followed by `checkEnded`.
    package mutating func checksDue(
        now: ContinuousClock.Instant, random: inout some RandomNumberGenerator
    ) -> [ID] {
        guard rows.count > 1, let lastUse, now - lastUse < Self.idleTime else { return [] }
        var due: [ID] = []
        let isQuiet = now - lastUse >= Self.quietTime
        var underWay = rows.count { $0.isBeingChecked }
        for index in rows.indices where underWay < Self.checkLimit {
            guard !rows[index].isBeingChecked else { continue }
            if rows[index].id == current, rows[index].health.state < .suspect {
                rows[index].nextCheck = nil
                continue
            }
            // Nil after it was the one in use.
            if rows[index].nextCheck == nil { schedule(index, now, &random) }
            guard let time = rows[index].nextCheck, time <= now else { continue }
            // Seldom while nobody needs it.
            if isQuiet, Int.random(in: 0..<3, using: &random) > 0 {
                schedule(index, now, &random)
                continue
            }
            rows[index].isBeingChecked = true
            rows[index].nextCheck = nil
            underWay += 1
            due.append(rows[index].id)
        }
        return due
    }

    /// A check is over; what it showed was told by `note`.
    package mutating func checkEnded(
        _ id: ID, now: ContinuousClock.Instant, random: inout some RandomNumberGenerator
    ) {
        guard let index = index(of: id) else { return }
        rows[index].isBeingChecked = false
        schedule(index, now, &random)
    }

    mutating func schedule(
        _ index: Int, _ now: ContinuousClock.Instant, _ random: inout some RandomNumberGenerator
    ) {
        guard rows.count > 1, !rows[index].isBeingChecked else { return }
        rows[index].nextCheck = wait(index, &random).map { now + $0 }
    }

    private mutating func wait(_ index: Int, _ random: inout some RandomNumberGenerator) -> Duration? {
        switch rows[index].health.state {
        case .healthy:
            rows[index].id == current ? nil : Spread.exponential(mean: Self.checkTime, &random)
        case .unknown:
            rows[index].id == current ? nil : Spread.exponential(mean: Self.firstCheckTime, &random)
        case .suspect:
            rows[index].backoff.next(limit: Self.longestSuspectTime, &random)
        case .down:
            rows[index].backoff.next(limit: isAllDown ? Self.longestRetryOfAll : Self.longestRetry, &random)
        }
    }
}
