// Single AES blocks, as SIP022 hides the headers of datagrams and SIP023 names users: a key known to both encrypts 16
// bytes that are never the same twice. Not a mode for anything longer.
internal import COpenSSL

/// A keyed AES that encrypts or decrypts blocks of 16 bytes. Confined to one event loop.
package final class AESBlock {
    package static let length = 16

    private let context: OpaquePointer

    /// `key` has 16 or 32 bytes.
    package init(_ key: UnsafeRawBufferPointer, _ direction: AEADContext.Direction) {
        precondition(key.count == 16 || key.count == 32, "AES-128 or AES-256")
        guard let context = EVP_CIPHER_CTX_new() else { fatalError("no memory for a cipher") }
        let cipher = key.count == 16 ? FetchedCipher.aes128ECB : FetchedCipher.aes256ECB
        let bytes = key.baseAddress!.assumingMemoryBound(to: UInt8.self)
        let ok = EVP_CipherInit_ex(context, cipher.pointer, nil, bytes, nil, direction == .seal ? 1 : 0)
        precondition(ok == 1, "libcrypto lacks AES-ECB")
        EVP_CIPHER_CTX_set_padding(context, 0)
        self.context = context
    }

    package static func of(_ key: SecretKey, _ direction: AEADContext.Direction) -> AESBlock {
        key.withUnsafeBytes { AESBlock($0, direction) }
    }

    deinit { EVP_CIPHER_CTX_free(context) }

    /// One block from `source` to `target`, which may be the same place.
    package func apply(_ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer) {
        var written: CInt = 0
        let ok = EVP_CipherUpdate(
            context, target.assumingMemoryBound(to: UInt8.self), &written,
            source.assumingMemoryBound(to: UInt8.self), CInt(Self.length))
        precondition(ok == 1 && written == CInt(Self.length), "libcrypto refused a block")
    }
}
