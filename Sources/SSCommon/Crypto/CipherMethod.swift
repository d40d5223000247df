// The methods of SIP004 (classic AEAD) and SIP022 (Shadowsocks 2022). Every size the wire depends on is derived here
// and nowhere else.

/// An encryption method by its canonical name.
package enum CipherMethod: String, CaseIterable, Sendable {
    /// SIP022 with AES-256-GCM: 32-byte key and salt.
    case blake3AES256GCM = "2022-blake3-aes-256-gcm"
    /// SIP022 with AES-128-GCM: 16-byte key and salt.
    case blake3AES128GCM = "2022-blake3-aes-128-gcm"
    /// SIP022 with ChaCha20-Poly1305, XChaCha20-Poly1305 for datagrams: 32-byte key and salt.
    case blake3ChaCha20Poly1305 = "2022-blake3-chacha20-poly1305"
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

    /// Which document says what is on the wire.
    package enum Edition: Sendable {
        /// Keys from passwords, no time in a stream.
        case sip004
        /// Keys of random bytes, timestamps, headers.
        case sip022
    }

    package var edition: Edition {
        switch self {
        case .blake3AES256GCM, .blake3AES128GCM, .blake3ChaCha20Poly1305: .sip022
        case .aes128GCM, .aes192GCM, .aes256GCM, .chacha20Poly1305, .xchacha20Poly1305: .sip004
        }
    }

    /// The methods of one edition, best first.
    package static func all(of edition: Edition) -> [CipherMethod] { allCases.filter { $0.edition == edition } }

    /// The AEAD that seals chunks, and datagrams but for `2022-blake3-chacha20-poly1305`.
    package var aead: AEADAlgorithm {
        switch self {
        case .blake3AES128GCM, .aes128GCM: .aes128GCM
        case .aes192GCM: .aes192GCM
        case .blake3AES256GCM, .aes256GCM: .aes256GCM
        case .blake3ChaCha20Poly1305, .chacha20Poly1305: .chacha20Poly1305
        case .xchacha20Poly1305: .xchacha20Poly1305
        }
    }

    /// Bytes of the master key and of each session key.
    package var keyLength: Int { aead.keyLength }

    /// Bytes of the salt in front of a stream or datagram; equal to the key length in every edition.
    package var saltLength: Int { aead.keyLength }

    /// The largest payload of one stream chunk: 0x3FFF in SIP004, 0xFFFF in SIP022.
    package var maximumChunkPayload: Int {
        switch edition {
        case .sip004: 0x3fff
        case .sip022: 0xffff
        }
    }

    /// Whether SIP023's identity headers exist for it: they and the datagrams' headers are AES blocks.
    package var hasIdentityHeaders: Bool {
        switch self {
        case .blake3AES256GCM, .blake3AES128GCM: true
        case .blake3ChaCha20Poly1305, .aes128GCM, .aes192GCM, .aes256GCM, .chacha20Poly1305, .xchacha20Poly1305: false
        }
    }

    /// Whether SIP022's datagrams are sealed under a key of their session's own.
    var hasSessionKeys: Bool { hasIdentityHeaders }
}
