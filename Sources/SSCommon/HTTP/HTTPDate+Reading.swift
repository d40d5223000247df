// The three forms of a date that RFC 9110 5.6.7 allows, and no others: a cache that guesses at a date keeps things for too long.

extension HTTPDate {
    /// Seconds since 1970-01-01T00:00:00Z; nil for what is not one of the three forms. `now` settles the century of the
    /// two digits of RFC 850.
    package static func seconds(_ text: ArraySlice<UInt8>, now: Int64) -> Int64? {
        var reader = Reader(rest: text)
        guard let day = reader.letters(), dayNames.contains(where: { equalIgnoringCase(day, $0) }) else { return nil }
        if reader.take(UInt8(ascii: ",")) {
            guard reader.take(0x20) else { return nil }
            return day.count == 3 ? fixdate(&reader) : rfc850(&reader, now: now)
        }
        return day.count == 3 ? asctime(&reader) : nil
    }

    private static let dayNames: [StaticString] = [
        "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday",
        "Saturday", "Sunday",
    ]

    private static let monthNames: [StaticString] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// `06 Nov 1994 08:49:37 GMT`
    private static func fixdate(_ reader: inout Reader) -> Int64? {
        guard let day = reader.number(2), reader.take(0x20), let month = month(&reader), reader.take(0x20),
            let year = reader.number(4), reader.take(0x20), let time = time(&reader), reader.take(0x20),
            isEnd(&reader)
        else { return nil }
        return date(year, month, day, time)
    }

    /// `06-Nov-94 08:49:37 GMT`
    private static func rfc850(_ reader: inout Reader, now: Int64) -> Int64? {
        guard let day = reader.number(2), reader.take(UInt8(ascii: "-")), let month = month(&reader),
            reader.take(UInt8(ascii: "-")), let short = reader.number(2), reader.take(0x20), let time = time(&reader),
            reader.take(0x20), isEnd(&reader)
        else { return nil }
        // The latest such time that is no more than fifty years ahead.
        for century in stride(from: Int64(2100), through: 1900, by: -100) {
            guard let time = date(century + short, month, day, time) else { continue }
            if year(of: time) < year(of: now) + 50 { return time }
            if year(of: time) == year(of: now) + 50, time - yearStart(year(of: time)) <= now - yearStart(year(of: now))
            {
                return time
            }
        }
        return nil
    }

    /// Of the calendar.
    private static func year(of seconds: Int64) -> Int64 {
        var year = 1970 + seconds / 31_556_952
        while yearStart(year) > seconds { year -= 1 }
        while yearStart(year + 1) <= seconds { year += 1 }
        return year
    }

    private static func yearStart(_ year: Int64) -> Int64 { date(year, 1, 1, 0) ?? 0 }

    /// `Nov  6 08:49:37 1994`, behind the day's name.
    private static func asctime(_ reader: inout Reader) -> Int64? {
        guard reader.take(0x20), let month = month(&reader), reader.take(0x20) else { return nil }
        let day = reader.take(0x20) ? reader.number(1) : reader.number(2)
        guard let day, reader.take(0x20), let time = time(&reader), reader.take(0x20), let year = reader.number(4),
            reader.rest.isEmpty
        else { return nil }
        return date(year, month, day, time)
    }

    private static func isEnd(_ reader: inout Reader) -> Bool {
        guard let zone = reader.letters(), equalIgnoringCase(zone, "GMT") else { return false }
        return reader.rest.isEmpty
    }

    private static func month(_ reader: inout Reader) -> Int64? {
        guard let name = reader.letters() else { return nil }
        return monthNames.firstIndex { equalIgnoringCase(name, $0) }.map { Int64($0) + 1 }
    }

    /// Seconds of the day; a leap second counts as the one before it.
    private static func time(_ reader: inout Reader) -> Int64? {
        guard let hour = reader.number(2), reader.take(UInt8(ascii: ":")), let minute = reader.number(2),
            reader.take(UInt8(ascii: ":")), let second = reader.number(2), hour < 24, minute < 60, second <= 60
        else { return nil }
        return hour * 3600 + minute * 60 + min(second, 59)
    }

    private static func date(_ year: Int64, _ month: Int64, _ day: Int64, _ time: Int64) -> Int64? {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days: [Int64] = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard day >= 1, day <= days[Int(month - 1)] else { return nil }
        // Years begin on 1 March here, so that leap days come last.
        let shifted = month > 2 ? month - 3 : month + 9
        let marchYear = month > 2 ? year : year - 1
        guard marchYear >= 0 else { return nil }
        let era = marchYear / 400
        let yearOfEra = marchYear % 400
        let dayOfYear = (153 * shifted + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return (era * 146_097 + dayOfEra - 719_468) * 86_400 + time
    }

    private struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func take(_ byte: UInt8) -> Bool {
            guard rest.first == byte else { return false }
            rest.removeFirst()
            return true
        }

        mutating func letters() -> ArraySlice<UInt8>? {
            let word = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(word.count)
            return word.isEmpty ? nil : word
        }

        /// Exactly so many digits, and no further one.
        mutating func number(_ digits: Int) -> Int64? {
            let word = rest.prefix { $0.isDigit }
            guard word.count == digits else { return nil }
            rest = rest.dropFirst(digits)
            return word.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
        }
    }
}
