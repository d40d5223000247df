// What two ends of a tunnel share: the method and the long-lived key. Session keys come out of here, so that the framing
// does not know how SIP004 (HKDF-SHA1) and SIP022 (BLAKE3) derive them.

/// A method with its key, and on a client the keys that name it on the way.
package struct Credential: Sendable {
    package let method: CipherMethod
    /// SIP004: the master key. SIP022: the pre-shared key; with SIP023 the user's own.
    package let key: SecretKey
    /// SIP023, on a client: the servers on the way, in the order they are passed.
    package let identities: [IdentityKey]

    /// `servers` are the pre-shared keys of the servers on the way.
    package init(method: CipherMethod, key: SecretKey, servers: [SecretKey] = []) {
        precondition(key.count == method.keyLength, "a \(method.rawValue) key has \(method.keyLength) bytes")
        precondition(servers.isEmpty || method.hasIdentityHeaders, "\(method.rawValue) names nobody")
        self.method = method
        self.key = key
        identities = zip(servers, servers.dropFirst() + [key]).map { IdentityKey(key: $0, named: UserIdentity(of: $1)) }
    }

    /// The credential that every classic program derives from this password (SIP004).
    package init(method: CipherMethod, password: String) {
        precondition(method.edition == .sip004, "keys of SIP022 are no passwords")
        self.init(method: method, key: MasterKey.derive(password: password, method: method))
    }

    /// What "password" in a configuration means for `method`: any text in SIP004, keys in base64 in SIP022.
    package init(method: CipherMethod, secret: String) throws(PreSharedKeys.Fault) {
        switch method.edition {
        case .sip004:
            self.init(method: method, password: secret)
        case .sip022:
            let keys = try PreSharedKeys.decode(secret, for: method)
            self.init(method: method, key: keys[keys.count - 1], servers: Array(keys.dropLast()))
        }
    }

    /// Whether both open the same things.
    package func isSame(as other: Credential) -> Bool {
        method == other.method && key.isSame(as: other.key) && identities.count == other.identities.count
            && zip(identities, other.identities).allSatisfy { $0.key.isSame(as: $1.key) && $0.named == $1.named }
    }

    /// Keys `context` for the stream direction or datagram that carries `salt` (in SIP022's datagrams: the session).
    package func key(_ context: inout AEADContext, salt: Salt) {
        withUnsafeTemporaryAllocation(byteCount: method.keyLength, alignment: 8) { session in
            key.withUnsafeBytes { master in
                salt.withUnsafeBytes { salt in
                    switch method.edition {
                    case .sip004: HKDFSHA1.derive(key: master, salt: salt, info: "ss-subkey", into: session)
                    case .sip022: SessionKey.derive(.session, from: master, salt, into: session)
                    }
                }
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

/// SIP022 3.1.1, SIP023 3.1: keys by BLAKE3 out of a pre-shared key and a salt.
enum SessionKey {
    enum Purpose {
        case session, identity

        fileprivate var context: BLAKE3.Purpose {
            switch self {
            case .session: Self.sessionContext
            case .identity: Self.identityContext
            }
        }

        private static let sessionContext = BLAKE3.Purpose("shadowsocks 2022 session subkey")
        private static let identityContext = BLAKE3.Purpose("shadowsocks 2022 identity subkey")
    }

    /// `key` and `salt` have at most 32 bytes each.
    static func derive(
        _ purpose: Purpose, from key: UnsafeRawBufferPointer, _ salt: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer
    ) {
        withUnsafeTemporaryAllocation(byteCount: key.count + salt.count, alignment: 8) { material in
            material.copyMemory(from: key)
            UnsafeMutableRawBufferPointer(rebasing: material[key.count...]).copyMemory(from: salt)
            BLAKE3.deriveKey(purpose.context, UnsafeRawBufferPointer(material), into: output)
            Sodium.wipe(material)
        }
    }
}
