import SSCommon
import Testing

@Suite("Dates of HTTP that are read")
struct HTTPDateReadingTests {
    private static let days = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private func read(_ text: String, now: Int64 = 1_750_000_000) -> Int64? {
        read([UInt8](text.utf8), now: now)
    }

    /// In the midst of other bytes, as in a head.
    private func read(_ bytes: [UInt8], now: Int64 = 1_750_000_000) -> Int64? {
        HTTPDate.seconds(([0x31, 0x20] + bytes + [0x20, 0x31])[2..<(bytes.count + 2)], now: now)
    }

    private func padded(_ number: Int64, _ width: Int = 2, with character: Character = "0") -> String {
        let text = String(number)
        return String(repeating: character, count: max(0, width - text.count)) + text
    }

    private func isLeap(_ year: Int64) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    private func length(_ month: Int, _ year: Int64) -> Int64 {
        switch month {
        case 1: isLeap(year) ? 29 : 28
        case 3, 5, 8, 10: 30
        default: 31
        }
    }

    /// Seconds of midnight, by counting days.
    private func midnight(_ year: Int64, _ month: Int = 0, _ day: Int64 = 1) -> Int64 {
        var days: Int64 = 0
        for one in min(1970, year)..<max(1970, year) { days += isLeap(one) ? 366 : 365 }
        if year < 1970 { days = -days }
        for one in 0..<month { days += length(one, year) }
        return (days + day - 1) * 86_400
    }

    private func weekday(_ midnight: Int64) -> String {
        let day = midnight / 86_400 % 7
        return Self.days[Int(day < 0 ? day + 7 : day)]
    }

    private func rfc850(_ year: Int64, _ month: Int, _ day: Int64, _ time: String) -> String {
        "\(weekday(midnight(year, month, day))), \(padded(day))-\(Self.months[month])-\(padded(year % 100)) \(time) GMT"
    }

    @Test(
        "The three forms of RFC 9110 5.6.7 mean the same",
        arguments: [
            "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
        ])
    func forms(text: String) {
        #expect(read(text) == 784_111_777)
    }

    @Test(
        "Names of days, months and the zone are read in any case",
        arguments: [
            "sun, 06 nov 1994 08:49:37 gmt", "SUN, 06 NOV 1994 08:49:37 GMT", "sUn, 06 nOv 1994 08:49:37 gMt",
            "SUNDAY, 06-nov-94 08:49:37 gmt", "sunday, 06-NOV-94 08:49:37 Gmt", "SUN NOV  6 08:49:37 1994",
            "sun nov  6 08:49:37 1994",
        ])
    func anyCase(text: String) {
        #expect(read(text) == 784_111_777)
    }

    @Test(
        "Days of two digits, leap days and the ends of the calendar",
        arguments: [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Thu, 01 Jan 1970 23:59:59 GMT", 86_399),
            ("Wed, 31 Dec 1969 23:59:59 GMT", -1), ("Wed Nov 16 08:49:37 1994", 784_975_777),
            ("Tue, 29 Feb 2000 00:00:00 GMT", 951_782_400), ("Thu, 29 Feb 2024 12:00:00 GMT", 1_709_208_000),
            ("Tue, 19 Jan 2038 03:14:08 GMT", 2_147_483_648), ("Sun, 07 Feb 2106 06:28:16 GMT", 4_294_967_296),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799), ("Mon, 01 Jan 0001 00:00:00 GMT", -62_135_596_800),
        ] as [(String, Int64)])
    func values(text: String, seconds: Int64) {
        #expect(read(text) == seconds)
    }

    @Test("A leap second is not an hour away from what is round it")
    func leapSecond() throws {
        let seconds = try #require(read("Sat, 31 Dec 2016 23:59:60 GMT"))
        #expect((1_483_228_799...1_483_228_800).contains(seconds))
    }

    @Test(
        "Every day of a year is what counting the days says, in each form",
        arguments: [1900, 1904, 1969, 1970, 1972, 1999, 2000, 2024, 2025, 2038, 2099, 2100] as [Int64])
    func everyDay(year: Int64) {
        var seconds = midnight(year) + 45_296
        let summer = midnight(year, 6)
        for (month, name) in Self.months.enumerated() {
            for day in 1...length(month, year) {
                let long = weekday(seconds - 45_296)
                let rfc850 = "\(long), \(padded(day))-\(name)-\(padded(year % 100)) 12:34:56 GMT"
                #expect(read("\(long.prefix(3)), \(padded(day)) \(name) \(year) 12:34:56 GMT") == seconds)
                #expect(read(rfc850, now: summer) == seconds)
                #expect(read("\(long.prefix(3)) \(name) \(padded(day, with: " ")) 12:34:56 \(year)") == seconds)
                seconds += 86_400
            }
        }
        #expect(seconds == midnight(year + 1) + 45_296)
    }

    @Test(
        "What we write is read as what it was",
        arguments: [0, 59, 951_782_399, 1_750_000_000, 253_402_300_799] as [Int64])
    func roundTrip(seconds: Int64) {
        #expect(read(HTTPDate.text(seconds)) == seconds)
    }

    @Test(
        "What is none of the three forms is no date",
        arguments: [
            "", " ", "0", "-1", "never", "784111777", "1994-11-06T08:49:37Z", "Sun", "Sun,", "GMT",
            // Zones.
            "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 AEST", "Sun, 06 Nov 1994 08:49:37 +0000",
            "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 ", "Sun, 06 Nov 1994 08:49:37GMT",
            "Sunday, 06-Nov-94 08:49:37 UTC", "Sunday, 06-Nov-94 08:49:37", "Sun Nov  6 08:49:37 1994 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT+1",
            // What stands between.
            "Sun 06 Nov 1994 08:49:37 GMT", "Sun,06 Nov 1994 08:49:37 GMT", "Sun,  06 Nov 1994 08:49:37 GMT",
            "Sun, 06  Nov 1994 08:49:37 GMT", "Sun, 06 Nov  1994 08:49:37 GMT", "Sun, 06 Nov 1994  08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37  GMT", "Sun, 06-Nov-1994 08:49:37 GMT", "Sun, 06 Nov 1994 08.49.37 GMT",
            "Sun, 06 Nov 1994 08-49-37 GMT", "Sun, 06\tNov 1994 08:49:37 GMT", "Sunday, 06 Nov 94 08:49:37 GMT",
            "Sunday 06-Nov-94 08:49:37 GMT", "Sun, 06 Nov 1994 084937 GMT", "Sun,\u{a0}06 Nov 1994 08:49:37 GMT",
            // Digits.
            "Sun, 06 Nov 1994 8:49:37 GMT", "Sun, 06 Nov 1994 08:9:37 GMT", "Sun, 06 Nov 1994 08:49:7 GMT",
            "Sun, 06 Nov 1994 08:49 GMT", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun, 06 Nov 994 08:49:37 GMT", "Sun, 06 Nov 19940 08:49:37 GMT", "Sun, 006 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 008:49:37 GMT", "Sun, 06 Nov -994 08:49:37 GMT", "Sun, +6 Nov 1994 08:49:37 GMT",
            "Sun, 06 11 1994 08:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT", "Sunday, 6-Nov-94 08:49:37 GMT",
            "Sun Nov 6 08:49:37 1994", "Sun Nov  06 08:49:37 1994", "Sun Nov   6 08:49:37 1994",
            "Sun Nov  6 08:49:37 94", "Sun Nov  6 08:49:37 19940", "Sun Nov  6 1994 08:49:37",
            "Sun, 06 Nov 99999999999999999999999 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37.5 GMT",
            // Names.
            "Son, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nox 1994 08:49:37 GMT", "Sun, 06 November 1994 08:49:37 GMT",
            "Sunday, 06 Nov 1994 08:49:37 GMT", "Sun, 06-Nov-94 08:49:37 GMT", "Sunday Nov  6 08:49:37 1994",
            ", 06 Nov 1994 08:49:37 GMT", "06 Nov 1994 08:49:37 GMT",
            // Numbers that no clock or calendar has.
            "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
            "Sun, 06 Nov 1994 99:99:99 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Tue, 32 Nov 1994 08:49:37 GMT",
            "Sun Nov  0 08:49:37 1994", "Sun, 99 Nov 1994 08:49:37 GMT",
            // Quotes, lists, more.
            "\"Sun, 06 Nov 1994 08:49:37 GMT\"", "'Sun, 06 Nov 1994 08:49:37 GMT'", " Sun, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT;",
            "Sun, 06 Nov 1994 08:49:37 GMT\u{0}", "\u{0}", "Sun,\u{0}06 Nov 1994 08:49:37 GMT",
        ])
    func malformed(text: String) {
        #expect(read(text) == nil)
    }

    /// RFC 9110 5.6.7 leaves what the parts mean to RFC 5322 3.3: no more days than the month has.
    @Test(
        "A day that its month does not have is no date",
        arguments: [
            "Wed, 30 Feb 1994 08:49:37 GMT", "Tue, 29 Feb 2023 08:49:37 GMT", "Thu, 29 Feb 1900 08:49:37 GMT",
            "Sun, 31 Apr 1994 08:49:37 GMT", "Thu, 31 Nov 1994 08:49:37 GMT", "Thursday, 31-Nov-94 08:49:37 GMT",
            "Thu Nov 31 08:49:37 1994",
        ])
    func noSuchDay(text: String) {
        #expect(read(text) == nil)
    }

    @Test(
        "No date that breaks off is one, and none with a byte too many",
        arguments: ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"])
    func truncated(text: String) {
        let bytes = [UInt8](text.utf8)
        for end in bytes.indices { #expect(read(Array(bytes[..<end])) == nil) }
        for offset in 0...bytes.count {
            for byte in [0x00, 0x20, 0x30, 0x41, 0x2c, 0xff] as [UInt8] {
                var longer = bytes
                longer.insert(byte, at: offset)
                #expect(read(longer) == nil, "\(String(decoding: longer, as: UTF8.self))")
            }
        }
    }

    @Test("Two digits of a year mean the latest one that is not more than fifty years ahead")
    func twoDigitYears() {
        // Midday of 1 June 2025.
        let now = midnight(2025, 5) + 43_200
        for year in (1976...2074) as ClosedRange<Int64> {
            #expect(read(rfc850(year, 5, 1, "12:00:00"), now: now) == midnight(year, 5) + 43_200, "\(year)")
        }
        #expect(read(rfc850(2075, 0, 1, "00:00:00"), now: now) == midnight(2075))
    }

    /// RFC 9110 5.6.7 says so of the timestamp, not of its year.
    @Test("Fifty years and a day ahead is a century back")
    func fiftyYearsAndADay() {
        let now = midnight(2025, 5) + 43_200
        #expect(read(rfc850(1975, 5, 2, "12:00:01"), now: now) == midnight(1975, 5, 2) + 43_201)
        #expect(read(rfc850(1975, 11, 31, "00:00:00"), now: now) == midnight(1975, 11, 31))
        // The last minute of a year.
        #expect(read(rfc850(1975, 0, 2, "00:00:00"), now: midnight(2025) - 60) == midnight(1975, 0, 2))
    }

    @Test("At the turn of a century, the year before is not the one a hundred years later")
    func turnOfTheCentury() {
        #expect(read(rfc850(1999, 11, 31, "23:59:59"), now: midnight(2000)) == midnight(2000) - 1)
        #expect(read(rfc850(2050, 0, 1, "00:00:00"), now: midnight(2000)) == midnight(2050))
        #expect(read(rfc850(2000, 0, 1, "00:00:00"), now: midnight(2000)) == midnight(2000))
        #expect(read(rfc850(2100, 0, 1, "00:00:00"), now: midnight(2100) + 60) == midnight(2100))
        #expect(read(rfc850(1951, 0, 1, "00:00:00"), now: midnight(2000)) == midnight(1951))
    }
}
