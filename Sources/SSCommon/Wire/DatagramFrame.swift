// What stands in front of a SIP022 datagram's sealed body. AES methods: the separate header, one block under the key of
// whoever reads it first, then SIP023's identity headers, a block for each server on the way (3.2). ChaCha20's: the nonce.

enum DatagramFrame {
    /// Of ChaCha20's method.
    fileprivate static let nonceLength = 24
}

/// The frame of what is sent.
struct OutgoingFrame {
    private enum Kind {
        /// Under the key of `header`; each identity under the key of its block.
        case separate(header: AESBlock, identities: [(AESBlock, UserIdentity)])
        /// The nonce, in the clear.
        case nonce
    }

    private let kind: Kind
    /// Bytes up to the header in the body.
    let length: Int

    /// From a client to its server.
    init(client credential: Credential) {
        self.init(
            credential.method, key: credential.identities.first?.key ?? credential.key,
            identities: credential.identities)
    }

    /// From a server to a user.
    init(answersOf credential: Credential) {
        self.init(credential.method, key: credential.key, identities: [])
    }

    private init(_ method: CipherMethod, key: SecretKey, identities: [IdentityKey]) {
        if method.hasIdentityHeaders {
            kind = .separate(
                header: .of(key, .seal), identities: identities.map { (AESBlock.of($0.key, .seal), $0.named) })
            length = DatagramNumber.length * (1 + identities.count)
        } else {
            kind = .nonce
            length = DatagramFrame.nonceLength + DatagramNumber.length
        }
    }

    /// Appends everything up to the header in the sealed body; that starts at `start`.
    func begin(
        _ number: DatagramNumber, _ random: inout SaltSource, into output: inout OutputRawSpan
    ) -> (start: Int, nonce: Nonce) {
        switch kind {
        case .separate(let header, let identities):
            let front = output.byteCount
            number.encode(into: &output)
            for (block, identity) in identities { Self.seal(identity, number, with: block, into: &output) }
            output.withUnsafeMutableBytes { buffer, _ in
                header.apply(buffer.baseAddress! + front, to: buffer.baseAddress! + front)
            }
            return (output.byteCount, number.nonce)
        case .nonce:
            let nonce = random.next(count: DatagramFrame.nonceLength)
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
}

/// The frame of what is received.
struct IncomingFrame {
    private enum Kind {
        /// Under the key of `header`, and so is the identity if there is one.
        case separate(header: AESBlock, hasIdentity: Bool)
        /// The nonce, in the clear.
        case nonce
    }

    private let kind: Kind

    /// What a client gets from its server, and a server from those who have its own key.
    init(_ credential: Credential) {
        self.init(credential.method, key: credential.key, hasIdentity: false)
    }

    /// What a server gets from users who name themselves under the key of `credential`.
    init(namedUnder credential: Credential) {
        self.init(credential.method, key: credential.key, hasIdentity: true)
    }

    private init(_ method: CipherMethod, key: SecretKey, hasIdentity: Bool) {
        kind = method.hasIdentityHeaders ? .separate(header: .of(key, .open), hasIdentity: hasIdentity) : .nonce
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
        case .separate(let header, let hasIdentity):
            let bodyOffset = DatagramNumber.length + (hasIdentity ? UserIdentity.length : 0)
            guard datagram.byteCount > bodyOffset + AEADAlgorithm.tagLength else { throw .notAuthentic }
            let number = Self.open(datagram, at: 0, with: header) { DatagramNumber($0) }
            let identity: UserIdentity? =
                hasIdentity
                ? Self.open(datagram, at: DatagramNumber.length, with: header) { UserIdentity($0, mixedWith: number) }
                : nil
            return Front(number: number, identity: identity, nonce: number.nonce, bodyOffset: bodyOffset)
        case .nonce:
            let bodyOffset = DatagramFrame.nonceLength
            guard datagram.byteCount > bodyOffset + DatagramNumber.length + AEADAlgorithm.tagLength else {
                throw .notAuthentic
            }
            let nonce = Nonce(datagram.extracting(first: bodyOffset))
            return Front(number: nil, identity: nil, nonce: nonce, bodyOffset: bodyOffset)
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
