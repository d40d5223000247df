// The name a TLS client asks for, out of its first message (RFC 8446 4.1.2, RFC 6066 3). Nothing else is looked at, and
// nothing is believed: whoever leaves the name out, encrypts it or writes another is seen to have done so at most.

package enum TLSServerName {
    /// Longer messages are not waited for. With the keys of several post-quantum methods one has some four thousand bytes.
    package static let maximumLength = 32 * 1024

    package enum Reading: Hashable, Sendable {
        /// It may be one; so many bytes of the stream will tell more, and fewer will not.
        case needsMore(atLeast: Int)
        /// It is none, or one that no server would take.
        case none
        /// The server's name as it was sent; nil where there is none.
        case name([UInt8]?)
    }

    /// A message in more records is not put together: clients send one or two.
    private static let maximumRecords = 64

    /// Looks at the first bytes of a stream.
    package static func read(_ input: RawSpan) -> Reading {
        // Records of type 22 (handshake), whose contents are put together: a message may be cut anywhere.
        var message: [UInt8] = []
        var offset = 0
        for _ in 0..<maximumRecords {
            let left = input.byteCount - offset
            if left > 0, input.octet(offset) != 22 { return .none }
            if left > 1, input.octet(offset + 1) != 3 { return .none }
            guard left >= 5 else { return .needsMore(atLeast: offset + 5) }
            let length = Int(input.bigEndian16(offset + 3))
            guard (1...16_384 + 256).contains(length) else { return .none }
            let end = offset + 5 + length
            guard end <= input.byteCount else { return .needsMore(atLeast: end) }
            message += input.copy(offset + 5..<end)
            if let reading = hello(message) { return reading }
            offset = end
        }
        return .none
    }

    /// Nil while the message is not whole.
    private static func hello(_ message: [UInt8]) -> Reading? {
        var reader = Reader(rest: message[...])
        guard let kind = reader.number(1) else { return nil }
        guard kind == 1 else { return .some(.none) }
        guard let high = reader.number(1), let low = reader.number(2) else { return nil }
        let length = high << 16 | low
        guard length <= maximumLength else { return .some(.none) }
        guard let body = reader.bytes(length) else { return nil }
        return self.body(body)
    }

    private static func body(_ body: ArraySlice<UInt8>) -> Reading {
        var reader = Reader(rest: body)
        // Version and random, session, ciphers, compressions.
        guard reader.bytes(34) != nil, reader.vector(1) != nil, reader.vector(2) != nil, reader.vector(1) != nil else {
            return .none
        }
        guard !reader.rest.isEmpty else { return .name(nil) }
        guard let extensions = reader.vector(2), reader.rest.isEmpty else { return .none }
        reader = Reader(rest: extensions)
        while !reader.rest.isEmpty {
            guard let kind = reader.number(2), let content = reader.vector(2) else { return .none }
            if kind == 0 { return serverName(content) }
        }
        return .name(nil)
    }

    /// The first entry that is a host name.
    private static func serverName(_ content: ArraySlice<UInt8>) -> Reading {
        var reader = Reader(rest: content)
        guard let list = reader.vector(2), reader.rest.isEmpty else { return .none }
        reader = Reader(rest: list)
        while let kind = reader.number(1) {
            guard let name = reader.vector(2) else { return .none }
            if kind == 0 { return (1...255).contains(name.count) ? .name(Array(name)) : .none }
        }
        return .none
    }

    /// Big-endian numbers and vectors with their length in front, from the front of bytes.
    private struct Reader {
        private(set) var rest: ArraySlice<UInt8>

        init(rest: ArraySlice<UInt8>) { self.rest = rest }

        mutating func bytes(_ count: Int) -> ArraySlice<UInt8>? {
            guard count <= rest.count else { return nil }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }

        /// Of one or two bytes.
        mutating func number(_ size: Int) -> Int? {
            bytes(size).map { $0.reduce(0) { $0 << 8 | Int($1) } }
        }

        mutating func vector(_ size: Int) -> ArraySlice<UInt8>? {
            guard let length = number(size) else { return nil }
            return bytes(length)
        }
    }
}
