// Log lines as bytes. The text form is the one the Shadowsocks world's tools already parse (fail2ban filters,
// the original autoban.py), so its three event lines are fixed to the byte; logfmt and JSON carry the same
// events as fields with a `status=` word. Every line ends with its only line feed.

/// Writes log lines in one format. Keeps the time prefix of the second it last wrote in.
package struct LogFormatter: Sendable {
    package let format: LogFormat
    /// Whether the journal reads us: it stamps lines itself and takes the level from a `<N>` prefix (sd-daemon(3)).
    package let isJournal: Bool

    private var stampedAt: LogTime?
    private var stamp: [UInt8] = []

    package init(format: LogFormat, isJournal: Bool = false) {
        self.format = format
        self.isJournal = isJournal
    }

    /// Appends the line of a relay event. Costs no allocation where `line` has room.
    package mutating func append(_ event: RelayEvent, at time: LogTime, to line: inout [UInt8]) {
        appendStart(event.level, at: time, to: &line)
        switch format {
        case .text: Self.appendText(event, to: &line)
        case .logfmt, .json: appendFields(of: event, to: &line)
        }
        appendEnd(to: &line)
    }

    /// Appends a general line. `message` is a constant of ours; everything variable is in `fields`, whose values
    /// may be foreign.
    package mutating func append(
        _ level: LogLevel, _ message: String, _ fields: [(name: String, value: String)] = [], at time: LogTime,
        to line: inout [UInt8]
    ) {
        appendStart(level, at: time, to: &line)
        switch format {
        case .text:
            ForeignText.append(message.utf8.span, .sentence, .none, limit: ForeignText.messageLimit, to: &line)
        case .logfmt, .json:
            appendName("msg", to: &line)
            appendValue(message, limit: ForeignText.messageLimit, to: &line)
        }
        for field in fields {
            appendName(ofField: field.name, to: &line)
            appendValue(field.value, to: &line)
        }
        appendEnd(to: &line)
    }

    /// The words of an event in the text format, to the byte.
    private static func appendText(_ event: RelayEvent, to line: inout [UInt8]) {
        switch event {
        case .connecting(let target, let peer):
            line.append("connecting ")
            append(target, .none, to: &line)
            line.append(" from ")
            line.append(peer)
        case .unauthenticated(let peer, _):
            line.append("can not parse header when handling connection from ")
            line.append(peer)
        case .blocked(let target, let peer, let rule, let source):
            line.append("blocked ")
            append(target, .none, to: &line)
            line.append(" from ")
            line.append(peer)
            line.append(" rule ")
            ForeignText.append(rule.utf8.span, .sentence, .none, to: &line)
            line.append(" (")
            ForeignText.append(source.utf8.span, .sentence, .none, to: &line)
            line.append(")")
        }
    }

    private func appendFields(of event: RelayEvent, to line: inout [UInt8]) {
        switch event {
        case .connecting(let target, let peer):
            appendWord("msg", "connecting", to: &line)
            appendTarget(target, to: &line)
            appendPeer(peer, to: &line)
        case .unauthenticated(let peer, _):
            appendWord("msg", "unauthenticated", to: &line)
            appendPeer(peer, to: &line)
        case .blocked(let target, let peer, let rule, let source):
            appendWord("msg", "blocked", to: &line)
            appendTarget(target, to: &line)
            appendPeer(peer, to: &line)
            appendName("rule", to: &line)
            appendValue(rule, to: &line)
            appendName("source", to: &line)
            appendValue(source, to: &line)
        }
        appendWord("status", event.status.word, to: &line)
    }

    private static func append(_ target: TargetAddress, _ quotes: ForeignText.Quotes, to line: inout [UInt8]) {
        switch target.host {
        case .ip(let address):
            line.append(address, port: target.port)
        case .name(let name):
            ForeignText.append(name.bytes.span, .word, quotes, to: &line)
            line.append(UInt8(ascii: ":"))
            line.appendDecimal(UInt64(target.port))
        }
    }
}

// The frame of a line.
extension LogFormatter {
    private mutating func appendStart(_ level: LogLevel, at time: LogTime, to line: inout [UInt8]) {
        if isJournal { line.append(level.journalPrefix) }
        if !isJournal, stampedAt != time { restamp(time) }
        switch format {
        case .text:
            line.append(contentsOf: stamp)
            line.append(level.column)
        case .logfmt:
            line.append(contentsOf: stamp)
            line.append("level=")
            line.append(level.name)
        case .json:
            line.append("{")
            line.append(contentsOf: stamp)
            line.append(#""level":""#)
            line.append(level.name)
            line.append(#"""#)
        }
    }

    private mutating func restamp(_ time: LogTime) {
        stampedAt = time
        stamp.removeAll(keepingCapacity: true)
        switch format {
        case .text:
            time.appendDateAndTime(separator: UInt8(ascii: " "), to: &stamp)
            stamp.append(" ")
        case .logfmt:
            stamp.append("time=")
            time.appendRFC3339(to: &stamp)
            stamp.append(" ")
        case .json:
            stamp.append(#""time":""#)
            time.appendRFC3339(to: &stamp)
            stamp.append(#"","#)
        }
    }

    private func appendEnd(to line: inout [UInt8]) {
        if format == .json { line.append("}") }
        line.append(UInt8(ascii: "\n"))
    }
}

// Fields. Text lines carry them as logfmt does.
extension LogFormatter {
    /// A name and a value of ours that need no escaping.
    private func appendWord(_ name: StaticString, _ value: StaticString, to line: inout [UInt8]) {
        appendName(name, to: &line)
        if format == .json { line.append(#"""#) }
        line.append(value)
        if format == .json { line.append(#"""#) }
    }

    private func appendName(_ name: StaticString, to line: inout [UInt8]) {
        line.append(format == .json ? #",""# : " ")
        line.append(name)
        line.append(format == .json ? #"":"# : "=")
    }

    private func appendPeer(_ peer: Endpoint, to line: inout [UInt8]) {
        appendName("peer", to: &line)
        if format == .json { line.append(#"""#) }
        line.append(peer)
        if format == .json { line.append(#"""#) }
    }

    private func appendTarget(_ target: TargetAddress, to line: inout [UInt8]) {
        appendName("target", to: &line)
        var isQuoted = format == .json
        if !isQuoted, case .name(let name) = target.host { isQuoted = ForeignText.needsQuotes(name.bytes.span) }
        if isQuoted { line.append(#"""#) }
        Self.append(target, isQuoted ? .json : .none, to: &line)
        if isQuoted { line.append(#"""#) }
    }

    private func appendValue(_ value: String, limit: Int = ForeignText.fieldLimit, to line: inout [UInt8]) {
        let isQuoted = format == .json || ForeignText.needsQuotes(value.utf8.span)
        if isQuoted { line.append(#"""#) }
        ForeignText.append(value.utf8.span, .sentence, isQuoted ? .json : .none, limit: limit, to: &line)
        if isQuoted { line.append(#"""#) }
    }

    /// A field's name as one bare word of at most 64 bytes; names the frame uses itself get an underscore, so that
    /// no JSON object has a key twice.
    private func appendName(ofField name: String, to line: inout [UInt8]) {
        line.append(format == .json ? #",""# : " ")
        for byte in name.utf8.prefix(64) {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"):
                line.append(byte)
            default:
                line.append(UInt8(ascii: "_"))
            }
        }
        if name.isEmpty || name == "time" || name == "level" || name == "msg" { line.append(UInt8(ascii: "_")) }
        line.append(format == .json ? #"":"# : "=")
    }
}
