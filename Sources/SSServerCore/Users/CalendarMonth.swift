// Quotas are for a calendar month, users expire at the beginning of a day; both by UTC, so that a server does the same
// whatever zone it is set to. The calendar is the proleptic Gregorian one (ISO 8601).
package import SSCommon

/// A month, counted from January of year 0.
package struct CalendarMonth: Hashable, Comparable, Sendable {
    package let number: Int

    package init(number: Int) {
        self.number = number
    }

    package init(at time: UnixSeconds) {
        // H. Hinnant, "chrono-compatible low-level date algorithms": years from 1 March, which puts the leap day last.
        let days = Int(time / 86_400) + 719_468
        let era = days / 146_097
        let dayOfEra = days % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 2 : shifted - 10
        number = (yearOfEra + era * 400 + (month <= 1 ? 1 : 0)) * 12 + month
    }

    package static func < (a: CalendarMonth, b: CalendarMonth) -> Bool { a.number < b.number }
}

extension CalendarMonth: CustomStringConvertible {
    /// `2026-11`.
    package var description: String {
        let month = number % 12 + 1
        return "\(number / 12)-\(month < 10 ? "0" : "")\(month)"
    }
}

/// A day such as `2027-01-31`.
package struct CalendarDay: Hashable, Sendable, CustomStringConvertible {
    package let description: String
    /// Its first second; of a day before 1970, the clock's first.
    package let start: UnixSeconds

    /// Nil for anything but a day of the years 0 to 9999, written as `year-month-day` with two digits for a month and a
    /// day and four for a year, as the configuration takes it.
    package init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.utf8.count) == [4, 2, 2], parts.allSatisfy({ $0.utf8.allSatisfy(Self.isDigit) }),
            let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]),
            (1...12).contains(month), day >= 1, day <= Self.length(of: month, year)
        else { return nil }
        description = text
        guard year >= 1970 else {
            start = 0
            return
        }
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = shiftedYear / 400
        let yearOfEra = shiftedYear % 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        start = UnixSeconds(era * 146_097 + dayOfEra - 719_468) * 86_400
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func length(of month: Int, _ year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}
