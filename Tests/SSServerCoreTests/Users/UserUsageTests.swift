import SSServerCore
import Testing

@testable import SSCommon

struct UserUsageTests {
    private typealias Bytes = UserUsage.Bytes
    private let march = CalendarMonth(number: 2027 * 12 + 2)

    private func reading(_ up: UInt64, _ down: UInt64) -> UserAccount.Reading {
        var reading = UserAccount(name: "alice").reading
        (reading.up, reading.down) = (up, down)
        return reading
    }

    @Test("What an account has counted is taken in once")
    func counting() {
        var usage = UserUsage(march, monthly: Bytes(up: 10, down: 20), total: Bytes(up: 100, down: 200))
        for _ in 0..<3 { usage.count(reading(1, 2)) }
        usage.count(reading(4, 2))
        #expect(usage.monthly == Bytes(up: 14, down: 22))
        #expect(usage.total == Bytes(up: 104, down: 202))
        #expect(usage.unwritten == Bytes(up: 4, down: 2))
    }

    @Test("What could not be written is written with the rest, and what came meanwhile is not lost")
    func failure() {
        var usage = UserUsage(march)
        usage.count(reading(5, 5))
        let tried = usage.unwritten
        usage.count(reading(8, 6))
        #expect(usage.unwritten == Bytes(up: 8, down: 6))
        // That write went well after all.
        usage.wrote(tried)
        #expect(usage.unwritten == Bytes(up: 3, down: 1))
        usage.wrote(usage.unwritten)
        #expect(usage.unwritten.sum == 0)
        usage.count(reading(8, 6))
        #expect(usage.unwritten.sum == 0)
    }

    @Test("Another month begins with nothing, and the total goes on")
    func month() {
        var usage = UserUsage(march, monthly: Bytes(up: 1), total: Bytes(up: 1))
        usage.count(reading(10, 0))
        usage.wrote(usage.unwritten)
        usage.begin(CalendarMonth(number: march.number + 1))
        #expect(usage.monthly.sum == 0 && usage.unwritten.sum == 0)
        #expect(usage.total == Bytes(up: 11))
        usage.count(reading(12, 3))
        #expect(usage.monthly == Bytes(up: 2, down: 3))
        #expect(usage.unwritten == Bytes(up: 2, down: 3))
        #expect(usage.total == Bytes(up: 13, down: 3))
        #expect("\(usage.month)" == "2027-04")
    }

    @Test("Counters that wrap round are no trap")
    func wrap() {
        var usage = UserUsage(march, total: Bytes(up: .max, down: .max))
        usage.count(reading(.max, .max))
        usage.count(reading(4, 4))
        #expect(usage.unwritten == Bytes(up: 4, down: 4))
    }
}
