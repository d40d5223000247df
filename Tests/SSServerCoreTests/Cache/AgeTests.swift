import SSCommon
import Testing

@testable import SSServerCore

@Suite("How old an answer is (RFC 9111 4.2.3)")
struct AgeTests {
    private func terms(_ says: [String], asked: UnixSeconds = someTime) throws -> StoredTerms {
        var exchange = Exchange(["Cache-Control: max-age=3600"] + says)
        exchange.asked = asked
        return try exchange.terms()
    }

    private func age(_ says: [String], delay: UInt64 = 0, later: UInt64 = 0) throws -> UInt64 {
        try terms(says, asked: someTime - delay).age(at: someTime + later)
    }

    @Test("An answer grows older here, second by second")
    func resident() throws {
        #expect(try age(["Date: \(date())"]) == 0)
        #expect(try age(["Date: \(date())"], later: 1) == 1)
        #expect(try age(["Date: \(date())"], later: 5000) == 5000)
    }

    @Test("What it was on the way counts: Age, Date, and the time that the question took")
    func corrected() throws {
        #expect(try age(["Date: \(date(-30))"], later: 5) == 35)
        #expect(try age(["Date: \(date())", "Age: 20"], later: 5) == 25)
        #expect(try age(["Date: \(date())"], delay: 7, later: 5) == 12)
        // The larger of the two, and the delay only with Age.
        #expect(try age(["Date: \(date(-30))", "Age: 20"]) == 30)
        #expect(try age(["Date: \(date(-30))", "Age: 28"], delay: 5) == 33)
        #expect(try age(["Date: \(date(-30))", "Age: 20"], delay: 5) == 30)
    }

    @Test("A Date in the future makes it no younger than now, and one that is none counts as now")
    func skew() throws {
        #expect(try age(["Date: \(date(86_400))"], later: 5) == 5)
        #expect(try age(["Date: \(date(86_400))", "Age: 9"], later: 5) == 14)
        #expect(try age(["Date: yesterday"], later: 5) == 5)
        #expect(try age([], delay: 2, later: 5) == 7)
    }

    @Test("A clock that was set back makes nothing younger, and is no trap")
    func clockSetBack() throws {
        let terms = try terms(["Date: \(date())", "Age: 20"])
        #expect(terms.age(at: someTime - 1000) == 20)
        #expect(terms.age(at: 0) == 20)
        #expect(try self.terms(["Date: \(date())"], asked: someTime + 100).age(at: someTime) == 0)
    }

    @Test(
        "Age is digits, of the first member; anything else is as if it was not there (RFC 9111 5.1)",
        arguments: [
            (["Age: 100"], 100), (["age: 0100"], 100), (["Age: 100, 200"], 100), (["Age: 200, 100"], 200),
            (["Age: 100", "Age: 200"], 100), (["Age: 200", "Age: 100"], 200), (["Age: 100, x"], 100),
            (["Age: x, 100"], 0), (["Age: x", "Age: 100"], 0),
            (["Age: 100.5"], 0), (["Age: 7200.0"], 0), (["Age: -100"], 0), (["Age: +100"], 0), (["Age: 100s"], 0),
            (["Age: 100;x"], 0), (["Age: \"100\""], 0), (["Age: '100'"], 0), (["Age: 0x64"], 0), (["Age:"], 0),
            (["Age: 1 00"], 0), (["Age: abc"], 0), (["Age: 1e2"], 0),
        ] as [([String], UInt64)])
    func ageField(lines: [String], expected: UInt64) throws {
        #expect(try age(["Date: \(date())"] + lines) == expected)
    }

    @Test(
        "Very large ages stay very large (RFC 9111 1.2.2)",
        arguments: [
            "2147483647", "2147483648", "2147483649", "4294967295", "4294967296", "18446744073709551615",
            "18446744073709551616", "99999999999999999999999999999",
        ])
    func large(digits: String) throws {
        let terms = try terms(["Age: \(digits)", "Date: \(date())"])
        #expect(terms.age(at: someTime + 10) >= 2_147_483_647)
        #expect(terms.age(at: someTime + 1 << 40) >= terms.age(at: someTime))
        #expect(terms.lifetime < terms.age(at: someTime))
    }

    @Test("A Date of the year 1 is very old, and no overflow")
    func veryOld() throws {
        #expect(try age(["Date: Mon, 01 Jan 0001 00:00:00 GMT"], later: 5) >= 1 << 31)
    }
}
