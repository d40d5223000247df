// What stands in front of a SIP022 datagram's sealed body. AES methods: the separate header, one block under the key of
// whoever reads it first, then SIP023's identity headers, a block for each server on the way (3.2). ChaCha20's: the nonce.

struct DatagramFrame {
    private enum Kind {
        /// Seals with `outgoing`, opens with `incoming`.
        case separate(outgoing: AESBlock, incoming: AESBlock, identities: [(AESBlock, UserIdentity)])
        /// The nonce, in the clear.
        case nonce
    }

    private static let nonceLength = 24

    private let kind: Kind
    /// Bytes of it, on the way out.
    let length: Int
    /// Bytes of identity headers, on the way in.
    private let identityLength: Int

    /// A client's, to and from its server.
    init(client credential: Credential) {
        let named = (credential.identities.dropFirst() + [credential.key]).map { UserIdentity(of: $0) }
        self.init(
            credential.method, outgoing: credential.identities.first ?? credential.key, incoming: credential.key,
            identities: zip(credential.identities, named).map { (AESBlock.of($0, .seal), $1) })
    }

    /// What a server reads from anybody on a port.
    init(server keys: AcceptedKeys) {
        let key = keys.portCredential.key
        self.init(keys.method, outgoing: key, incoming: key, identityLength: keys.identityLength)
    }

    /// What a server writes to a user.
    init(answersOf credential: Credential) {
        self.init(credential.method, outgoing: credential.key, incoming: credential.key)
    }

    private init(
        _ method: CipherMethod, outgoing: SecretKey, incoming: SecretKey,
        identities: [(AESBlock, UserIdentity)] = [], identityLength: Int = 0
    ) {
        self.identityLength = identityLength
        if method.hasIdentityHeaders {
            kind = .separate(outgoing: .of(outgoing, .seal), incoming: .of(incoming, .open), identities: identities)
            length = DatagramNumber.length * (1 + identities.count)
        } else {
            kind = .nonce
            length = Self.nonceLength + DatagramNumber.length
        }
    }

    /// Appends everything up to the header in the sealed body; that starts at `start`.
    func begin(
        _ number: DatagramNumber, _ random: inout SaltSource, into output: inout OutputRawSpan
    ) -> (start: Int, nonce: Nonce) {
        switch kind {
        case .separate(let outgoing, _, let identities):
            let front = output.byteCount
            number.encode(into: &output)
            for (block, identity) in identities { Self.seal(identity, number, with: block, into: &output) }
            output.withUnsafeMutableBytes { buffer, _ in
                outgoing.apply(buffer.baseAddress! + front, to: buffer.baseAddress! + front)
            }
            return (output.byteCount, number.nonce)
        case .nonce:
            let nonce = random.next(count: Self.nonceLength)
            nonce.withUnsafeBytes { output.append(copying: $0.bytes) }
            let start = output.byteCount
            number.encode(into: &output)
            return (start, nonce.withUnsafeBytes { Nonce($0.bytes) })
        }
    }

    /// The identity's hash mixed with the number, so that it looks different each time, under the server's key.
    private static func seal(
        _ identity: UserIdentity, _ number: DatagramNumber, with block: AESBlock, into output: inout OutputRawSpan
    ) {
        let start = output.byteCount
        number.encode(into: &output)
        output.withUnsafeMutableBytes { buffer, _ in
            identity.withUnsafeBytes { for index in 0..<$0.count { buffer[start + index] ^= $0[index] } }
            block.apply(buffer.baseAddress! + start, to: buffer.baseAddress! + start)
        }
    }

    /// What can be read of a datagram before its body is opened.
    struct Front {
        /// Nil where the body begins with it.
        let number: DatagramNumber?
        /// Whom the first identity header names; nil where there is none.
        let identity: UserIdentity?
        let nonce: Nonce
        /// Where the body begins.
        let bodyOffset: Int
    }

    /// Throws `.notAuthentic` for what is too short to be a datagram.
    func read(_ datagram: RawSpan) throws(StreamFault) -> Front {
        switch kind {
        case .separate(_, let incoming, _):
            let bodyOffset = DatagramNumber.length + identityLength
            guard datagram.byteCount > bodyOffset + AEADAlgorithm.tagLength else { throw .notAuthentic }
            let number = Self.open(datagram, at: 0, with: incoming) { DatagramNumber($0) }
            let identity: UserIdentity? =
                identityLength == 0
                ? nil
                : Self.open(datagram, at: DatagramNumber.length, with: incoming) { UserIdentity($0, mixedWith: number) }
            return Front(number: number, identity: identity, nonce: number.nonce, bodyOffset: bodyOffset)
        case .nonce:
            let shortest = Self.nonceLength + DatagramNumber.length + AEADAlgorithm.tagLength
            guard datagram.byteCount > shortest else { throw .notAuthentic }
            let nonce = Nonce(datagram.extracting(first: Self.nonceLength))
            return Front(number: nil, identity: nil, nonce: nonce, bodyOffset: Self.nonceLength)
        }
    }

    private static func open<Result>(
        _ datagram: RawSpan, at offset: Int, with block: AESBlock, _ body: (RawSpan) -> Result
    ) -> Result {
        withUnsafeTemporaryAllocation(byteCount: AESBlock.length, alignment: 8) { scratch in
            datagram.withUnsafeBytes { block.apply($0.baseAddress! + offset, to: scratch.baseAddress!) }
            return body(UnsafeRawBufferPointer(scratch).bytes)
        }
    }
}
