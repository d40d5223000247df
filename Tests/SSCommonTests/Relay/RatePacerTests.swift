import Testing

@testable import SSCommon

@Suite("A rate kept by waiting")
struct RatePacerTests {
    private static let second: UInt64 = 1_000_000_000

    /// A pacer that can be handed round.
    private final class Pacer: Sendable {
        private let pacer = RatePacer()

        func setRate(_ bytes: UInt64?) { pacer.setRate(bytes) }
        func take(_ bytes: Int, now: @autoclosure () -> UInt64) -> UInt64 { pacer.take(bytes, now: now()) }
        func offer(_ bytes: Int, now: @autoclosure () -> UInt64) -> Bool { pacer.offer(bytes, now: now()) }
    }

    /// Nanoseconds that `bytes` take at `rate`, rounded down.
    private static func time(_ bytes: UInt64, _ rate: UInt64) -> UInt64 {
        let product = bytes.multipliedFullWidth(by: second)
        return rate.dividingFullWidth(product).quotient
    }

    @Test(
        "Who waits as told keeps the rate to the nanosecond, however the bytes come",
        arguments: [1_000, 65_536, 1_000_003, 2 << 20, 1 << 30, 10 << 30] as [UInt64])
    func exact(rate: UInt64) {
        let pacer = Pacer()
        pacer.setRate(rate)
        let start = 77 * Self.second
        var random = SystemRandomNumberGenerator()
        var (now, total, calls) = (start, UInt64(0), UInt64(0))
        // Long enough that the slack at the beginning is behind it.
        while calls < 2_000 || now - start < Self.second {
            let bytes = Int.random(in: 1...65_536, using: &random)
            now += pacer.take(bytes, now: now)
            total += UInt64(bytes)
            calls += 1
        }
        let due = Self.time(total, rate)
        let taken = now - start + RatePacer.slack
        // Each call may round down by less than a nanosecond.
        #expect(taken <= due && taken + calls >= due, "\(taken) ns for \(due)")
    }

    @Test("What fits the slack passes at once, and a pause of an hour saves up no more than that")
    func slack() {
        let pacer = Pacer()
        pacer.setRate(1_000_000)
        for now in [5 * Self.second, 3_700 * Self.second] {
            #expect(pacer.take(100_000, now: now) == 0)
            #expect(pacer.take(1, now: now) == 1_000)
            #expect(pacer.take(99_999, now: now) == 100_000_000)
            // Half of it later, half of it is left to wait for.
            #expect(pacer.take(0, now: now + 50_000_000) == 50_000_000)
        }
    }

    @Test("Streams that share a pacer get the rate together and the same each")
    func fair() {
        let (rate, streams, chunk) = (UInt64(1_000_000), 10, 16_384)
        let pacer = Pacer()
        pacer.setRate(rate)
        var wakes = [UInt64](repeating: Self.second, count: streams)
        var moved = [Int](repeating: 0, count: streams)
        var longest: UInt64 = 0
        while let next = wakes.indices.min(by: { wakes[$0] < wakes[$1] }), wakes[next] < 101 * Self.second {
            let wait = pacer.take(chunk, now: wakes[next])
            longest = max(longest, wait)
            // Whoever need not wait is back when its bytes have passed through a fast wire.
            wakes[next] += max(wait, 10_000)
            moved[next] += chunk
        }
        let all = moved.reduce(0, +)
        #expect(all >= 100_000_000 - chunk && all <= 100_100_000 + (streams + 1) * chunk, "\(all) bytes in 100 s")
        // The slack is taken by whoever is there first.
        let slack = Int(rate) / 10
        #expect(moved.max()! - moved.min()! <= slack + 2 * chunk, "\(moved)")
        #expect(longest <= Self.time(UInt64((streams + 1) * chunk), rate), "nobody waits longer than a round")
    }

    @Test("Tasks that take at the same time lose nothing and pay nothing twice")
    func concurrent() async {
        let pacer = Pacer()
        pacer.setRate(1_000_000_000)
        let now = 9 * Self.second
        let sums = await withTaskGroup(of: UInt64.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var random = SystemRandomNumberGenerator()
                    var sum: UInt64 = 0
                    for _ in 0..<20_000 {
                        let bytes = Int.random(in: 1...2_000, using: &random)
                        _ = pacer.take(bytes, now: now)
                        sum += UInt64(bytes)
                    }
                    return sum
                }
            }
            return await group.reduce(UInt64(0), +)
        }
        // A nanosecond a byte at this rate.
        #expect(pacer.take(0, now: now) == sums - RatePacer.slack)
    }

    @Test("No rate is no wait, and the clock is not even asked")
    func unlimited() {
        let pacer = Pacer()
        func clock() -> UInt64 {
            Issue.record("asked")
            return 0
        }
        // Outside of the expectations, which would ask.
        let first = pacer.take(.max, now: clock())
        let isOffered = pacer.offer(.max, now: clock())
        pacer.setRate(1)
        pacer.setRate(nil)
        let last = pacer.take(.max, now: clock())
        #expect(first == 0 && isOffered && last == 0)
    }

    @Test("A change of the rate counts from the next byte on, and what was moved before is forgiven")
    func change() {
        let pacer = Pacer()
        let now = Self.second
        pacer.setRate(1_000_000)
        #expect(pacer.take(1_100_000, now: now) == Self.second)
        // The same once more is no change.
        pacer.setRate(1_000_000)
        #expect(pacer.take(100_000, now: now) == Self.second + 100_000_000)
        // Nobody waits for what a mistake has cost.
        pacer.setRate(1)
        #expect(pacer.take(1 << 20, now: now) > 3_000 * Self.second)
        pacer.setRate(10_000_000)
        #expect(pacer.take(2_000_000, now: now) == 100_000_000)
        pacer.setRate(nil)
        #expect(pacer.take(1_000_000, now: now) == 0)
        pacer.setRate(500_000)
        #expect(pacer.take(50_000, now: now + 3 * Self.second) == 0)
        #expect(pacer.take(50_000, now: now + 3 * Self.second) == 100_000_000)
    }

    @Test("Absurd numbers neither trap nor hold anybody for more than an hour", arguments: [0, 1, 7, .max] as [UInt64])
    func absurd(rate: UInt64) {
        let pacer = Pacer()
        pacer.setRate(rate)
        for now: UInt64 in [0, 1, Self.second, .max / 2] {
            for bytes in [0, 1, .max] {
                for _ in 0..<3 { #expect(pacer.take(bytes, now: now) <= 3_600 * Self.second) }
            }
        }
    }

    @Test("Datagrams beyond the rate are refused, do not count, and leave the rate to the others")
    func offers() {
        let (rate, size) = (UInt64(1_000_000), 1_200)
        let pacer = Pacer()
        pacer.setRate(rate)
        let start = Self.second
        var passed = 0
        // Ten times the rate is offered for twenty seconds.
        for now in stride(from: start, to: start + 20 * Self.second, by: 120_000) where pacer.offer(size, now: now) {
            passed += size
        }
        let least = 20_000_000 - size
        #expect(passed >= least && passed <= least + Int(rate) / 10 + 2 * size, "\(passed) bytes")
        // A second later there is room again at once.
        #expect(pacer.offer(size, now: start + 21 * Self.second))
    }

    @Test("A datagram larger than what the slack holds passes, and those behind it wait for it to be paid")
    func largeOffer() {
        let pacer = Pacer()
        pacer.setRate(1_000)
        #expect(pacer.offer(1_200, now: Self.second))
        #expect(!pacer.offer(1, now: Self.second))
        #expect(!pacer.offer(1, now: Self.second + 1_099_999_999))
        #expect(pacer.offer(1, now: Self.second + 1_100_000_000))
    }
}
