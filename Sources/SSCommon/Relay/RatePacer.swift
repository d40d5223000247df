// A rate in bytes a second, kept by waiting: whoever has moved bytes is told how long to move no more. One pacer serves
// all of a user's streams on all loops, so it is one number that atomic operations move: when everything that was
// moved so far will have been paid for (the virtual scheduling algorithm of ITU-T I.371).
internal import Synchronization

package struct RatePacer: ~Copyable, Sendable {
    /// How far ahead of the rate one may be before one waits, in nanoseconds; less would make many small waits.
    package static let slack: UInt64 = 100_000_000

    /// Bytes a second; 0 for any.
    private let rate = Atomic<UInt64>(0)
    private let paid = Atomic<UInt64>(0)

    package init() {}

    /// Nil for any rate. Another rate begins with nothing to pay: whoever mends a mistake does not wait for what it cost.
    package func setRate(_ bytes: UInt64?) {
        let bytes = bytes.map { max(1, $0) } ?? 0
        if rate.exchange(bytes, ordering: .relaxed) != bytes { paid.store(0, ordering: .relaxed) }
    }

    /// As it was set; nil for any. Who waits for another rate need not wait any more.
    package var bytesPerSecond: UInt64? {
        let rate = rate.load(ordering: .relaxed)
        return rate == 0 ? nil : rate
    }

    /// So many bytes were moved at `now`, in nanoseconds of a clock that only goes forward. The result is how many
    /// nanoseconds to wait; 0 mostly.
    package func take(_ bytes: Int, now: @autoclosure () -> UInt64) -> UInt64 {
        let rate = rate.load(ordering: .relaxed)
        guard rate > 0 else { return 0 }
        let now = now()
        let product = UInt64(bytes).multipliedFullWidth(by: 1_000_000_000)
        let cost = product.high < rate ? rate.dividingFullWidth(product).quotient : UInt64.max / 4
        var paid = paid.load(ordering: .relaxed)
        while true {
            // Nobody waits for more than an hour.
            let next = min(max(paid, now) &+ min(cost, Self.longest), now &+ Self.longest)
            let (isExchanged, original) = self.paid.compareExchange(
                expected: paid, desired: next, ordering: .relaxed)
            if isExchanged { return next - now > Self.slack ? next - now - Self.slack : 0 }
            paid = original
        }
    }

    /// Whether so many bytes may be moved at `now`, for those who cannot wait; what may not be moved does not count.
    package func offer(_ bytes: Int, now: @autoclosure () -> UInt64) -> Bool {
        guard rate.load(ordering: .relaxed) > 0 else { return true }
        let now = now()
        guard paid.load(ordering: .relaxed) <= now &+ Self.slack else { return false }
        _ = take(bytes, now: now)
        return true
    }

    private static let longest: UInt64 = 3_600_000_000_000
}
