// The time that a line begins with, in whichever of the spellings that Shadowsocks programs and the system's log use. For replays
// only: what is followed as it grows counts by when it came.
internal import SSCommon

/// An instant as a log has it.
package struct LogStamp: Hashable, Sendable {
    /// Seconds since 1970 if it says its zone; else what they would be if the zone were UTC.
    package var seconds: Int64
    /// Seconds east of Greenwich; nil if it does not say.
    package var offset: Int32?

    package init(seconds: Int64, offset: Int32? = nil) {
        self.seconds = seconds
        self.offset = offset
    }
}

extension LogStamp: CustomStringConvertible {
    /// `2026-11-21T02:50:02`, with the zone if it said one.
    package var description: String {
        let text = LogTime(seconds: seconds, offset: offset ?? 0).text
        return offset == nil ? String(text.dropLast()) : text
    }
}

/// Of times that do not say their year: the last one in which they were not later than now, a day more or less.
package struct LogYear: Sendable, ExpressibleByIntegerLiteral {
    let year: Int64
    /// Seconds since 1970, as if the zone were UTC.
    let latest: Int64

    /// That year, and no other.
    package init(integerLiteral year: Int64) {
        self.year = year
        latest = .max
    }

    /// At that time, in seconds since 1970 as if this machine's zone were UTC.
    package init(now: Int64) {
        let latest = now + 86_400
        // The mean year of the calendar; its ends are a day or two off.
        let guess = 1970 + latest / 31_556_952
        func hasBegun(_ year: Int64) -> Bool { LogStampReader.days(year, 1, 1) * 86_400 <= latest }
        year = hasBegun(guess + 1) ? guess + 1 : hasBegun(guess) ? guess : guess - 1
        self.latest = latest
    }
}

/// Reads times, and remembers the last day, which most lines have in common.
struct LogStampReader {
    /// Its digits and hyphens: eight bytes and two.
    private var day: (head: UInt64, tail: UInt16) = (0, 0)
    private var daySeconds: Int64 = 0
    private let year: LogYear

    init(year: LogYear) { self.year = year }

    private static let months: [StaticString] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// The time at `start` and where it ends; nil if there is none.
    mutating func read(_ line: RawSpan, at start: Int) -> (stamp: LogStamp, end: Int)? {
        guard line.byteCount > start else { return nil }
        return line.octet(start).isDigit ? readDate(line, start) : readSyslog(line, start)
    }

    /// `2026-11-21 02:50:02`, with `T`, a fraction and a zone if they are there.
    private mutating func readDate(_ line: RawSpan, _ start: Int) -> (stamp: LogStamp, end: Int)? {
        guard line.byteCount >= start + 19 else { return nil }
        let day = (line.bigEndian64(start), line.bigEndian16(start + 8))
        if day != self.day {
            guard let year = line.decimal(start, 4), line.octet(start + 4) == UInt8(ascii: "-"),
                let month = line.decimal(start + 5, 2), line.octet(start + 7) == UInt8(ascii: "-"),
                let date = line.decimal(start + 8, 2), (1...12).contains(month), (1...31).contains(date)
            else { return nil }
            daySeconds = Self.days(year, month, date) * 86400
            self.day = day
        }
        let separator = line.octet(start + 10)
        guard separator == 0x20 || separator == UInt8(ascii: "T"), let time = Self.clock(line, start + 11) else {
            return nil
        }
        var end = start + 19
        if end < line.byteCount, line.octet(end) == UInt8(ascii: ".") || line.octet(end) == UInt8(ascii: ",") {
            end += 1
            while end < line.byteCount, line.octet(end).isDigit { end += 1 }
        }
        guard let (offset, after) = Self.zone(line, end) else { return (LogStamp(seconds: daySeconds + time), end) }
        return (LogStamp(seconds: daySeconds + time - Int64(offset), offset: offset), after)
    }

    /// `Nov 21 02:50:02` (RFC 3164).
    private func readSyslog(_ line: RawSpan, _ start: Int) -> (stamp: LogStamp, end: Int)? {
        guard line.byteCount >= start + 15, let month = Self.months.firstIndex(where: { line.has($0, at: start) }),
            line.octet(start + 3) == 0x20
        else { return nil }
        let isPadded = line.octet(start + 4) == 0x20
        guard let date = isPadded ? line.decimal(start + 5, 1) : line.decimal(start + 4, 2), (1...31).contains(date),
            line.octet(start + 6) == 0x20, let time = Self.clock(line, start + 7)
        else { return nil }
        var seconds = Self.days(year.year, Int64(month) + 1, date) * 86400 + time
        if seconds > year.latest { seconds = Self.days(year.year - 1, Int64(month) + 1, date) * 86400 + time }
        return (LogStamp(seconds: seconds), start + 15)
    }

    /// `02:50:02`.
    private static func clock(_ line: RawSpan, _ start: Int) -> Int64? {
        guard let hour = line.decimal(start, 2), line.octet(start + 2) == UInt8(ascii: ":"),
            let minute = line.decimal(start + 3, 2), line.octet(start + 5) == UInt8(ascii: ":"),
            let second = line.decimal(start + 6, 2), hour < 24, minute < 60, second < 61
        else { return nil }
        return hour * 3600 + minute * 60 + second
    }

    /// `Z` or `+01:00`.
    private static func zone(_ line: RawSpan, _ start: Int) -> (offset: Int32, end: Int)? {
        guard start < line.byteCount else { return nil }
        let first = line.octet(start)
        if first == UInt8(ascii: "Z") { return (0, start + 1) }
        guard first == UInt8(ascii: "+") || first == UInt8(ascii: "-"), line.byteCount >= start + 6,
            let hours = line.decimal(start + 1, 2), line.octet(start + 3) == UInt8(ascii: ":"),
            let minutes = line.decimal(start + 4, 2), hours < 24, minutes < 60
        else { return nil }
        let offset = Int32(hours * 3600 + minutes * 60)
        return (first == UInt8(ascii: "-") ? -offset : offset, start + 6)
    }

    /// Days since 1970-01-01 in the proleptic Gregorian calendar (H. Hinnant, "chrono-compatible low-level date algorithms").
    fileprivate static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

extension RawSpan {
    /// Exactly `count` decimal digits at `start`, which must be within.
    @inline(__always)
    func decimal(_ start: Int, _ count: Int) -> Int64? {
        var value: Int64 = 0
        for offset in start..<start + count {
            let byte = octet(offset)
            guard byte.isDigit else { return nil }
            value = value * 10 + Int64(byte - UInt8(ascii: "0"))
        }
        return value
    }

    /// Whether `text` stands at `offset`.
    @inline(__always)
    func has(_ text: StaticString, at offset: Int) -> Bool {
        let count = text.utf8CodeUnitCount
        guard offset >= 0, offset + count <= byteCount else { return false }
        // The pointer is used within the closure only; the bounds are checked above and by the loads.
        return text.withUTF8Buffer { words in
            let words = UnsafeRawBufferPointer(words)
            var index = 0
            while index + 8 <= count {
                let own = unsafeLoadUnaligned(fromByteOffset: offset + index, as: UInt64.self)
                if own != words.loadUnaligned(fromByteOffset: index, as: UInt64.self) { return false }
                index += 8
            }
            while index < count {
                if words[index] != octet(offset + index) { return false }
                index += 1
            }
            return true
        }
    }

    /// Whether it ends in `text`.
    func hasSuffix(_ text: StaticString) -> Bool { has(text, at: byteCount - text.utf8CodeUnitCount) }
}
