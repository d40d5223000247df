// How many bans may come of a log in a time. A log that is not what it seems (another program's, a client of one's own that knocks
// from everywhere) must not shut out the world before somebody looks.

package struct BanBudget: Sendable {
    /// At once.
    package static let size = 20_000
    /// Seconds in which as many more may come.
    private static let period: Int64 = 3600

    private var left = Double(Self.size)
    private var updated: Int64?

    package init() {}

    /// Whether there may be another one now.
    package mutating func take(_ now: Int64) -> Bool {
        if let updated, now > updated {
            left = min(Double(Self.size), left + Double(Self.size) * Double(now - updated) / Double(Self.period))
        }
        updated = max(now, updated ?? now)
        guard left >= 1 else { return false }
        left -= 1
        return true
    }
}
