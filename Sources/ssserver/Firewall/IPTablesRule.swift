// A ban as a rule of iptables, written and read back from `-S`.
#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif
internal import SSServerCore

struct IPTablesRule {
    var prefix: BanPrefix
    /// Seconds since 1970.
    var end: Int

    init(prefix: BanPrefix, end: Int) {
        (self.prefix, self.end) = (prefix, end)
    }

    /// Nil if it is none of ours. `-s 203.0.113.9/32 -m time --datestop 2026-01-31T23:59:59 -m comment --comment autoban -j DROP`,
    /// or without the time and with it in the comment: `--comment "autoban until 1769903999"`.
    init?(_ text: String) {
        var words = text.split { $0 == " " || $0 == "\"" }[...]
        guard words.popFirst() == "-s", let source = words.popFirst(), let prefix = try? BanPrefix(source),
            words.suffix(2) == ["-j", "DROP"]
        else { return nil }
        words.removeLast(2)
        self.prefix = prefix
        if words.count == 6, words.starts(with: ["-m", "comment", "--comment", "autoban", "until"]),
            let end = words.last.flatMap({ Int($0) })
        {
            self.end = end
        } else if words.count == 8, words.starts(with: ["-m", "time", "--datestop"]),
            words.suffix(3) == ["comment", "--comment", "autoban"],
            let end = IPTablesClock.read(words[words.startIndex + 3])
        {
            self.end = end
        } else {
            return nil
        }
    }

    /// - Parameter byItself: whether the kernel looks at the time.
    func text(byItself: Bool, _ clock: inout IPTablesClock) -> String {
        let source = prefix.isIPv6 || prefix.length < 32 ? "\(prefix)" : "\(prefix)/32"
        return byItself
            ? "-s \(source) -m time --datestop \(clock.text(end)) -m comment --comment autoban -j DROP"
            : "-s \(source) -m comment --comment \"autoban until \(end)\" -j DROP"
    }
}

/// Points in time as iptables has them, in UTC; what was written last is kept, for many bans end at the same time.
struct IPTablesClock {
    /// The latest that it knows; a second later means never.
    private static let last = Int(Int32.max) - 1
    private var written: (end: Int, text: String)?

    mutating func text(_ end: Int) -> String {
        if let written, written.end == end { return written.text }
        var seconds = time_t(min(max(end, 1), Self.last))
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let two = { (number: CInt) in number < 10 ? "0\(number)" : "\(number)" }
        let text =
            "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
            + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
        written = (end, text)
        return text
    }

    static func read(_ text: Substring) -> Int? {
        let numbers = text.split { "-T:".contains($0) }.map { CInt($0) }
        guard numbers.count == 6, let year = numbers[0], let month = numbers[1], let day = numbers[2],
            let hour = numbers[3], let minute = numbers[4], let second = numbers[5]
        else { return nil }
        var parts = tm()
        (parts.tm_year, parts.tm_mon, parts.tm_mday) = (year - 1900, month - 1, day)
        (parts.tm_hour, parts.tm_min, parts.tm_sec) = (hour, minute, second)
        return timegm(&parts)
    }
}
