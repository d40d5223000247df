// SipHash-2-4, as libsodium has it: 64 bits with a key, for tables and sums that nobody outside can make collide.
internal import CSodium

package struct ShortHash: Sendable {
    package static let keyLength = Int(crypto_shorthash_KEYBYTES)

    private let key: [UInt8]

    /// `key` has `keyLength` bytes.
    package init(key: [UInt8]) {
        precondition(key.count == Self.keyLength, "no key has \(key.count) bytes")
        self.key = key
    }

    package func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var result: UInt64 = 0
        withUnsafeMutableBytes(of: &result) { output in
            _ = crypto_shorthash(
                output.baseAddress!.assumingMemoryBound(to: UInt8.self),
                bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(bytes.count), key)
        }
        return result
    }

    package func hash(_ bytes: [UInt8]) -> UInt64 { bytes.withUnsafeBytes { hash($0) } }
}
