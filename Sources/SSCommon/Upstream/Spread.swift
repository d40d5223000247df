// Times nobody can predict: what happens every so many seconds to the second is a mark to whoever watches the wire.

enum Spread {
    /// Between half of `time` and one and a half.
    static func around(_ time: Duration, _ random: inout some RandomNumberGenerator) -> Duration {
        time * Double.random(in: 0.5..<1.5, using: &random)
    }

    /// As decaying atoms do it: whatever has passed, the rest is as long as ever on the average. At least a tenth of
    /// `mean`, at most four times.
    static func exponential(mean: Duration, _ random: inout some RandomNumberGenerator) -> Duration {
        mean * min(4, max(0.1, -logarithm(Double.random(in: 0.0001..<1, using: &random))))
    }

    /// The natural logarithm, by halving: no C library for one number that need not be exact.
    static func logarithm(_ x: Double) -> Double {
        precondition(x > 0 && x.isFinite, "only positive numbers have one")
        let log2 = 0.693_147_180_559_945_3
        // x = m * 2^e with m in 1..<2, and ln m by the series of artanh.
        let y = (x.significand - 1) / (x.significand + 1)
        var term = y
        var sum = 0.0
        for k in stride(from: 1.0, through: 21, by: 2) {
            sum += term / k
            term *= y * y
        }
        return 2 * sum + Double(x.exponent) * log2
    }
}

/// Waits that get longer, with jitter.
struct Backoff: Hashable, Sendable {
    let base: Duration
    private var attempts = 0

    init(base: Duration) { self.base = base }

    /// The next wait, around `base` doubled so many times, and around `limit` at most.
    mutating func next(limit: Duration, _ random: inout some RandomNumberGenerator) -> Duration {
        defer { attempts = min(attempts + 1, 30) }
        return Spread.around(min(base * (1 << attempts), limit), &random)
    }

    mutating func reset() { attempts = 0 }
}
