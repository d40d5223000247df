// SIP022 3.2: datagrams belong to sessions. Each says its session (8 bytes) and its number in it (8 bytes), so that whoever
// reads it can tell one that comes twice; and its time, so that this need not be remembered for ever.
//
// With AES those 16 bytes are a separate header, one AES block under the pre-shared key; the body is sealed under the
// session's key, with the header's last 12 bytes as nonce. With ChaCha20 all of it is one XChaCha20-Poly1305 piece under
// the pre-shared key, behind a random nonce.

/// Which datagram of which session.
package struct DatagramNumber: Hashable, Sendable {
    static let length = 16

    package let session: UInt64
    package let packet: UInt64

    package init(session: UInt64, packet: UInt64) {
        self.session = session
        self.packet = packet
    }

    init(_ bytes: RawSpan) {
        self.init(session: bytes.bigEndian64(at: 0), packet: bytes.bigEndian64(at: 8))
    }

    func encode(into output: inout OutputRawSpan) {
        output.append(bigEndian: session)
        output.append(bigEndian: packet)
    }

    /// What the session's key is derived with.
    static func salt(of session: UInt64) -> Salt {
        var bytes = session.bigEndian
        return withUnsafeBytes(of: &bytes) { Salt($0.bytes) }
    }

    /// The AES methods' nonce: the last 12 bytes of the header.
    var nonce: Nonce {
        withUnsafeTemporaryAllocation(byteCount: Self.length, alignment: 8) { scratch in
            var output = OutputRawSpan(buffer: scratch, initializedCount: 0)
            encode(into: &output)
            return Nonce(output.bytes.extracting(4..<Self.length))
        }
    }
}

/// type(1) | time(8) | server's only: client's session(8) | padding length(2) | padding | address, in front of the payload.
enum DatagramHeader {
    /// The most padding we add to a short payload, together with it.
    static let paddedSize = 900

    /// The most that stands in front of an address of ours.
    static let maximumLength = fixedLength(HeaderType.server) + paddedSize

    /// Bytes in front of the padding.
    static func fixedLength(_ type: UInt8) -> Int { 1 + 8 + (type == HeaderType.server ? 8 : 0) + 2 }

    /// How many bytes of padding: DNS questions and empty datagrams have telling sizes.
    static func padding(for payloadCount: Int, port: UInt16, random: UInt32) -> Int {
        let room = paddedSize - payloadCount
        guard port == 53 || payloadCount == 0, room > 0 else { return 0 }
        return 1 + Int(random % UInt32(room))
    }

    static func encode(
        _ type: UInt8, now: UnixSeconds, client: UInt64?, padding: Int, address: TargetAddress,
        into output: inout OutputRawSpan
    ) {
        output.append(type)
        output.append(bigEndian: now)
        if let client { output.append(bigEndian: client) }
        output.append(bigEndian: UInt16(padding))
        for _ in 0..<padding { output.append(0) }
        address.encode(into: &output)
    }

    /// The address and where the payload begins. `client` is the session that a server must be answering, nil where a
    /// client is read. Throws `.badHeader`, `.stale`, `.foreignAnswer` or `.malformedAddress`.
    static func decode(
        _ bytes: RawSpan, _ type: UInt8, client: UInt64?, now: UnixSeconds
    ) throws(StreamFault) -> (address: TargetAddress, payloadOffset: Int) {
        let fixed = fixedLength(type)
        guard bytes.byteCount >= fixed, bytes[0] == type else { throw .badHeader }
        try HeaderTime.check(bytes.bigEndian64(at: 1), now: now)
        if let client, bytes.bigEndian64(at: 9) != client { throw .foreignAnswer }
        let start = fixed + Int(bytes.bigEndian16(at: fixed - 2))
        guard start <= bytes.byteCount else { throw .badHeader }
        guard let (address, count) = try TargetAddress.decode(bytes.extracting(droppingFirst: start)) else {
            throw .malformedAddress
        }
        return (address, start + count)
    }
}
