import SSCommon
import Testing

@testable import SSServerCore

@Suite("Who is to be banned")
struct BanLedgerTests {
    private func source(_ number: Int) -> BanSource { BanSource(.v4(IPv4Address(UInt32(number)))) }

    @Test("As many failures as it takes within the window, its ends included")
    func window() {
        var ledger = BanLedger(BanRules(maxRetry: 3, findTime: 600, ratio: 0.8))
        let outcome = [0, 300, 600].map { ledger.bad(source(1), at: $0) }
        #expect(outcome == [nil, nil, BanLedger.Offence(bad: 3, total: 3)])
        let late = [1000, 1300, 1601, 1900].map { ledger.bad(source(1), at: $0) }
        #expect(late == [nil, nil, nil, BanLedger.Offence(bad: 3, total: 3)])
    }

    @Test("What succeeds counts against it, in the same window")
    func ratio() {
        var ledger = BanLedger(BanRules(maxRetry: 3, findTime: 600, ratio: 0.8))
        ledger.good(source(1), at: 0)
        #expect([1, 2, 3].map { ledger.bad(source(1), at: $0) } == [nil, nil, nil])
        // Four of five are eight tenths.
        #expect(ledger.bad(source(1), at: 4) == BanLedger.Offence(bad: 4, total: 5))
        for time in 0..<100 { ledger.good(source(2), at: Int64(time)) }
        #expect((0..<50).allSatisfy { ledger.bad(source(2), at: 100 + Int64($0)) == nil })
        // The good ones are over, and the bad ones are not.
        #expect(ledger.bad(source(2), at: 720) != nil)
    }

    @Test("A ratio of 0 counts alone, and a window of 0 lasts for ever")
    func zero() {
        var ledger = BanLedger(BanRules(maxRetry: 2, findTime: 0, ratio: 0))
        for time in 0..<1000 { ledger.good(source(1), at: Int64(time)) }
        #expect(ledger.bad(source(1), at: 5000) == nil)
        #expect(ledger.bad(source(1), at: 500_000_000) == BanLedger.Offence(bad: 2, total: 1002))
    }

    @Test("The same as a list of all that happened", arguments: 1...8 as ClosedRange<UInt64>)
    func model(seed: UInt64) {
        var random = SplitMix(seed)
        let rules = BanRules(
            maxRetry: .random(in: 1...5, using: &random), findTime: [0, 1, 10, 100, 3600][Int(seed) % 5],
            ratio: [0, 0.3, 0.5, 0.8, 1][Int(seed / 2) % 5])
        var ledger = BanLedger(rules)
        var all: [Int: [(time: Int64, isBad: Bool)]] = [:]
        var now: Int64 = 1_700_000_000
        for _ in 0..<20_000 {
            if Int.random(in: 0..<3, using: &random) == 0 { now += .random(in: 0...20, using: &random) }
            let number = Int.random(in: 0..<20, using: &random)
            let isBad = Int.random(in: 0..<(number + 2), using: &random) != 0
            all[number, default: []].append((now, isBad))
            let seen = all[number, default: []].filter { rules.findTime == 0 || $0.time >= now - rules.findTime }
            all[number] = seen
            let bad = seen.filter(\.isBad).count
            if isBad {
                let isOffence = bad >= rules.maxRetry && Double(bad) + 1e-9 >= rules.ratio * Double(seen.count)
                let expected = isOffence ? BanLedger.Offence(bad: UInt64(bad), total: UInt64(seen.count)) : nil
                #expect(ledger.bad(source(number), at: now) == expected)
                if isOffence { all[number] = [] }
            } else {
                ledger.good(source(number), at: now)
            }
        }
    }

    @Test("A clock that goes back or far ahead does no harm")
    func clock() {
        var ledger = BanLedger(BanRules(maxRetry: 3, findTime: 600, ratio: 0.8))
        #expect(ledger.bad(source(1), at: 1_000_000) == nil)
        #expect(ledger.bad(source(1), at: 10) == nil)
        #expect(ledger.bad(source(1), at: -5) != nil)
        #expect(ledger.bad(source(1), at: .max) == nil && ledger.bad(source(1), at: .min) == nil)
        #expect(ledger.bad(source(1), at: 0) != nil)
    }

    @Test("Of more sources than there is room for, those of longest ago are forgotten")
    func bound() {
        var ledger = BanLedger(BanRules(maxRetry: 3, findTime: 600, ratio: 0.8), capacity: 100)
        for number in 0..<100_000 {
            #expect(ledger.bad(source(number), at: 1000) == nil)
            #expect(ledger.count <= 100)
        }
        #expect(ledger.account(of: source(99_999)) != nil && ledger.account(of: source(99_000)) == nil)
        // One that goes on and on is not forgotten, but for the seconds that there is no room for.
        for time in 0..<100_000 {
            ledger.good(source(7), at: 1000 + Int64(time) / 200)
            _ = ledger.bad(source(200_000 + time), at: 1000 + Int64(time) / 200)
        }
        #expect(ledger.account(of: source(7))?.total ?? 0 > 20_000)
    }

    @Test("Those who do nothing within the window are forgotten in time")
    func forgets() {
        var ledger = BanLedger(BanRules(maxRetry: 3, findTime: 60, ratio: 0.8))
        for number in 0..<1000 { _ = ledger.bad(source(number), at: 0) }
        #expect(ledger.count == 1000)
        for number in 0..<600 { ledger.good(source(5000), at: 61 + Int64(number)) }
        #expect(ledger.count == 1)
    }

    @Test("Ten thousand in a second are counted")
    func many() {
        var ledger = BanLedger(BanRules(maxRetry: 200_000, findTime: 60, ratio: 0))
        for _ in 0..<199_999 { #expect(ledger.bad(source(1), at: 5) == nil) }
        #expect(ledger.bad(source(1), at: 5) == BanLedger.Offence(bad: 200_000, total: 200_000))
    }

    @Test("Those who are there each second push nobody out who comes seldom")
    func share() {
        // Room for 512 moments: 20 sources of one each second would fill it within half a minute.
        var ledger = BanLedger(BanRules(maxRetry: 3, findTime: 600, ratio: 0.8), capacity: 64)
        var outcome: [BanLedger.Offence?] = []
        for time in 0..<500 as Range<Int64> {
            for number in 0..<20 { ledger.good(source(number), at: time) }
            // Slow ones, that nobody hears of for minutes.
            if time % 150 == 10 { outcome.append(ledger.bad(source(100), at: time)) }
            if time == 20 { for number in 200..<220 { _ = ledger.bad(source(number), at: time) } }
        }
        #expect(outcome == [nil, nil, .init(bad: 3, total: 3), nil])
        #expect((200..<220).allSatisfy { ledger.account(of: source($0)) == .init(bad: 1, total: 1) })
        // What they have done themselves is held together, and forgotten together: sooner, never later.
        for number in 0..<20 {
            let total = ledger.account(of: source(number))?.total ?? 0
            #expect((1...500).contains(total))
        }
        for number in 0..<20 { ledger.good(source(number), at: 2000) }
        for number in 0..<20 { #expect(ledger.account(of: source(number)) == .init(bad: 0, total: 1)) }
    }

    @Test(
        "However little room there is, nobody counts for more than what they did",
        arguments: 1...6 as ClosedRange<UInt64>)
    func crowded(seed: UInt64) {
        var random = SplitMix(seed)
        var ledger = BanLedger(BanRules(maxRetry: 50, findTime: 100, ratio: 0), capacity: 4)
        var all: [Int: [Int64]] = [:]
        var now: Int64 = 1000
        for _ in 0..<20_000 {
            now += .random(in: 0...2, using: &random)
            let number = Int.random(in: 0..<6, using: &random)
            all[number] = (all[number] ?? []).filter { $0 >= now - 100 } + [now]
            if let offence = ledger.bad(source(number), at: now) {
                #expect(offence.bad <= UInt64(all[number]?.count ?? 0))
                all[number] = nil
            } else if let account = ledger.account(of: source(number)) {
                #expect(account.bad <= UInt64(all[number]?.count ?? 0))
            }
            #expect(ledger.count <= 4)
        }
    }
}
