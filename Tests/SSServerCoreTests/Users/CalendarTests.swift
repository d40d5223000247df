// Months and days against the C library's calendar, which somebody else wrote.
import SSCommon
import SSServerCore
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

struct CalendarTests {
    /// The first second of a day, by timegm(3).
    private static func start(_ year: Int, _ month: Int, _ day: Int = 1) -> UnixSeconds {
        var time = tm()
        time.tm_year = CInt(year - 1900)
        time.tm_mon = CInt(month - 1)
        time.tm_mday = CInt(day)
        return UnixSeconds(timegm(&time))
    }

    private static func two(_ number: Int) -> String { (number < 10 ? "0" : "") + "\(number)" }

    @Test("Every month from 1970 to 2200 begins with its first second and ends with its last")
    func months() {
        var before: CalendarMonth?
        for year in 1970...2200 {
            for month in 1...12 {
                let start = Self.start(year, month)
                let here = CalendarMonth(at: start)
                #expect("\(here)" == "\(year)-\(Self.two(month))")
                #expect(here.number == year * 12 + month - 1)
                #expect(CalendarMonth(at: start + 1) == here)
                if let before {
                    #expect(CalendarMonth(at: start - 1) == before)
                    #expect(before < here)
                    #expect(before.number + 1 == here.number)
                }
                before = here
            }
        }
        #expect("\(CalendarMonth(at: 0))" == "1970-01")
    }

    @Test("Every day from 1970 to 2200 is read as the C library counts it")
    func days() throws {
        var second: UnixSeconds = 0
        while second < Self.start(2201, 1) {
            var (time, seconds) = (tm(), time_t(second))
            gmtime_r(&seconds, &time)
            let text = "\(1900 + time.tm_year)-\(Self.two(Int(time.tm_mon) + 1))-\(Self.two(Int(time.tm_mday)))"
            let day = try #require(CalendarDay(text), "\(text)")
            #expect(day.start == second)
            #expect(day.description == text)
            #expect(text.hasPrefix("\(CalendarMonth(at: second))"))
            #expect(CalendarMonth(at: second + 86_399) == CalendarMonth(at: second))
            second += 86_400
        }
    }

    @Test("The leap days of a hundred years and of four hundred")
    func leap() {
        for (year, isLeap) in [
            (1972, true), (1999, false), (2000, true), (2100, false), (2200, false), (2400, true), (9996, true),
        ] {
            #expect((CalendarDay("\(year)-02-29") != nil) == isLeap)
            #expect(CalendarDay("\(year)-03-01")?.start == Self.start(year, 3))
        }
        #expect(CalendarDay("9999-12-31")?.start == Self.start(9999, 12, 31))
    }

    @Test(
        "A day before the clock's first is over, whenever that was",
        arguments: ["1969-12-31", "0000-01-01", "1600-02-29"])
    func ancient(text: String) {
        #expect(CalendarDay(text)?.start == 0)
    }

    @Test(
        "What is no day is refused",
        arguments: [
            "", "2027", "2027-01", "2027-1-1", "2027-01-32", "2027-00-10", "2027-13-01", "2027-02-29", "2027-04-31",
            "2027-01-00", "2027-01-01 ", " 2027-01-01", "2027/01/01", "01-01-2027", "2027-01-01T00:00:00Z", "20270101",
            "2027-+1-01", "2027-01-+1", "+2027-1-01", "+202-01-01", "-202-01-01", "2027--1-01", "12027-01-1",
            "2027-001-1", "202-001-01", "٢٠٢٧-٠١-٠١", "2027-01-0a", "2027-0x-01", "2027-01-01-",
        ])
    func refused(text: String) {
        #expect(CalendarDay(text) == nil)
    }

    @Test("No time of a clock traps")
    func extremes() {
        for time: UnixSeconds in [0, 1, .max / 2, 1 << 53, UnixSeconds(Int64.max), .max] {
            #expect(CalendarMonth(at: time).number >= 1970 * 12)
        }
    }
}
