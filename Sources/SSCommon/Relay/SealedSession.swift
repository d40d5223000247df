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

    /// Seals what `output` holds from `start` on where it stands and appends the tag.
    mutating func seal(from start: Int, in output: inout OutputRawSpan, nonce: Nonce) {
        output.withUnsafeMutableBytes { buffer, initialized in
            precondition(AEADAlgorithm.tagLength <= buffer.count - initialized, "no room to seal")
            let place = buffer.baseAddress! + start
            aead.seal(place, count: initialized - start, to: place, nonce: nonce)
            initialized += AEADAlgorithm.tagLength
        }
    }

    /// Opens `piece` and appends the plaintext to `output`, which must have room.
    mutating func open(_ piece: RawSpan, into output: inout OutputRawSpan, nonce: Nonce) throws(StreamFault) {
        let count = piece.byteCount - AEADAlgorithm.tagLength
        guard count >= 0 else { throw .notAuthentic }
        let isAuthentic = output.withUnsafeMutableBytes { buffer, initialized in
            precondition(count <= buffer.count - initialized, "no room to open")
            let target = buffer.baseAddress! + initialized
            let ok = piece.withUnsafeBytes { aead.open($0.baseAddress!, count: count, to: target, nonce: nonce) }
            if ok { initialized += count }
            return ok
        }
        guard isAuthentic else { throw .notAuthentic }
    }
}
