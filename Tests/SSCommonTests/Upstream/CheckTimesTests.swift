import SSCommon
import Testing

@Suite("When servers are checked")
struct CheckTimesTests {
    @Test("Never while the laptop is not used, and not for the past when it is used again")
    func idle() {
        var driver = TableDriver(3)
        #expect(driver.checks(for: .seconds(7200), isUsed: false).isEmpty)
        driver.use()
        let soon = driver.checks(for: .seconds(1800), isUsed: false)
        #expect(driver.checks(for: .seconds(50_000), isUsed: false).isEmpty)
        #expect(soon.count < 12)
        driver.use()
        #expect(driver.checksDue().isEmpty)
    }

    @Test("The one in use is left to real use while it works")
    func current() {
        var driver = TableDriver(3)
        let checks = driver.checks(for: .seconds(20_000), isUsed: true)
        #expect(!checks.contains { $0.id == driver.table.current })
        #expect(Set(checks.map(\.id)) == [1, 2])
    }

    @Test("Some minutes apart on the average, and no two waits alike")
    func spread() {
        var driver = TableDriver(2)
        let times = driver.checks(for: .seconds(100_000), isUsed: true).map(\.at)
        let waits = zip(times, times.dropFirst()).map { $1 - $0 }
        // A mean of five minutes, cut at both ends.
        #expect((200...600).contains(waits.count))
        #expect(Set(waits).count > waits.count / 2)
        #expect(waits.allSatisfy { $0 >= .seconds(30) && $0 <= .seconds(1201) })
        let short = waits.count { $0 < .seconds(150) }
        let long = waits.count { $0 > .seconds(450) }
        #expect(short > waits.count / 5 && long > waits.count / 10)
    }

    @Test("Less often while nobody needs them")
    func quiet() {
        var counts = [0, 0]
        for (index, isUsed) in [true, false].enumerated() {
            for seed in 1...40 {
                var driver = TableDriver(2, seed: UInt64(seed))
                driver.use()
                counts[index] += driver.checks(for: .seconds(1790), isUsed: isUsed).count
            }
        }
        #expect(counts[1] * 2 < counts[0] && counts[1] > 0)
    }

    @Test("A server that is down is tried seldomer and seldomer, but not given up")
    func down() {
        var driver = TableDriver(2)
        driver.note(.answered(after: nil), 0)
        var times: [Duration] = []
        let start = driver.now
        for _ in 0..<2 { driver.note(.notConnected, 1) }
        while driver.now - start < .seconds(20_000) {
            driver.use()
            for id in driver.checksDue() {
                times.append(driver.now - start)
                driver.note(.notConnected, id)
                driver.checkEnded(id)
            }
            driver.pass(.seconds(1))
        }
        #expect(times[0] <= .seconds(7))
        #expect((15...80).contains(times.count))
        let waits = zip(times, times.dropFirst()).map { $1 - $0 }
        #expect(waits.allSatisfy { $0 <= .seconds(901) })
        #expect(waits.suffix(5).allSatisfy { $0 >= .seconds(299) })
    }

    @Test("When all are down, all are tried within seconds again and again")
    func allDown() {
        var driver = TableDriver(2)
        for id in 0..<2 { for _ in 0..<2 { driver.note(.notConnected, id) } }
        var times: [[Duration]] = [[], []]
        let start = driver.now
        while driver.now - start < .seconds(1000) {
            driver.use()
            for id in driver.checksDue() {
                times[id].append(driver.now - start)
                driver.note(.notConnected, id)
                driver.checkEnded(id)
            }
            driver.pass(.seconds(1))
        }
        for times in times {
            let waits = zip(times, times.dropFirst()).map { $1 - $0 }
            #expect(waits.allSatisfy { $0 <= .seconds(24) } && waits.count > 40)
        }
    }

    @Test("Two checks at once at most, and none twice")
    func few() {
        var driver = TableDriver(20)
        driver.use()
        driver.pass(.seconds(400))
        driver.use()
        let first = driver.checksDue()
        #expect(first.count == 2)
        #expect(driver.checksDue().isEmpty)
        driver.checkEnded(first[0])
        let second = driver.checksDue()
        #expect(second.count == 1 && !first.contains(second[0]))
    }
}
