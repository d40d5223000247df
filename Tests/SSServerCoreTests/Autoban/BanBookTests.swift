import SSCommon
import Testing

@testable import SSServerCore

@Suite("Who is banned, and for how long")
struct BanBookTests {
    private static let offence = BanLedger.Offence(bad: 3, total: 3)

    @Test(arguments: [
        ("203.0.113.9", "203.0.113.9"), ("203.0.113.0/24", "203.0.113.0/24"), ("203.0.113.9/32", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"), ("2001:db8:1:2::3", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:3::/80", "2001:db8:1:2::/64"), ("2001:db8:1::/48", "2001:db8:1::/48"),
        ("2001:db8:1:200::/56", "2001:db8:1:200::/56"),
    ])
    func `prefixes are read and printed in one way`(text: String, printed: String) throws {
        #expect("\(try BanPrefix(text))" == printed)
    }

    @Test(arguments: [
        "203.0.0.0/16", "0.0.0.0/0", "203.0.112.0/23", "2001:db8::/32", "::/0", "2001:db8::/47",
    ])
    func `what is too wide is refused`(text: String) {
        #expect(throws: BanPrefix.Fault.tooWide) { try BanPrefix(text) }
    }

    @Test(arguments: ["", "x", "203.0.113.9/33", "203.0.113.9/24", "203.0.113", "2001:db8::1/129", "1.2.3.4 ", "-j"])
    func `what is no prefix is refused`(text: String) {
        #expect(throws: BanPrefix.Fault.unreadable) { try BanPrefix(text) }
    }

    @Test func `bans double up to the longest, and not beyond it`() {
        let terms = BanTerms(first: 600, longest: 7 * 86_400)
        #expect((1...4).map { terms.seconds(of: $0, chance: 0) } == [600, 1200, 2400, 4800])
        for count in [11, 12, 64, 1000] { #expect(terms.seconds(of: count, chance: 0.999) == 7 * 86_400) }
        for count in 1...9 {
            let least = terms.seconds(of: count, chance: 0)
            let most = terms.seconds(of: count, chance: 0.9999)
            #expect(most > least && most < 2 * least && most <= least + least / 10)
        }
    }

    @Test func `a repeat lasts longer, and is forgotten in time`() throws {
        let source = try BanPrefix("203.0.113.9")
        var book = BanBook(BanTerms(first: 100, longest: 10_000))
        var now: Int64 = 1000
        func next() throws -> Ban {
            let ban = book.ban(source, for: Self.offence, now: now, chance: 0)
            return try #require(ban)
        }
        #expect(try next().until == 1100)
        now = 1101
        #expect(try next().seconds == 200)
        now = 1302
        #expect(try next().seconds == 400)
        // 400 seconds, and twice as many after them.
        now = 1302 + 400 + 799
        let early = book.forget(now)
        #expect(early.isEmpty)
        #expect(try next().count == 4)
        now += 800 + 1600
        let late = book.forget(now)
        #expect(late == [source])
        #expect(try next().count == 1)
    }

    @Test func `a ban holds until its time is over`() throws {
        var book = BanBook(BanTerms(first: 100, longest: 10_000))
        let source = BanSource(try #require(IPAddress("2001:db8::7")))
        _ = book.ban(BanPrefix(source), for: Self.offence, now: 1000, chance: 0)
        #expect(book.ban(on: source, now: 1099) != nil)
        #expect(book.ban(on: source, now: 1100) == nil)
        #expect(book.active(1099).count == 1 && book.active(1100).isEmpty)
    }

    @Test func `a ban of a network is one of all who are in it`() throws {
        var book = BanBook(BanTerms())
        let network = try BanPrefix("203.0.113.0/24")
        _ = book.order(network, seconds: 60, reason: "scanners", now: 1000)
        let inside = BanSource(try #require(IPAddress("203.0.113.77")))
        let outside = BanSource(try #require(IPAddress("203.0.114.77")))
        #expect(book.ban(on: inside, now: 1001)?.reason == "scanners")
        #expect(book.ban(on: outside, now: 1001) == nil)
        let lifted = book.lift(network, now: 1002)
        #expect(lifted?.prefix == network)
        #expect(book.ban(on: inside, now: 1003) == nil)
    }

    @Test func `what was lifted is a first time again`() throws {
        var book = BanBook(BanTerms(first: 100, longest: 10_000))
        let source = try BanPrefix("203.0.113.9")
        _ = book.ban(source, for: Self.offence, now: 1000, chance: 0)
        _ = book.ban(source, for: Self.offence, now: 1200, chance: 0)
        let lifted = (1...2).map { _ in book.lift(source, now: 1300)?.count }
        #expect(lifted == [2, nil])
        let again = book.ban(source, for: Self.offence, now: 1301, chance: 0)
        #expect(again?.count == 1)
    }

    @Test func `there is room for so many and no more, and those that are over go first`() throws {
        var book = BanBook(BanTerms(first: 100, longest: 100))
        for number in 0..<UInt32(BanBook.maximum) {
            let prefix = BanPrefix(BanSource(.v4(IPv4Address(0x0a00_0000 + number))))
            _ = book.ban(prefix, for: Self.offence, now: number < 1000 ? 0 : 150, chance: 0)
        }
        let more = try BanPrefix("203.0.113.9")
        let outcome = [50, 160].map { book.ban(more, for: Self.offence, now: $0, chance: 0) != nil }
        #expect(outcome == [false, true])
        #expect(book.count <= BanBook.maximum)
        #expect(book.active(160).count == BanBook.maximum - 1000 + 1)
    }

    @Test func `so many bans at once, and more with time`() {
        var budget = BanBudget()
        let first = (0..<BanBudget.size).filter { _ in budget.take(1000) }.count
        #expect(first == BanBudget.size)
        // Five a second come back; none by a clock that is set back.
        let then = [1000, 900, 1001, 1001, 1001, 1001, 1001, 1001].map { budget.take($0) }
        #expect(then == [false, false, true, true, true, true, true, false])
        let later = (0..<BanBudget.size + 10).filter { _ in budget.take(20_000) }.count
        #expect(later == BanBudget.size)
    }

    @Test("How long bans last is a line of text")
    func text() {
        let terms = BanTerms(first: 90, longest: 86_400)
        #expect(BanTerms(text: terms.text) == terms)
        for text in ["", "90", "0 90", "90 0", "90 x", "90 86400 1", "90 9223372036854775807"] {
            #expect(BanTerms(text: text) == nil)
        }
    }
}
