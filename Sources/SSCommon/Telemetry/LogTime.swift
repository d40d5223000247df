// The instant of a log line as wall-clock seconds and the zone's offset. Both come from outside, so a line's
// bytes depend on nothing but arguments. The calendar is the proleptic Gregorian one (ISO 8601).

/// An instant, to the second, in some zone.
package struct LogTime: Hashable, Sendable {
    /// Seconds since 1970-01-01T00:00:00Z.
    package var seconds: Int64
    /// Seconds east of Greenwich, within a day either way.
    package var offset: Int32

    package init(seconds: Int64, offset: Int32 = 0) {
        self.seconds = seconds
        self.offset = offset
    }

    /// Appends `2026-11-21 02:50:01` with the given byte between date and time.
    func appendDateAndTime(separator: UInt8, to line: inout [UInt8]) {
        let (local, overflow) = seconds.addingReportingOverflow(Int64(offset))
        let (date, time) = Self.split(overflow ? 0 : local)
        line.appendDecimal(date.year, width: 4)
        line.append(UInt8(ascii: "-"))
        line.appendDecimal(date.month, width: 2)
        line.append(UInt8(ascii: "-"))
        line.appendDecimal(date.day, width: 2)
        line.append(separator)
        line.appendDecimal(UInt64(time / 3600), width: 2)
        line.append(UInt8(ascii: ":"))
        line.appendDecimal(UInt64(time / 60 % 60), width: 2)
        line.append(UInt8(ascii: ":"))
        line.appendDecimal(UInt64(time % 60), width: 2)
    }

    /// `2026-11-21 02:50`.
    package var minuteText: String {
        var text: [UInt8] = []
        appendDateAndTime(separator: UInt8(ascii: " "), to: &text)
        return String(decoding: text.dropLast(3), as: UTF8.self)
    }

    /// The RFC 3339 form.
    package var text: String {
        var text: [UInt8] = []
        appendRFC3339(to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// Appends the RFC 3339 form, `2026-11-21T02:50:01+01:00`, with `Z` for no offset.
    func appendRFC3339(to line: inout [UInt8]) {
        appendDateAndTime(separator: UInt8(ascii: "T"), to: &line)
        if offset == 0 {
            line.append(UInt8(ascii: "Z"))
            return
        }
        line.append(offset < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
        let minutes = UInt64(offset.magnitude / 60)
        line.appendDecimal(minutes / 60, width: 2)
        line.append(UInt8(ascii: ":"))
        line.appendDecimal(minutes % 60, width: 2)
    }

    /// The date and the second of the day. The date arithmetic counts years from 1 March, which puts the leap
    /// day last (H. Hinnant, "chrono-compatible low-level date algorithms"); years beyond 0...9999 are pinned,
    /// because RFC 3339 has no room for them.
    private static func split(_ local: Int64) -> (date: (year: UInt64, month: UInt64, day: UInt64), time: Int64) {
        let pinned = min(max(local, -62_167_219_200), 253_402_300_799)
        let time = ((pinned % 86400) + 86400) % 86400
        let days = (pinned - time) / 86400 + 719_468
        let era = (days >= 0 ? days : days - 146_096) / 146_097
        let dayOfEra = days - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shifted + 2) / 5 + 1
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return ((UInt64(year), UInt64(month), UInt64(day)), time)
    }
}
