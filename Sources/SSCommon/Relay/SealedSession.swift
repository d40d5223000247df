// One direction of a SIP022 datagram session: what seals or opens its bodies. With the AES methods that is a key of the
// session's own; with ChaCha20 it is the pre-shared key itself, and each datagram brings its nonce.

struct SealedSession: ~Copyable {
    let method: CipherMethod
    private var aead: AEADContext

    /// For datagrams of `session` under `credential`.
    init(_ credential: Credential, session: UInt64, _ direction: AEADContext.Direction) {
        method = credential.method
        aead = AEADContext(Self.aead(method), direction)
        rekey(credential, session: session)
    }

    /// Bodies of ChaCha20's method are XChaCha20's.
    static func aead(_ method: CipherMethod) -> AEADAlgorithm {
        method.hasSessionKeys ? method.aead : .xchacha20Poly1305
    }

    /// Takes the key of another session, perhaps of another user of the same method.
    mutating func rekey(_ credential: Credential, session: UInt64) {
        if method.hasSessionKeys {
            credential.key(&aead, salt: DatagramNumber.salt(of: session))
        } else {
            credential.key.withUnsafeBytes { aead.rekey($0) }
        }
    }

    mutating func seal(from start: Int, in output: inout OutputRawSpan, nonce: Nonce) {
        aead.seal(from: start, in: &output, nonce: nonce)
    }

    mutating func open(_ piece: RawSpan, into output: inout OutputRawSpan, nonce: Nonce) throws(StreamFault) {
        try aead.open(piece, into: &output, nonce: nonce)
    }
}
