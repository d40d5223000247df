// What the first bytes of an answer say, as far as an examination wants to know: who answers, and what time it is there.

package struct ProbedAnswer: Hashable, Sendable {
    private let bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// `HTTP 200`, `TLS`, `SSH`: what the bytes look like. Nil for anything else.
    package var kind: String? {
        if let status = httpStatus { return "HTTP \(status)" }
        if bytes.starts(with: [0x16, 3]) || bytes.starts(with: [0x15, 3]) { return "TLS" }
        if bytes.starts(with: "SSH-".utf8) { return "SSH" }
        return nil
    }

    /// RFC 9112 4: of a status line.
    package var httpStatus: Int? {
        guard bytes.starts(with: "HTTP/1.".utf8), bytes.count >= 12, bytes[8] == UInt8(ascii: " ") else { return nil }
        let digits = bytes[9..<12]
        guard digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return Int(String(decoding: digits, as: UTF8.self))
    }

    /// Whether an HTTP answer is a proxy's own, and says that there is no other (RFC 9209).
    package var isProxyRefusal: Bool {
        guard let status = httpStatus, status >= 400 else { return false }
        return lines.contains { $0.hasPrefix("proxy-status:") && $0.contains("error=") }
    }

    /// Of the head, in small letters and not longer than one needs.
    private var lines: [String] {
        bytes.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0.prefix(200), as: UTF8.self).lowercased() }
    }

    /// When an HTTP answer says it was made (RFC 9110 6.6.1, IMF-fixdate), in seconds since 1970. Nil if it was kept by a cache
    /// on the way, for then it says nothing about now.
    package var date: Int64? {
        guard httpStatus != nil else { return nil }
        var date: Int64?
        for text in lines {
            if text.hasPrefix("age:") { return nil }
            if text.hasPrefix("date:") { date = Self.seconds(text.dropFirst(5).filter { $0 != "\r" }) }
        }
        return date
    }

    private static let months = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]

    /// ` sun, 06 nov 1994 08:49:37 gmt`.
    private static func seconds(_ text: String) -> Int64? {
        let words = text.split(separator: " ")
        guard words.count == 6, words[5] == "gmt", let day = Int64(words[1]), (1...31).contains(day),
            let month = months.firstIndex(of: String(words[2])), let year = Int64(words[3]),
            (1970...9999).contains(year)
        else { return nil }
        let clock = words[4].split(separator: ":").compactMap { Int64($0) }
        guard clock.count == 3, (0...23).contains(clock[0]), (0...59).contains(clock[1]), (0...60).contains(clock[2])
        else { return nil }
        return days(year, Int64(month) + 1, day) * 86_400 + clock[0] * 3600 + clock[1] * 60 + clock[2]
    }

    /// Of the proleptic Gregorian calendar since 1970-01-01, by years that begin in March so that leap days come last.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let year = month > 2 ? year : year - 1
        let era = year / 400
        let yearOfEra = year % 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
