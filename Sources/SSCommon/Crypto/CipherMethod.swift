// The methods of SIP004 (classic AEAD). Every size the wire depends on is derived here and nowhere else.

/// An encryption method by its canonical name.
package enum CipherMethod: String, CaseIterable, Sendable {
    /// AES-128-GCM, 16-byte key and salt.
    case aes128GCM = "aes-128-gcm"
    /// AES-192-GCM, 24-byte key and salt.
    case aes192GCM = "aes-192-gcm"
    /// AES-256-GCM, 32-byte key and salt.
    case aes256GCM = "aes-256-gcm"
    /// ChaCha20-Poly1305 of RFC 8439, 32-byte key and salt.
    case chacha20Poly1305 = "chacha20-ietf-poly1305"
    /// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha), 32-byte key and salt, 24-byte nonce.
    case xchacha20Poly1305 = "xchacha20-ietf-poly1305"

    /// The AEAD that seals chunks and datagrams.
    package var aead: AEADAlgorithm {
        switch self {
        case .aes128GCM: .aes128GCM
        case .aes192GCM: .aes192GCM
        case .aes256GCM: .aes256GCM
        case .chacha20Poly1305: .chacha20Poly1305
        case .xchacha20Poly1305: .xchacha20Poly1305
        }
    }

    /// Bytes of the master key and of each session key.
    package var keyLength: Int { aead.keyLength }

    /// Bytes of the salt in front of a stream or datagram; equal to the key length in every edition.
    package var saltLength: Int { aead.keyLength }

    /// The largest payload of one stream chunk: 0x3FFF in SIP004.
    package var maximumChunkPayload: Int { 0x3fff }
}
