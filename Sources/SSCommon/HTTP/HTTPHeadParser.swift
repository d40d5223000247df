// Finds the end of a head and the lines in it (RFC 9112 2, 3, 5). NIOHTTP1's decoder is not used: it refuses
// methods llhttp does not list, decodes values as UTF-8 and so destroys other bytes, stops for ever at a request
// with Upgrade, and does not bound chunk extensions. A scanner before it would be a second parser with its own
// idea of every message; one parser cannot disagree with itself. The tests hold it against NIOHTTP1 instead.
//
// Requests and trailers are read strictly. Responses may end lines in LF, fold lines and put white space before
// a colon (RFC 9112 2.2, 5.1, 5.2); what is forwarded is written anew, so no such spelling travels on.

package struct HTTPHeadParser {
    package enum Kind {
        /// A request line and fields, strict.
        case request
        /// A status line and fields, tolerant.
        case response
        /// Fields alone, strict.
        case trailers
    }

    /// The request line, without its end.
    package static let maximumRequestLine = 8 * 1024
    /// Start line, fields and line ends together.
    package static let maximumHead = 32 * 1024
    package static let maximumFields = 100
    /// Room that is made for them at once.
    private static let usualFields = 12
    /// Empty lines skipped before a request line (RFC 9112 2.2 asks for at least one).
    package static let maximumEmptyLines = 4

    private let kind: Kind
    private var position = 0
    private var lineStart = 0
    private var headStart = 0
    private var emptyLines = 0
    private var startLine: Range<Int>?
    private var requestLine: HTTPRequestLineParts?
    private var fields: [HTTPField] = []
    private var folds: [Range<Int>] = []

    package init(_ kind: Kind) {
        self.kind = kind
        if case .trailers = kind { startLine = 0..<0 }
    }

    /// Whether bytes of a message have been seen (empty lines before it do not count).
    package var begun: Bool { position > headStart }

    /// Looks at `input`, which begins at the first byte not yet consumed and on every call holds at least what it
    /// held before. Returns the head and its length once it is whole; until then consumes nothing and remembers
    /// how far it has looked, so bytes that trickle in cost no more than bytes that come at once.
    package mutating func parse(_ input: RawSpan) throws(HTTPFault) -> (head: HTTPHead, consumed: Int)? {
        var position = position
        while position < input.byteCount {
            if position - headStart >= Self.maximumHead { throw .headTooLarge }
            let byte = input.octet(position)
            if byte == UInt8(ascii: "\r") {
                guard position + 1 < input.byteCount else { break }
                if input.octet(position + 1) != UInt8(ascii: "\n") { throw .bareCarriageReturn }
            } else if byte == UInt8(ascii: "\n") {
                if try endLine(input, at: position) { return (head(input, length: position + 1), position + 1) }
            } else if byte < 0x20 && byte != 0x09 || byte == 0x7f {
                throw .controlByte
            }
            position += 1
            if startLine == nil, position - lineStart > Self.maximumRequestLine + 2 { throw .requestLineTooLong }
        }
        self.position = position
        return nil
    }

    /// Handles the line that ends in the LF at `position`; true if it was the empty line after the fields.
    private mutating func endLine(_ input: RawSpan, at position: Int) throws(HTTPFault) -> Bool {
        let start = lineStart
        var end = position
        if end > start, input.octet(end - 1) == UInt8(ascii: "\r") {
            end -= 1
        } else if kind != .response {
            throw .bareLineFeed
        }
        lineStart = position + 1
        if startLine == nil {
            try begin(input, line: start..<end)
            return false
        }
        if start == end { return true }
        try field(input, line: start..<end)
        return false
    }

    private mutating func begin(_ input: RawSpan, line: Range<Int>) throws(HTTPFault) {
        if line.isEmpty {
            emptyLines += 1
            if emptyLines > Self.maximumEmptyLines { throw kind == .response ? .badStatusLine : .badRequestLine }
            headStart = lineStart
            return
        }
        if line.count > Self.maximumRequestLine { throw .requestLineTooLong }
        // Checked now, not at the end of the head: an HTTP/0.9 client sends no more than this line.
        switch kind {
        case .request: requestLine = try HTTPRequestLineParts(input, line)
        case .response: _ = try HTTPStatusLine(input.copy(line)[...])
        case .trailers: break
        }
        startLine = line
    }

    private mutating func field(_ input: RawSpan, line: Range<Int>) throws(HTTPFault) {
        let first = input.octet(line.lowerBound)
        if first == 0x20 || first == 0x09 {
            guard let last = fields.indices.last else { throw .leadingSpace }
            guard kind == .response else { throw .foldedLine }
            let value = fields[last].value
            folds.append(value.upperBound..<line.lowerBound)
            // A line of nothing but spaces adds nothing: the fold's own spaces must not stand at an end of the value.
            let more = trim(input, line)
            if !more.isEmpty { fields[last].value = (value.isEmpty ? more : value).lowerBound..<more.upperBound }
            return
        }
        if fields.count == Self.maximumFields { throw .tooManyFields }
        guard let colon = input.firstOffset(of: UInt8(ascii: ":"), in: line) else { throw .missingColon }
        var name = line.lowerBound..<colon
        while let last = name.last, input.octet(last) == 0x20 || input.octet(last) == 0x09 {
            if kind != .response { throw .spaceBeforeColon }
            name = name.dropLast()
        }
        guard !name.isEmpty, name.allSatisfy({ isTokenByte(input.octet($0)) }) else { throw .badFieldName }
        if fields.isEmpty { fields.reserveCapacity(Self.usualFields) }
        let value = trim(input, colon + 1..<line.upperBound)
        fields.append(HTTPField(kind: HTTPFieldKind(input, name: name), name: name, value: value))
    }

    private func trim(_ input: RawSpan, _ range: Range<Int>) -> Range<Int> {
        var range = range
        while let first = range.first, input.octet(first) == 0x20 || input.octet(first) == 0x09 {
            range = range.dropFirst()
        }
        while let last = range.last, input.octet(last) == 0x20 || input.octet(last) == 0x09 { range = range.dropLast() }
        return range
    }

    /// The finished head. A fold becomes spaces, as RFC 9112 5.2 says.
    private func head(_ input: RawSpan, length: Int) -> HTTPHead {
        var bytes = input.copy(0..<length)
        for fold in folds {
            for index in fold { bytes[index] = 0x20 }
        }
        return HTTPHead(bytes: bytes, startLine: startLine ?? 0..<0, requestLine: requestLine, fields: fields)
    }
}

/// tchar of RFC 9110 5.6.2.
package func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "!"), UInt8(ascii: "#")...UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"),
        UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "^")...UInt8(ascii: "`"), UInt8(ascii: "|"),
        UInt8(ascii: "~"):
        true
    default: byte.isDigit || byte.isLetter
    }
}
