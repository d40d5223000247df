import SSServerCore
import Testing

@testable import SSCommon

struct UserLimitsTests {
    private func configured(
        quota: UInt64? = nil, rate: UInt64? = nil, streams: Int? = nil, expires: String? = nil
    ) -> UserLimits {
        UserLimits(
            UserConfiguration(
                name: "alice", password: .text("x"), quota: quota, rate: rate, streams: streams, expires: expires))
    }

    @Test("What the configuration says is what holds")
    func configuration() {
        let limits = configured(quota: 1, rate: 2, streams: 3, expires: "2027-01-31")
        #expect(limits.quota == 1 && limits.rate == 2 && limits.streams == 3)
        #expect(limits.expires?.description == "2027-01-31")
        #expect(configured() == UserLimits())
    }

    @Test("A user is served until the last second before the day they expire on")
    func expiry() {
        let limits = configured(expires: "2027-01-01")
        let day: UnixSeconds = 1_798_761_600
        #expect(limits.refusal(at: 0) == nil)
        #expect(limits.refusal(at: day - 1) == nil)
        #expect(limits.refusal(at: day) == .expired)
        #expect(limits.refusal(at: .max) == .expired)
        #expect(configured().refusal(at: .max) == nil)
    }

    @Test("Whatever day the configuration takes, the user of it does expire", arguments: ["0000-01-01", "1969-12-31"])
    func ancient(day: String) {
        #expect(configured(expires: day).refusal(at: 1_800_000_000) == .expired)
    }

    @Test("An account is told everything, and told again when a limit is lifted")
    func apply() {
        let account = UserAccount(name: "alice")
        configured(quota: 100, rate: 1_000, streams: 1).apply(to: account)
        account.judge(nil)
        #expect(account.openStream(at: 0) == nil)
        #expect(account.openStream(at: 0) == .limit)
        #expect(account.moved(up: 200, now: 1_000_000_000) == 100_000_000)
        #expect(account.refusal == .quota)
        UserLimits().apply(to: account)
        account.judge(nil)
        #expect(account.openStream(at: 0) == nil)
        #expect(account.moved(up: 1 << 30, now: 1_000_000_000) == 0)
    }
}
