// Single AES blocks, as SIP022 hides the headers of datagrams and SIP023 names users: a key known to both encrypts 16
// bytes that are never the same twice. Not a mode for anything longer.
internal import CCrypto

/// A keyed AES that encrypts or decrypts blocks of 16 bytes. Confined to one event loop.
package final class AESBlock {
    package static let length = 16

    private let keyed: OpaquePointer

    /// `key` has 16 or 32 bytes.
    package init(_ key: UnsafeRawBufferPointer, _ direction: AEADContext.Direction) {
        precondition(key.count == 16 || key.count == 32, "AES-128 or AES-256")
        let bytes = key.baseAddress!.assumingMemoryBound(to: UInt8.self)
        guard let keyed = ss_aes_new(bytes, key.count, direction == .seal ? 1 : 0) else {
            fatalError("no memory for a cipher")
        }
        self.keyed = keyed
    }

    package static func of(_ key: SecretKey, _ direction: AEADContext.Direction) -> AESBlock {
        key.withUnsafeBytes { AESBlock($0, direction) }
    }

    deinit { ss_aes_free(keyed) }

    /// One block from `source` to `target`, which may be the same place.
    package func apply(_ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer) {
        ss_aes_apply(
            keyed, target.assumingMemoryBound(to: UInt8.self), source.assumingMemoryBound(to: UInt8.self))
    }
}
