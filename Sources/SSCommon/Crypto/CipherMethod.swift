// The methods of SIP004 (classic AEAD) by their canonical names.

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
}
