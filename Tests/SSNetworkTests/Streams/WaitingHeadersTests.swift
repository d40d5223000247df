import Testing

@testable import SSNetwork

@Suite("Bytes kept for headers that are not whole")
struct WaitingHeadersTests {
    private final class Waiter: HeaderWaiter {
        var hasGivenUp = false
        func giveUp() { hasGivenUp = true }
    }

    @Test func `beyond the limit those that waited longest are given up`() {
        let waiting = WaitingHeaders()
        let size = 64 * 1024
        let waiters = (0..<(WaitingHeaders.limit / size + 3)).map { _ in Waiter() }
        for waiter in waiters { waiting.update(waiter, bytes: size) }
        #expect(waiters.map(\.hasGivenUp).firstIndex(of: false) == 3)
        #expect(waiters.map(\.hasGivenUp).lastIndex(of: true) == 2)
        #expect(waiting.total <= WaitingHeaders.limit)
    }

    @Test func `growing does not make one younger`() {
        let waiting = WaitingHeaders()
        let (old, young) = (Waiter(), Waiter())
        waiting.update(old, bytes: 2000)
        waiting.update(young, bytes: 2000)
        waiting.update(old, bytes: WaitingHeaders.limit)
        #expect(old.hasGivenUp && !young.hasGivenUp)
        #expect(waiting.total == 2000)
    }

    @Test func `who leaves, or keeps next to nothing, counts for nothing`() {
        let waiting = WaitingHeaders()
        let waiters = (0..<100_000).map { _ in Waiter() }
        for waiter in waiters { waiting.update(waiter, bytes: 59) }
        #expect(waiting.total == 0)
        for waiter in waiters {
            waiting.update(waiter, bytes: 60_000)
            waiting.leave(waiter)
            waiting.leave(waiter)
        }
        let givenUp = waiters.filter(\.hasGivenUp)
        #expect(waiting.total == 0 && givenUp.isEmpty)
        waiting.update(waiters[0], bytes: 60_000)
        waiting.update(waiters[0], bytes: 3)
        #expect(waiting.total == 0)
    }
}
