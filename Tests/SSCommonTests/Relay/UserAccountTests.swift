import Synchronization
import Testing

@testable import SSCommon

@Suite("What a user may move")
struct UserAccountTests {
    private func account(
        quota: UInt64? = nil, rate: UInt64? = nil, streams: Int? = nil
    ) -> UserAccount {
        let account = UserAccount(name: "alice")
        account.setLimits(quota: quota, rate: rate, streams: streams)
        account.judge(nil)
        return account
    }

    @Test("The quota is used up by its last byte, whichever way that goes")
    func quota() {
        for isUp in [true, false] {
            let account = account(quota: 1_000)
            _ = account.moved(up: 400, now: 0)
            _ = account.moved(down: 599, now: 0)
            #expect(account.refusal == nil)
            #expect(account.openStream(at: 1) == nil)
            _ = isUp ? account.moved(up: 1, now: 0) : account.moved(down: 1, now: 0)
            #expect(account.refusal == .quota)
            #expect(account.openStream(at: 2) == .quota)
            #expect(account.openAssociation(at: 2) == .quota)
            #expect(!account.mayMove(up: 1, now: 0))
            #expect(!account.mayMove(down: 1, now: 0))
            let reading = account.reading
            #expect(reading.used == 1_000 && reading.up + reading.down == 1_000)
            #expect(reading.streams == 1 && reading.associations == 0 && reading.seen == 1)
        }
    }

    @Test("The datagram that crosses the quota still passes, and is the last")
    func datagrams() {
        let account = account(quota: 1_000)
        #expect(account.mayMove(up: 999, now: 0))
        #expect(account.mayMove(down: 500, now: 0))
        #expect(!account.mayMove(up: 0, now: 0))
        #expect(account.reading.used == 1_499)
    }

    @Test("A quota of nothing lets nothing pass")
    func nothing() {
        let account = account(quota: 0)
        #expect(account.refusal == .quota)
        #expect(account.openStream(at: 1) == .quota)
        #expect(!account.mayMove(up: 0, now: 0))
        #expect(account.reading == UserAccount(name: "bob").reading)
    }

    @Test("More quota, another month, or less of either takes effect when the account is judged")
    func judged() {
        let account = account(quota: 100)
        account.recall(used: 60, seen: 5)
        _ = account.moved(down: 40, now: 0)
        #expect(account.refusal == .quota)
        account.judge(nil)
        #expect(account.refusal == .quota)
        account.setLimits(quota: 101, rate: nil, streams: nil)
        account.judge(nil)
        #expect(account.refusal == nil)
        account.setLimits(quota: 99, rate: nil, streams: nil)
        account.judge(nil)
        #expect(account.refusal == .quota)
        #expect(account.beginMonth() == 100)
        account.judge(nil)
        #expect(account.refusal == nil)
        #expect(account.reading.used == 0 && account.reading.down == 40)
    }

    @Test("Removal and expiry come before the quota, and the quota before the number of streams")
    func order() {
        let account = account(quota: 10, streams: 1)
        #expect(account.openStream(at: 1) == nil)
        #expect(account.openStream(at: 1) == .limit)
        _ = account.moved(up: 10, now: 0)
        #expect(account.openStream(at: 1) == .quota)
        for refusal in [UserAccount.Refusal.expired, .removed] {
            account.judge(refusal)
            _ = account.moved(up: 10, now: 0)
            #expect(account.refusal == refusal)
            #expect(account.openStream(at: 1) == refusal)
        }
        account.judge(nil)
        #expect(account.refusal == .quota)
    }

    @Test("Every refusal says something else")
    func words() {
        #expect(Set(UserAccount.Refusal.allCases.map(\.words)).count == UserAccount.Refusal.allCases.count)
    }

    @Test("Without a number of their own a user has 512 streams, and 256 associations whatever is said")
    func usual() {
        let account = account()
        for _ in 0..<512 { #expect(account.openStream(at: 0) == nil) }
        #expect(account.openStream(at: 0) == .limit)
        for _ in 0..<256 { #expect(account.openAssociation(at: 0) == nil) }
        #expect(account.openAssociation(at: 0) == .limit)
        account.setLimits(quota: nil, rate: nil, streams: 600)
        #expect(account.openStream(at: 0) == nil)
        account.setLimits(quota: nil, rate: nil, streams: 2)
        #expect(account.refusal == nil, "what is open stays")
        for _ in 0..<512 { account.closeStream() }
        #expect(account.openStream(at: 0) == nil)
        #expect(account.openStream(at: 0) == .limit)
        #expect(account.reading.streams == 2)
    }

    @Test("Last seen never goes back, and a refused stream is not seen")
    func seen() {
        let account = account(streams: 1)
        account.recall(used: 0, seen: 50)
        #expect(account.openStream(at: 40) == nil)
        #expect(account.reading.seen == 50)
        #expect(account.openStream(at: 60) == .limit)
        #expect(account.reading.seen == 50)
        account.closeStream()
        #expect(account.openStream(at: 60) == nil)
        #expect(account.reading.seen == 60)
    }

    @Test("The rate is each direction's own")
    func rate() {
        let account = account(rate: 1_000_000)
        let now: UInt64 = 1_000_000_000
        #expect(account.moved(up: 1_100_000, now: now) == 1_000_000_000)
        #expect(account.moved(down: 1_100_000, now: now) == 1_000_000_000)
        #expect(!account.mayMove(up: 1, now: now))
        #expect(account.reading.used == 2_200_000)
        account.setLimits(quota: nil, rate: nil, streams: nil)
        #expect(account.mayMove(up: 1, now: now))
    }

    @Test("On all threads at once there are never more streams than allowed, and none is left over")
    func concurrent() async {
        let account = account(streams: 5)
        let open = Count()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<5_000 where account.openStream(at: 1) == nil {
                        open.enter()
                        _ = account.moved(up: 3, now: 0)
                        open.leave()
                        account.closeStream()
                    }
                }
            }
        }
        #expect(open.most <= 5)
        #expect(open.all > 0)
        #expect(account.reading.streams == 0)
        #expect(account.reading.up == UInt64(open.all) * 3)
        for _ in 0..<5 { #expect(account.openStream(at: 1) == nil) }
    }

    @Test("On all threads at once the quota is overdrawn by no more than what each had in hand")
    func concurrentQuota() async {
        let account = account(quota: 1_000_000)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var left = 1_000_000
                    while left > 0, account.mayMove(up: 7, now: 0) { left -= 1 }
                    #expect(left > 0, "it must come to an end")
                }
            }
        }
        #expect(account.refusal == .quota)
        #expect((1_000_000...1_000_000 + 8 * 7).contains(account.reading.used))
    }

    /// How many are within at once.
    private final class Count: Sendable {
        private let now = Atomic(0)
        private let highest = Atomic(0)
        private let total = Atomic(0)

        var most: Int { highest.load(ordering: .relaxed) }
        var all: Int { total.load(ordering: .relaxed) }

        func enter() {
            highest.max(now.add(1, ordering: .relaxed).newValue, ordering: .relaxed)
            total.add(1, ordering: .relaxed)
        }

        func leave() { now.subtract(1, ordering: .relaxed) }
    }

    @Test("New streams of who is ahead of the rate wait behind each other, and for no longer than is owed")
    func entrance() {
        let account = UserAccount(name: "alice")
        let now: UInt64 = 7_000_000_000
        #expect(account.begun(now: now) == 0)
        account.setLimits(quota: nil, rate: 10_000, streams: nil)
        #expect(account.begun(now: now) == 0)
        #expect(account.moved(down: 10_000, now: now) > 900_000_000)
        let waits = (0..<5).map { _ in account.begun(now: now) }
        #expect(waits == waits.sorted() && Set(waits).count == 5)
        #expect(waits[0] > 900_000_000 && waits[4] < 1_400_000_000)
        #expect(account.begun(now: now + 2_000_000_000) == 0)
        account.setLimits(quota: nil, rate: nil, streams: nil)
        #expect(account.begun(now: now) == 0)
    }

    @Test("What one stream moves at a time is the less the more there are, within bounds")
    func portions() {
        let account = UserAccount(name: "alice")
        #expect(account.portion == nil)
        account.setLimits(quota: nil, rate: 40_000, streams: nil)
        #expect(account.portion == 10_000)
        for _ in 0..<5 { _ = account.openStream(at: 1) }
        #expect(account.portion == 2_000)
        for _ in 0..<100 { _ = account.openStream(at: 1) }
        #expect(account.portion == 1_024)
        account.setLimits(quota: nil, rate: .max, streams: nil)
        #expect(account.portion == 65_536)
    }
}
