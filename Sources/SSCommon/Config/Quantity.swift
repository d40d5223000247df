// Times and sizes as people write them: `500ms`, `10s`, `5m`, `12h`, `7d` or a number of seconds; `64KiB`,
// `2MiB`, `1GiB` or a number of bytes. Whole numbers only; nothing wraps round.

package enum Quantity {
    /// A hundred years: longer than any wait, and far from overflow.
    private static let longest = Duration.seconds(100 * 365 * 86_400)

    /// Nil for anything that is not a time of at most a hundred years.
    package static func time(_ text: some StringProtocol) -> Duration? {
        guard let (number, unit) = split(text), number <= UInt64(Int64.max / 86_400) else { return nil }
        let count = Int64(number)
        let time: Duration
        switch unit {
        case "", "s", "sec": time = .seconds(count)
        case "ms": time = .milliseconds(count)
        case "m", "min": time = .seconds(count * 60)
        case "h": time = .seconds(count * 3_600)
        case "d": time = .seconds(count * 86_400)
        default: return nil
        }
        return time <= longest ? time : nil
    }

    /// Nil for anything that is not a size below 8 EiB. `KB` is 1000 bytes, `KiB` (and `K`) 1024.
    package static func size(_ text: some StringProtocol) -> UInt64? {
        guard let (number, unit) = split(text) else { return nil }
        let factor: UInt64
        switch unit.lowercased() {
        case "", "b": factor = 1
        case "k", "kib": factor = 1 << 10
        case "m", "mib": factor = 1 << 20
        case "g", "gib": factor = 1 << 30
        case "t", "tib": factor = 1 << 40
        case "kb": factor = 1_000
        case "mb": factor = 1_000_000
        case "gb": factor = 1_000_000_000
        case "tb": factor = 1_000_000_000_000
        default: return nil
        }
        let (size, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow || size > UInt64(Int64.max) ? nil : size
    }

    private static func split(_ text: some StringProtocol) -> (number: UInt64, unit: String)? {
        let digits = text.utf8.prefix(while: JSONParser.isDigit)
        guard !digits.isEmpty, let number = UInt64(String(decoding: digits, as: UTF8.self)) else { return nil }
        let unit = String(decoding: text.utf8.dropFirst(digits.count), as: UTF8.self)
        return (number, String(unit.drop { $0 == " " }))
    }
}
