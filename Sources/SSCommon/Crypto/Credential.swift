// What two ends of a tunnel share: the method and the long-lived key. Session keys come out of here, so that
// SIP022's BLAKE3 derivation can stand beside SIP004's without the framing knowing.

/// A method with its master key.
package struct Credential: Sendable {
    package let method: CipherMethod
    package let key: SecretKey

    package init(method: CipherMethod, key: SecretKey) {
        precondition(key.count == method.keyLength, "a \(method.rawValue) key has \(method.keyLength) bytes")
        self.method = method
        self.key = key
    }

    /// The credential that every classic program derives from this password (SIP004).
    package init(method: CipherMethod, password: String) {
        self.init(method: method, key: MasterKey.derive(password: password, method: method))
    }

    /// Keys `context` for the stream direction or datagram that carries `salt`.
    package func key(_ context: inout AEADContext, salt: Salt) {
        withUnsafeTemporaryAllocation(byteCount: method.keyLength, alignment: 8) { session in
            key.withUnsafeBytes { master in
                salt.withUnsafeBytes { HKDFSHA1.derive(key: master, salt: $0, info: "ss-subkey", into: session) }
            }
            context.rekey(UnsafeRawBufferPointer(session))
            Sodium.wipe(session)
        }
    }

    /// A context keyed for the stream direction that carries `salt`.
    package func context(_ direction: AEADContext.Direction, salt: Salt) -> AEADContext {
        var context = AEADContext(method.aead, direction)
        key(&context, salt: salt)
        return context
    }
}
