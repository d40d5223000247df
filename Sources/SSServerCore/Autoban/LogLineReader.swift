// What a log line says of a source: that it did not authenticate, that it did, or nothing. Reads what `ssserver` writes in its three
// formats, and the words of python-shadowsocks, shadowsocks-libev and shadowsocks-rust.
//
// A host name can hold any words, those of these lines too. So nothing is searched for: a line has to be one of these from its first
// byte to its last, the address stands where only the program itself can have put it, and what comes before the message is
// a time, a level and names of programs and nothing else.
internal import SSCommon

package struct LogLineReader {
    package enum Event: Hashable, Sendable {
        /// It did not authenticate.
        case bad(BanSource)
        /// It did.
        case good(BanSource)
    }

    /// Bytes of a line; longer ones say nothing.
    package static let maximumLine = 8 * 1024

    private var stamps: LogStampReader
    /// Names, besides those that are known.
    private let programs: [[UInt8]]
    /// Of the last event, where it was read for it already.
    private var found: LogStamp?

    /// `year` is for times that do not say theirs. The system's log is read for lines of `programs` besides the usual ones.
    package init(year: LogYear, programs: [String] = []) {
        self.programs = programs.map { Array($0.utf8) }
        stamps = LogStampReader(year: year)
    }

    /// The time that a line begins with; `line` is the one that `event` had last.
    package mutating func stamp(_ line: RawSpan) -> LogStamp? {
        if let found { return found }
        var start = 0
        if line.has("{\"time\":\"", at: 0) { start = 9 } else if line.has("time=", at: 0) { start = 5 }
        while start < min(line.byteCount, 4), line.octet(start) == 0x20 || line.octet(start) == UInt8(ascii: "[") {
            start += 1
        }
        return stamps.read(line, at: start)?.stamp
    }

    /// Nil for a line about nobody. `line` is without its end.
    package mutating func event(_ line: RawSpan) -> Event? {
        found = nil
        var count = line.byteCount
        if count > 0, line.octet(count - 1) == UInt8(ascii: "\r") { count -= 1 }
        guard count > 0, count <= Self.maximumLine else { return nil }
        // The journal's level, where somebody else has written it down.
        let hasPriority =
            count > 3 && line.octet(0) == UInt8(ascii: "<") && line.octet(1).isDigit
            && line.octet(2) == UInt8(ascii: ">")
        let line = line.extracting((hasPriority ? 3 : 0)..<count)
        let last = line.octet(line.byteCount - 1)
        if last.isDigit, let event = words(line) { return event }
        if last == UInt8(ascii: "}") { return json(line) }
        if last.isLetter, let event = logfmt(line) { return event }
        return handshake(line)
    }

    // MARK: ... from ADDRESS:PORT

    private mutating func words(_ line: RawSpan) -> Event? {
        var start = line.byteCount
        while start > 0, line.octet(start - 1) != 0x20 {
            start -= 1
            if line.byteCount - start > PeerText.maximum { return nil }
        }
        guard line.has(" from ", at: start - 6), let source = PeerText.withPort(line.extracting(start..<line.byteCount))
        else { return nil }
        let head = line.extracting(0..<start - 6)
        let bad: StaticString = "can not parse header when handling connection"
        if head.hasSuffix(bad) {
            let end = head.byteCount - bad.utf8CodeUnitCount
            // Most lines are our own.
            let isOwn = end == 29 && line.has(" ERROR    ", at: 19) && isStamped(line)
            return isOwn || isFrame(head.extracting(0..<end), ["ERROR"]) ? .bad(source) : nil
        }
        if line.has(" INFO     connecting ", at: 19), isStamped(line) { return .good(source) }
        guard let message = head.firstOffset(ofWord: "connecting ") else { return nil }
        return isFrame(head.extracting(0..<message), ["INFO", "DEBUG"]) ? .good(source) : nil
    }

    /// Whether it begins with a time as we write it.
    private mutating func isStamped(_ line: RawSpan) -> Bool {
        guard let (stamp, end) = stamps.read(line, at: 0), end == 19 else { return false }
        found = stamp
        return true
    }

    // MARK: Fields

    private mutating func logfmt(_ line: RawSpan) -> Event? {
        guard let start = line.firstOffset(ofWord: "level="),
            line.has("time=", at: 0) ? start <= 31 : isFrame(line.extracting(0..<start), [])
        else { return nil }
        let head = line.extracting(start..<line.byteCount)
        if head.has("level=error msg=unauthenticated peer=", at: 0) {
            let rest = head.extracting(37..<head.byteCount)
            guard let peer = Self.peer(rest, end: 0x20),
                isStatus(rest, " status=ERR_CIPHER", " status=ERR_REPLAY", peer)
            else { return nil }
            return PeerText.withPort(rest.extracting(0..<peer)).map { .bad($0) }
        }
        guard head.has("level=info msg=connecting target=", at: 0), head.hasSuffix(" status=OK") else { return nil }
        // A target with a space in it stands in quotes, with a backslash before those of its own.
        return Self.last(head, " peer=", before: head.byteCount - 10).map { .good($0) }
    }

    private mutating func json(_ line: RawSpan) -> Event? {
        guard let open = line.firstOffset(of: UInt8(ascii: "{"), in: 0..<line.byteCount),
            isFrame(line.extracting(0..<open), [])
        else { return nil }
        let line = line.extracting(open..<line.byteCount)
        var start = 1
        if line.has("\"time\":\"", at: 1) {
            start = 9
            while start < min(line.byteCount, 48), line.octet(start) != UInt8(ascii: "\"") { start += 1 }
            guard line.has("\",", at: start) else { return nil }
            start += 2
        }
        let head = line.extracting(start..<line.byteCount)
        let bad: StaticString = #""level":"error","msg":"unauthenticated","peer":""#
        if head.has(bad, at: 0) {
            let rest = head.extracting(bad.utf8CodeUnitCount..<head.byteCount)
            guard let peer = Self.peer(rest, end: UInt8(ascii: "\"")),
                isStatus(rest, #"","status":"ERR_CIPHER"}"#, #"","status":"ERR_REPLAY"}"#, peer)
            else { return nil }
            return PeerText.withPort(rest.extracting(0..<peer)).map { .bad($0) }
        }
        let end: StaticString = #"","status":"OK"}"#
        guard head.has(#""level":"info","msg":"connecting","target":""#, at: 0), head.hasSuffix(end) else { return nil }
        return Self.last(head, #"","peer":""#, before: head.byteCount - end.utf8CodeUnitCount).map { .good($0) }
    }

    /// Where a peer ends that `text` begins with.
    private static func peer(_ text: RawSpan, end: UInt8) -> Int? {
        text.firstOffset(of: end, in: 0..<min(text.byteCount, PeerText.maximum + 1))
    }

    private func isStatus(_ text: RawSpan, _ one: StaticString, _ other: StaticString, _ offset: Int) -> Bool {
        let left = text.byteCount - offset
        return left == one.utf8CodeUnitCount && text.has(one, at: offset)
            || left == other.utf8CodeUnitCount && text.has(other, at: offset)
    }

    /// The peer that ends at `end`, after `name`.
    private static func last(_ text: RawSpan, _ name: StaticString, before end: Int) -> BanSource? {
        let count = name.utf8CodeUnitCount
        var start = end
        while start >= count, end - start <= PeerText.maximum {
            if text.has(name, at: start - count) { return PeerText.withPort(text.extracting(start..<end)) }
            start -= 1
        }
        return nil
    }

    // MARK: Other programs

    /// What shadowsocks-libev gives as the reason.
    private static let reasons: [StaticString] = [
        "authentication error", "invalid length for ipv4 address", "invalid host name length", "invalid host name",
        "invalid length for ipv6 address", "invalid address type", "invalid request length",
    ]

    private mutating func handshake(_ line: RawSpan) -> Event? {
        let libev: StaticString = "failed to handshake with "
        if let start = line.firstOffset(ofWord: libev), isFrame(line.extracting(0..<start), ["ERROR", "INFO"]) {
            let rest = line.extracting(start + libev.utf8CodeUnitCount..<line.byteCount)
            for reason in Self.reasons where rest.hasSuffix(reason) {
                let end = rest.byteCount - reason.utf8CodeUnitCount - 2
                guard rest.has(": ", at: end) else { continue }
                return PeerText.address(rest.extracting(0..<end)).map { .bad($0) }
            }
            return nil
        }
        let rust: StaticString = "tcp handshake failed. peer: "
        if let start = line.firstOffset(ofWord: rust), isFrame(line.extracting(0..<start), ["WARN", "ERROR"]) {
            return peer(line, after: start + rust.utf8CodeUnitCount, ", ").map { .bad($0) }
        }
        let tunnel: StaticString = "established tcp tunnel "
        if let start = line.firstOffset(ofWord: tunnel),
            isFrame(line.extracting(0..<start), ["DEBUG", "INFO", "TRACE"])
        {
            return peer(line, after: start + tunnel.utf8CodeUnitCount, " <-> ").map { .good($0) }
        }
        return nil
    }

    private func peer(_ line: RawSpan, after start: Int, _ end: StaticString) -> BanSource? {
        var offset = start
        while offset < line.byteCount, offset - start <= PeerText.maximum {
            if line.has(end, at: offset) { return PeerText.withPort(line.extracting(start..<offset)) }
            offset += 1
        }
        return nil
    }

    private static let levels: [StaticString] = [
        "ERROR", "WARN", "INFO", "DEBUG", "TRACE", "VERBOSE", "CRITICAL",
    ]

    /// Whether it is what a program, or the system's log, puts before a message: nothing at all, or names and times, then one
    /// of the levels, then at most two names of places in a program.
    private mutating func isFrame(_ frame: RawSpan, _ levels: [StaticString]) -> Bool {
        var hasLevel = false
        var isNamed = false
        /// Names of machines and of facilities (`daemon.err`) since the last program's.
        var others = 0
        var words = 0
        var after = 0
        var offset = 0
        if frame.byteCount == 0 { return true }
        guard frame.octet(frame.byteCount - 1) == 0x20 || frame.octet(frame.byteCount - 1) == UInt8(ascii: ":") else {
            return false
        }
        while offset < frame.byteCount {
            guard frame.octet(offset) != 0x20 else {
                offset += 1
                continue
            }
            var end = offset
            while end < frame.byteCount, frame.octet(end) != 0x20 { end += 1 }
            let word = frame.extracting(offset..<end)
            offset = end
            words += 1
            if hasLevel {
                after += 1
                guard after <= 2, FrameWord.isPlace(word) else { return false }
            } else if FrameWord.isLevel(word, levels) {
                hasLevel = true
            } else {
                guard words <= 8, FrameWord.isName(word), !FrameWord.isLevel(word, Self.levels) else { return false }
                isNamed = word.octet(word.byteCount - 1) == UInt8(ascii: ":")
                if isNamed {
                    guard FrameWord.isProgram(word, programs) else { return false }
                    others = 0
                } else if !FrameWord.isTime(word) {
                    others += 1
                    // What is neither may be another program, and what follows that may be anybody's.
                    let isFacility = word.firstOffset(of: UInt8(ascii: "."), in: 0..<word.byteCount) != nil
                    guard others == 1 || others == 2 && isFacility else { return false }
                }
            }
        }
        // The system's log names the program before the message, and may have taken the level for itself. Where it names a machine and no
        // program it is another kind of log.
        return others == 0 && (hasLevel || isNamed)
    }
}

/// Words before a message.
private enum FrameWord {
    /// `ERROR`, `[ERROR]`, `<3>ERROR`, `ERROR:` and `ERROR:root:`.
    static func isLevel(_ word: RawSpan, _ levels: [StaticString]) -> Bool {
        var start = 0
        if word.octet(0) == UInt8(ascii: "<"), let end = word.firstOffset(of: UInt8(ascii: ">"), in: 0..<word.byteCount)
        {
            start = end + 1
        }
        if start < word.byteCount, word.octet(start) == UInt8(ascii: "[") { start += 1 }
        for level in levels where word.has(level, at: start) {
            let rest = word.extracting(start + level.utf8CodeUnitCount..<word.byteCount)
            if rest.byteCount == 0 || rest.byteCount == 1 && rest.octet(0) == UInt8(ascii: "]") { return true }
            if rest.octet(0) == UInt8(ascii: ":") { return isName(rest) }
            // WARN and WARNING.
            if rest.has("ING", at: 0), rest.byteCount == 3 { return true }
        }
        return false
    }

    /// Parts of times, names of machines and of programs.
    static func isName(_ word: RawSpan) -> Bool {
        guard word.byteCount <= 64 else { return false }
        for offset in 0..<word.byteCount {
            let byte = word.octet(offset)
            switch byte {
            case UInt8(ascii: "."), UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "-"), UInt8(ascii: "+"),
                UInt8(ascii: "_"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "("), UInt8(ascii: ")"),
                UInt8(ascii: "/"), UInt8(ascii: "<"), UInt8(ascii: ">"):
                continue
            default: guard byte.isDigit || byte.isLetter else { return false }
            }
        }
        return true
    }

    private static let programs: [StaticString] = [
        "ssserver", "ss-server", "ssservice", "ss-manager", "ssmanager", "shadowsocks", "shadowsocks-server",
        "shadowsocks-libev", "shadowsocks-rust", "shadowsocksr",
    ]
    /// Of packages that hold several programs: `shadowsocks-rust.ssserver-daemon`.
    private static let packages: [StaticString] = ["shadowsocks-rust.", "shadowsocks-libev."]

    /// `ss-server[123]:`, as the system's log names who has written a line: one of those whose lines these are. Other programs may write
    /// down whatever somebody sends them.
    static func isProgram(_ word: RawSpan, _ others: [[UInt8]]) -> Bool {
        var end = 0
        while end < word.byteCount, word.octet(end) != UInt8(ascii: ":"), word.octet(end) != UInt8(ascii: "[") {
            end += 1
        }
        let name = word.extracting(0..<end)
        for program in programs where name.byteCount == program.utf8CodeUnitCount && name.has(program, at: 0) {
            return true
        }
        for package in packages where name.has(package, at: 0) { return true }
        return others.contains { other in
            other.count == end && other.indices.allSatisfy { other[$0] == name.octet($0) }
        }
    }

    /// A part of a time: digits with marks, a T or a Z behind them; a day, a month or a zone.
    static func isTime(_ word: RawSpan) -> Bool {
        var letters = 0
        var capitals = 0
        for offset in 0..<word.byteCount {
            let byte = word.octet(offset)
            switch byte {
            case UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "_"): return false
            case UInt8(ascii: "T"), UInt8(ascii: "Z"):
                if offset > 0, word.octet(offset - 1).isDigit { continue }
                letters += 1
                capitals += 1
            default:
                guard byte.isLetter else { continue }
                letters += 1
                if byte & 0x20 == 0 { capitals += 1 }
            }
        }
        if letters == 0 { return word.byteCount > 1 || word.octet(0) != UInt8(ascii: "-") }
        guard letters == word.byteCount, (3...5).contains(letters) else { return false }
        let isName = capitals == 1 && word.octet(0) & 0x20 == 0 && (letters == 3 || word.has("Sept", at: 0))
        return isName || capitals == letters
    }

    /// `tcprelay.py:1093`, `shadowsocks_service::server::tcprelay:`, with brackets or not.
    static func isPlace(_ word: RawSpan) -> Bool {
        guard isName(word) else { return false }
        var offset = 0
        while offset < word.byteCount {
            if word.has("::", at: offset) || word.has(".py:", at: offset) { return true }
            offset += 1
        }
        return word.hasSuffix(":") || word.octet(0) == UInt8(ascii: "[") && word.hasSuffix("]")
    }
}

extension RawSpan {
    /// Where `text` first stands at the beginning, or after a space or a colon.
    func firstOffset(ofWord text: StaticString) -> Int? {
        let count = text.utf8CodeUnitCount
        guard byteCount >= count else { return nil }
        let first = text.withUTF8Buffer { $0[0] }
        for offset in 0...byteCount - count where octet(offset) == first {
            let isStart = offset == 0 || octet(offset - 1) == 0x20 || octet(offset - 1) == UInt8(ascii: ":")
            if isStart, has(text, at: offset) { return offset }
        }
        return nil
    }
}
