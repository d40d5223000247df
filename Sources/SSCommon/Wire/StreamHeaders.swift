// SIP022 3.1.3 and 3.1.4: the headers of a stream. A request has a fixed one (type, time, length of the next) and a
// variable one (target, padding, first payload); an answer has one, which repeats the request's salt.

/// Which end made a header.
enum HeaderType {
    static let client: UInt8 = 0
    static let server: UInt8 = 1
}

/// type(1) | time(8) | length(2), plaintext.
struct RequestFixedHeader {
    static let length = 11
    /// Bytes of the variable header that follows, plaintext.
    let variableLength: Int

    /// Throws `.badHeader` or `.stale`.
    static func decode(_ bytes: RawSpan, now: UnixSeconds) throws(StreamFault) -> RequestFixedHeader {
        guard bytes[0] == HeaderType.client else { throw .badHeader }
        try HeaderTime.check(bytes.bigEndian64(at: 1), now: now)
        return RequestFixedHeader(variableLength: Int(bytes.bigEndian16(at: 9)))
    }

    func encode(now: UnixSeconds, into output: inout OutputRawSpan) {
        output.append(HeaderType.client)
        output.append(bigEndian: now)
        output.append(bigEndian: UInt16(variableLength))
    }
}

/// address | padding length(2) | padding | payload, plaintext.
enum RequestVariableHeader {
    /// The most padding a request may have (SIP022 3.1.3).
    static let maximumPadding = 900

    /// The target and where the payload begins. Throws `.malformedAddress` or `.badHeader`.
    static func decode(_ bytes: RawSpan) throws(StreamFault) -> (target: TargetAddress, payloadOffset: Int) {
        guard let (target, count) = try TargetAddress.decode(bytes), target.port != 0 else { throw .malformedAddress }
        guard bytes.byteCount >= count + 2 else { throw .badHeader }
        let padding = Int(bytes.bigEndian16(at: count))
        let start = count + 2 + padding
        // Without either, every such request would have the same telling size.
        guard padding <= maximumPadding, start <= bytes.byteCount, padding > 0 || start < bytes.byteCount else {
            throw .badHeader
        }
        return (target, start)
    }
}

/// type(1) | time(8) | request's salt | length(2), plaintext.
struct ResponseHeader {
    /// Bytes of the payload that follows, plaintext; it may be 0.
    let payloadLength: Int
    /// The server's clock when it made the header.
    let time: UnixSeconds

    static func length(_ method: CipherMethod) -> Int { 1 + 8 + method.saltLength + 2 }

    /// Throws `.badHeader`, `.stale` or `.foreignAnswer`.
    static func decode(_ bytes: RawSpan, request: Salt, now: UnixSeconds) throws(StreamFault) -> ResponseHeader {
        guard bytes[0] == HeaderType.server else { throw .badHeader }
        let time = bytes.bigEndian64(at: 1)
        try HeaderTime.check(time, now: now)
        guard Salt(bytes.extracting(9..<9 + request.count)) == request else { throw .foreignAnswer }
        return ResponseHeader(payloadLength: Int(bytes.bigEndian16(at: 9 + request.count)), time: time)
    }

    func encode(request: Salt, into output: inout OutputRawSpan) {
        output.append(HeaderType.server)
        output.append(bigEndian: time)
        request.withUnsafeBytes { output.append(copying: $0.bytes) }
        output.append(bigEndian: UInt16(payloadLength))
    }
}
