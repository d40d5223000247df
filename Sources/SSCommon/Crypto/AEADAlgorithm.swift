// What a chunk or datagram is sealed with, apart from how keys are derived and chunks framed.

/// An AEAD with a 16-byte tag and no associated data.
package enum AEADAlgorithm: Sendable {
    /// NIST SP 800-38D with a 128-bit key.
    case aes128GCM
    /// NIST SP 800-38D with a 192-bit key.
    case aes192GCM
    /// NIST SP 800-38D with a 256-bit key.
    case aes256GCM
    /// RFC 8439.
    case chacha20Poly1305
    /// draft-irtf-cfrg-xchacha-03: HChaCha20 of key and 16 nonce bytes, then RFC 8439.
    case xchacha20Poly1305

    /// Bytes every sealed piece grows by.
    package static let tagLength = 16

    package var keyLength: Int {
        switch self {
        case .aes128GCM: 16
        case .aes192GCM: 24
        case .aes256GCM, .chacha20Poly1305, .xchacha20Poly1305: 32
        }
    }

    package var nonceLength: Int {
        switch self {
        case .aes128GCM, .aes192GCM, .aes256GCM, .chacha20Poly1305: 12
        case .xchacha20Poly1305: 24
        }
    }
}
