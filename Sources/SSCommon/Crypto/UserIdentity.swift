// SIP023: which key comes next is said by the first 16 bytes of its BLAKE3 hash, encrypted under the key before it.

/// The name of a pre-shared key on the wire, once decrypted.
package struct UserIdentity: Hashable, Sendable {
    package static let length = AESBlock.length
    private var words: (UInt64, UInt64) = (0, 0)

    package init(of key: SecretKey) {
        withUnsafeMutableBytes(of: &words) { output in key.withUnsafeBytes { BLAKE3.hash($0, into: output) } }
    }

    /// Filled with 16 bytes by `body`.
    init(_ body: (UnsafeMutableRawBufferPointer) -> Void) {
        withUnsafeMutableBytes(of: &words) { body($0) }
    }

    /// Of 16 bytes that are the identity and `number`, one on the other (SIP023 3.2).
    init(_ bytes: RawSpan, mixedWith number: DatagramNumber) {
        self.init { target in
            var output = OutputRawSpan(buffer: target, initializedCount: 0)
            number.encode(into: &output)
            for index in 0..<Self.length { target[index] ^= bytes[index] }
        }
    }

    func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        Swift.withUnsafeBytes(of: words) { body($0) }
    }

    package static func == (a: UserIdentity, b: UserIdentity) -> Bool { a.words == b.words }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
    }
}

/// A server on a client's way, and whose key comes after its own.
package struct IdentityKey: Sendable {
    package let key: SecretKey
    package let named: UserIdentity
}

/// The identity headers of a stream (SIP023 3.1).
enum StreamIdentity {
    /// Appends one header for each server on the way.
    static func seal(_ credential: Credential, salt: Salt, into output: inout OutputRawSpan) {
        for identity in credential.identities {
            let block = blockCipher(identity.key, salt, .seal)
            identity.named.withUnsafeBytes { identity in
                output.withUnsafeMutableBytes { buffer, initialized in
                    precondition(UserIdentity.length <= buffer.count - initialized, "no room for an identity")
                    block.apply(identity.baseAddress!, to: buffer.baseAddress! + initialized)
                    initialized += UserIdentity.length
                }
            }
        }
    }

    /// What the header at the front of `header` says to the server that has `key`.
    static func open(_ header: RawSpan, key: SecretKey, salt: Salt) -> UserIdentity {
        let block = blockCipher(key, salt, .open)
        return UserIdentity { target in
            header.withUnsafeBytes { block.apply($0.baseAddress!, to: target.baseAddress!) }
        }
    }

    private static func blockCipher(_ key: SecretKey, _ salt: Salt, _ direction: AEADContext.Direction) -> AESBlock {
        withUnsafeTemporaryAllocation(byteCount: key.count, alignment: 8) { derived in
            key.withUnsafeBytes { key in
                salt.withUnsafeBytes { SessionKey.derive(.identity, from: key, $0, into: derived) }
            }
            defer { Sodium.wipe(derived) }
            return AESBlock(UnsafeRawBufferPointer(derived), direction)
        }
    }
}
