// Takes a body out of a byte stream: counted, chunked (RFC 9112 7.1) or until the close. Chunk sizes and
// extensions end here; what is forwarded is chunked anew. Requests are read strictly; in responses spaces after
// a chunk size are let pass, which old servers pad with.

package struct HTTPBodyReader {
    /// Longest chunk extension, from its semicolon to the line end.
    package static let maximumExtension = 256
    /// Most hexadecimal digits of a chunk size.
    package static let maximumSizeDigits = 16

    package enum Piece {
        /// Nothing was consumed; ask again with more bytes.
        case needMore
        /// Drop so many bytes of framing and ask again.
        case framing(Int)
        /// The next so many bytes are body; drop them after use and ask again.
        case data(Int)
        /// Drop so many bytes; the message is over. Trailers are there if any were sent.
        case end(HTTPHead?, consumed: Int)
    }

    private enum Phase {
        /// So many bytes of a counted body are left.
        case counted(UInt64)
        /// A chunk's size line is awaited.
        case size
        /// So many bytes of a chunk are left.
        case chunk(UInt64)
        /// The CRLF after a chunk is awaited.
        case chunkEnd
        /// The fields after the last chunk are awaited.
        case trailers(HTTPHeadParser)
        /// All is body.
        case untilClose
    }

    private var phase: Phase
    private let tolerant: Bool

    package init(_ framing: HTTPFraming, tolerant: Bool) {
        self.tolerant = tolerant
        switch framing {
        case .none: phase = .counted(0)
        case .length(let length): phase = .counted(length)
        case .chunked: phase = .size
        case .untilClose: phase = .untilClose
        }
    }

    /// Looks at `input`, the bytes not yet consumed.
    package mutating func next(_ input: RawSpan) throws(HTTPFault) -> Piece {
        switch phase {
        case .counted(0): return .end(nil, consumed: 0)
        case .counted(let left):
            return take(left, of: input) { .counted($0) }
        case .size: return try sizeLine(input)
        case .chunk(0):
            phase = .chunkEnd
            return .framing(0)
        case .chunk(let left):
            return take(left, of: input) { .chunk($0) }
        case .chunkEnd:
            if input.byteCount > 0, input.octet(0) != UInt8(ascii: "\r") { throw .chunkEndMissing }
            guard input.byteCount >= 2 else { return .needMore }
            if input.octet(1) != UInt8(ascii: "\n") { throw .chunkEndMissing }
            phase = .size
            return .framing(2)
        case .trailers(var parser):
            let result = try parser.parse(input)
            phase = .trailers(parser)
            guard let (trailers, consumed) = result else { return .needMore }
            return .end(trailers.fields.isEmpty ? nil : trailers, consumed: consumed)
        case .untilClose:
            return input.byteCount == 0 ? .needMore : .data(input.byteCount)
        }
    }

    /// Whether the sender may close now: only a body that is ended by the close is whole then.
    package var endsAtClose: Bool {
        if case .untilClose = phase { true } else { false }
    }

    private mutating func take(_ left: UInt64, of input: RawSpan, _ next: (UInt64) -> Phase) -> Piece {
        let count = Int(min(left, UInt64(input.byteCount)))
        if count == 0 { return .needMore }
        phase = next(left - UInt64(count))
        return .data(count)
    }

    private mutating func sizeLine(_ input: RawSpan) throws(HTTPFault) -> Piece {
        var size: UInt64 = 0
        var offset = 0
        while offset < input.byteCount, let digit = input.octet(offset).hexValue {
            if offset == Self.maximumSizeDigits || size >> 59 != 0 { throw .chunkSizeInvalid }
            size = size << 4 | UInt64(digit)
            offset += 1
        }
        if offset == input.byteCount { return .needMore }
        if offset == 0 { throw .chunkSizeInvalid }
        guard let end = try lineEnd(input, from: offset) else { return .needMore }
        phase = size == 0 ? .trailers(HTTPHeadParser(.trailers)) : .chunk(size)
        return .framing(end)
    }

    /// The offset after the CRLF of a size line whose digits end at `start`; nil while it is not there yet.
    private func lineEnd(_ input: RawSpan, from start: Int) throws(HTTPFault) -> Int? {
        var inExtension = false
        for offset in start..<input.byteCount {
            if offset - start > Self.maximumExtension { throw .chunkExtensionTooLong }
            switch input.octet(offset) {
            case UInt8(ascii: "\r"):
                guard offset + 1 < input.byteCount else { return nil }
                if input.octet(offset + 1) != UInt8(ascii: "\n") { throw .chunkSizeInvalid }
                return offset + 2
            case UInt8(ascii: ";"): inExtension = true
            case 0x20, 0x09:
                if !inExtension && !tolerant { throw .chunkSizeInvalid }
            case 0..<0x20, 0x7f: throw .chunkSizeInvalid
            default:
                if !inExtension { throw .chunkSizeInvalid }
            }
        }
        return nil
    }
}
