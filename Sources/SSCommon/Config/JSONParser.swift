// The reader behind `JSONDocument`: recursive descent, bounded in depth, over bytes already known to be
// UTF-8. It goes on after a missing or a superfluous comma and stops at anything worse, because what follows
// a misread bracket or quote is noise. It also marks what must never be shown: values of keys that look like
// passwords, and whatever stands where such a value should.

struct JSONParser {
    private static let toleratedFaults = 20

    let bytes: [UInt8]
    var offset = 0
    private(set) var faults: [JSONFault] = []
    private(set) var secrets: [SourceSpan] = []
    /// Where a secret may begin, from its key to the comma or bracket after its value.
    private var secretStart: Int?

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { offset = 3 }
    }

    /// The whole text, or nil and at least one fault.
    mutating func document() -> JSONValue? {
        do throws(JSONFault) {
            try skipBlank()
            if offset == bytes.count {
                throw JSONFault(
                    code: .notAnObject, span: SourceSpan(offset, offset), message: "the file is empty",
                    help: "config.example.json shows what belongs here")
            }
            let root = try value(depth: 0, isSecret: false)
            try skipBlank()
            if offset < bytes.count { throw unexpected(wanted: "the end of the file") }
            return root
        } catch {
            faults.append(error)
            if let secretStart { hideLine(of: error.span.start, from: min(secretStart, error.span.start)) }
            return nil
        }
    }

    // MARK: Values

    private mutating func value(depth: Int, isSecret: Bool) throws(JSONFault) -> JSONValue {
        guard let byte = peek else { throw endOfFile(wanted: "a value") }
        let start = offset
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            if depth == JSONDocument.depthLimit {
                throw JSONFault(
                    code: .nestedTooDeep, span: SourceSpan(start, start + 1), message: "brackets nested too deep",
                    label: "more than \(JSONDocument.depthLimit) levels")
            }
            return byte == UInt8(ascii: "{")
                ? try object(depth: depth + 1, isSecret: isSecret) : try array(depth: depth + 1, isSecret: isSecret)
        case UInt8(ascii: "\""), UInt8(ascii: "'"):
            let text = try string()
            // A link holds a key wherever it stands.
            if isSecret || ServerLink.covered(text) != text { hide(SourceSpan(start + 1, offset - 1)) }
            return JSONValue(.string(text), SourceSpan(start, offset))
        default:
            return try word(isSecret: isSecret)
        }
    }

    private mutating func object(depth: Int, isSecret: Bool) throws(JSONFault) -> JSONValue {
        let start = offset
        var members: [JSONMember] = []
        offset += 1
        while true {
            secretStart = isSecret ? offset : nil
            try skipBlank()
            guard let byte = peek else { throw unclosed(start) }
            if byte == UInt8(ascii: "}") { break }
            if byte == UInt8(ascii: ",") {
                try tolerate(superfluousComma)
                offset += 1
                continue
            }
            let (key, keySpan) = try key()
            try skipBlank()
            guard peek == UInt8(ascii: ":") else { throw noColon(after: key) }
            offset += 1
            try skipBlank()
            let value = try value(depth: depth, isSecret: isSecret || SecretName.matches(key))
            members.append(JSONMember(key: key, keySpan: keySpan, value: value))
            try separator(after: value, close: UInt8(ascii: "}"), open: start)
        }
        offset += 1
        return JSONValue(.object(members), SourceSpan(start, offset))
    }

    private mutating func array(depth: Int, isSecret: Bool) throws(JSONFault) -> JSONValue {
        let start = offset
        var elements: [JSONValue] = []
        offset += 1
        while true {
            secretStart = isSecret ? offset : nil
            try skipBlank()
            guard let byte = peek else { throw unclosed(start) }
            if byte == UInt8(ascii: "]") { break }
            if byte == UInt8(ascii: ",") {
                try tolerate(superfluousComma)
                offset += 1
                continue
            }
            let value = try value(depth: depth, isSecret: isSecret)
            elements.append(value)
            try separator(after: value, close: UInt8(ascii: "]"), open: start)
        }
        offset += 1
        return JSONValue(.array(elements), SourceSpan(start, offset))
    }

    /// Takes the comma after a member, or leaves the closing bracket. A comma forgotten at the end of a line is
    /// reported and supplied.
    private mutating func separator(after value: JSONValue, close: UInt8, open: Int) throws(JSONFault) {
        try skipBlank()
        guard let byte = peek else { throw unclosed(open) }
        if byte == close { return }
        if byte == UInt8(ascii: ",") {
            offset += 1
            return
        }
        let onNextLine = bytes[value.span.end..<offset].contains(UInt8(ascii: "\n"))
        guard onNextLine, byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "{") else {
            throw unexpected(wanted: close == UInt8(ascii: "}") ? "\",\" or \"}\"" : "\",\" or \"]\"")
        }
        try tolerate(
            JSONFault(
                code: .syntax, span: SourceSpan(value.span.end - 1, value.span.end), message: "a comma is missing",
                label: "\",\" belongs after this"))
    }

    // MARK: Keys, numbers, words

    private mutating func key() throws(JSONFault) -> (String, SourceSpan) {
        let start = offset
        if peek == UInt8(ascii: "\"") || peek == UInt8(ascii: "'") {
            let token = tokenBytes(limit: 40)
            do throws(JSONFault) {
                let key = try string()
                expectSecret(after: key)
                return (key, SourceSpan(start, offset))
            } catch {
                expectSecret(after: String(decoding: token, as: UTF8.self))
                throw error
            }
        }
        guard let first = peek, Self.isWordByte(first), !Self.isDigit(first), first < 0x80 else {
            throw unexpected(wanted: "a key in quotes")
        }
        while let byte = peek, Self.isWordByte(byte) { offset += 1 }
        let key = String(decoding: bytes[start..<offset], as: UTF8.self)
        expectSecret(after: key)
        return (key, SourceSpan(start, offset))
    }

    /// A number, `true`, `false` or `null`.
    private mutating func word(isSecret: Bool) throws(JSONFault) -> JSONValue {
        let start = offset
        while let byte = peek, Self.isWordByte(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: ".") {
            offset += 1
        }
        let span = SourceSpan(start, offset)
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        switch text {
        case "true": return JSONValue(.bool(true), span)
        case "false": return JSONValue(.bool(false), span)
        case "null": return JSONValue(.null, span)
        case "":
            throw unexpected(wanted: "a value")
        default:
            if JSONNumber.isLegal(text) {
                if isSecret { hide(span) }
                return JSONValue(.number(text), span)
            }
            let looksLikeNumber = Self.isDigit(bytes[start]) || text.first == "-" || text.first == "+"
            let what = secretStart != nil ? "this" : TerminalText.quote(text)
            throw JSONFault(
                code: .syntax, span: span, message: looksLikeNumber ? "\(what) is no number" : "\(what) is no value",
                help: "text goes in double quotes; bare words are true, false and null")
        }
    }

    // MARK: Blanks and comments

    mutating func skipBlank() throws(JSONFault) {
        while let byte = peek {
            switch byte {
            case 0x20, 0x09...0x0d:
                offset += 1
            case 0xc2 where at(1) == 0xa0:  // U+00A0, as pasted from web pages
                offset += 2
            case 0xef where at(1) == 0xbb && at(2) == 0xbf:  // U+FEFF, where files were joined
                offset += 3
            case UInt8(ascii: "/") where at(1) == UInt8(ascii: "/"):
                while let byte = peek, byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r") { offset += 1 }
            case UInt8(ascii: "/") where at(1) == UInt8(ascii: "*"):
                try skipBlockComment()
            default:
                return
            }
        }
    }

    private mutating func skipBlockComment() throws(JSONFault) {
        let start = offset
        offset += 2
        while offset < bytes.count {
            if peek == UInt8(ascii: "*"), at(1) == UInt8(ascii: "/") {
                offset += 2
                return
            }
            offset += 1
        }
        throw JSONFault(
            code: .syntax, span: SourceSpan(start, start + 2), message: "this comment never ends",
            help: "close it with */")
    }

    // MARK: Faults

    private mutating func tolerate(_ fault: JSONFault) throws(JSONFault) {
        if faults.count == Self.toleratedFaults { throw fault }
        faults.append(fault)
    }

    private var superfluousComma: JSONFault {
        JSONFault(
            code: .syntax, span: SourceSpan(offset, offset + 1), message: "a comma too many", help: "remove it")
    }

    private func unclosed(_ open: Int) -> JSONFault {
        let bracket = bytes[open] == UInt8(ascii: "{") ? "}" : "]"
        return JSONFault(
            code: .syntax, span: SourceSpan(open, open + 1), message: "this bracket is never closed",
            label: "no matching \"\(bracket)\" before the end of the file")
    }

    private func endOfFile(wanted: String) -> JSONFault {
        JSONFault(
            code: .syntax, span: SourceSpan(bytes.count, bytes.count), message: "the file ends too early",
            label: "\(wanted) belongs here")
    }

    private mutating func noColon(after key: String) -> JSONFault {
        if peek == nil { return endOfFile(wanted: "\":\"") }
        if peek == UInt8(ascii: "=") {
            return JSONFault(
                code: .syntax, span: SourceSpan(offset, offset + 1), message: "\"=\" between key and value",
                help: "JSON has \":\" there")
        }
        return unexpected(wanted: "\":\"")
    }

    /// What stands at `offset` belongs somewhere else.
    private mutating func unexpected(wanted: String) -> JSONFault {
        let token = tokenBytes(limit: 60)
        if token.isEmpty { return endOfFile(wanted: wanted) }
        let span = SourceSpan(offset, offset + token.count)
        let text = String(decoding: token, as: UTF8.self)
        if text.first == "\u{201c}" || text.first == "\u{201d}" || text.first == "\u{2018}" || text.first == "\u{2019}"
        {
            secretStart = secretStart ?? offset
            return JSONFault(
                code: .syntax, span: span, message: "typographic quotes", help: "write straight ones: \"")
        }
        let isString = text.utf8.count > 2 && (text.first == "\"" || text.first == "'")
        let name = TerminalText.quote(isString ? text.dropFirst().dropLast() : text[...])
        let what = secretStart != nil ? "unexpected text" : "unexpected \(name)"
        return JSONFault(code: .syntax, span: span, message: what, label: "\(wanted) belongs here")
    }

    /// The word, quote or sign at `offset`, whole characters only.
    private func tokenBytes(limit: Int) -> ArraySlice<UInt8> {
        guard offset < bytes.count else { return [] }
        var end = offset
        if Self.isWordByte(bytes[end]), bytes[end] < 0x80 {
            while end < bytes.count, end - offset < limit, Self.isWordByte(bytes[end]), bytes[end] < 0x80 { end += 1 }
        } else if bytes[end] == UInt8(ascii: "\"") || bytes[end] == UInt8(ascii: "'") {
            let quote = bytes[end]
            end += 1
            while end < bytes.count, end - offset < limit, bytes[end] != quote, bytes[end] >= 0x20, bytes[end] < 0x80 {
                end += 1
            }
            if end < bytes.count, bytes[end] == quote { end += 1 }
        } else {
            end += UTF8Reader.scalar(in: bytes, at: end).length
        }
        return bytes[offset..<end]
    }

    private mutating func hide(_ span: SourceSpan) {
        if span.start < span.end { secrets.append(span) }
    }

    private mutating func expectSecret(after key: String) {
        if secretStart == nil, SecretName.matches(key) { secretStart = offset }
    }

    /// Hides everything from `start` to the end of the line of `offset`.
    private mutating func hideLine(of offset: Int, from start: Int) {
        var end = offset
        while end < bytes.count, bytes[end] != UInt8(ascii: "\n"), bytes[end] != UInt8(ascii: "\r") { end += 1 }
        secrets.removeAll { $0.start >= start && $0.start < end }
        let covered = secrets.last { $0.start < start && $0.end > start }?.end ?? start
        hide(SourceSpan(covered, end))
        secrets.sort { $0.start < $1.start }
    }

    // MARK: Bytes

    var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    func at(_ distance: Int) -> UInt8? { offset + distance < bytes.count ? bytes[offset + distance] : nil }

    static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"), UInt8(ascii: "$"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
