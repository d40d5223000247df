// Ciphers by their names in libcrypto 3.
internal import COpenSSL

/// An implementation looked up in libcrypto's providers once; `EVP_aes_256_gcm()` would be looked up anew, under
/// a lock, each time a context is made.
struct FetchedCipher: Sendable {
    // Immutable and reference-counted inside libcrypto; never freed.
    nonisolated(unsafe) let pointer: OpaquePointer

    private init(_ name: String) {
        guard let pointer = EVP_CIPHER_fetch(nil, name, nil) else { fatalError("libcrypto lacks \(name)") }
        self.pointer = pointer
    }

    static let aes128ECB = FetchedCipher("AES-128-ECB")
    static let aes256ECB = FetchedCipher("AES-256-ECB")
    static let aes128GCM = FetchedCipher("AES-128-GCM")
    static let aes192GCM = FetchedCipher("AES-192-GCM")
    static let aes256GCM = FetchedCipher("AES-256-GCM")
    static let chacha20Poly1305 = FetchedCipher("ChaCha20-Poly1305")
}
