// A SIP004 datagram: salt || AEAD(address || payload), keyed by its own salt, zero nonce; the address is the
// destination on the way out and the source on the way back. The contexts are kept and keyed anew each time.
// SIP022's per-session keys and separate header will be a second codec behind the same two calls.

package struct DatagramCodec: ~Copyable {
    private let credential: Credential
    private var sealer: AEADContext
    private var opener: AEADContext

    package init(_ credential: Credential) {
        self.credential = credential
        sealer = AEADContext(credential.method.aead, .seal)
        opener = AEADContext(credential.method.aead, .open)
    }

    /// Bytes a datagram grows by for `address`.
    package func overhead(for address: TargetAddress) -> Int {
        credential.method.saltLength + address.encodedCount + AEADAlgorithm.tagLength
    }

    /// Appends the sealed datagram to `output`, which must have room for the payload and `overhead`.
    package mutating func seal(
        _ payload: RawSpan, address: TargetAddress, salt: Salt, into output: inout OutputRawSpan
    ) {
        salt.withUnsafeBytes { output.append(copying: $0.bytes) }
        let start = output.byteCount
        address.encode(into: &output)
        output.append(copying: payload)
        credential.key(&sealer, salt: salt)
        sealer.seal(from: start, in: &output, nonce: Nonce())
    }

    /// Opens `datagram` into `output`, which must have as much room as it has bytes. Returns the address and where
    /// in `output` the payload behind it begins.
    package mutating func open(
        _ datagram: RawSpan, into output: inout OutputRawSpan
    ) throws(StreamFault) -> (address: TargetAddress, salt: Salt, payloadOffset: Int) {
        let saltLength = credential.method.saltLength
        guard datagram.byteCount > saltLength + AEADAlgorithm.tagLength else { throw .notAuthentic }
        let salt = Salt(datagram.extracting(first: saltLength))
        credential.key(&opener, salt: salt)
        let start = output.byteCount
        try opener.open(datagram.extracting(droppingFirst: saltLength), into: &output, nonce: Nonce())
        guard let (address, length) = try TargetAddress.decode(output.bytes.extracting(droppingFirst: start)) else {
            throw .malformedAddress
        }
        return (address, salt, start + length)
    }
}
