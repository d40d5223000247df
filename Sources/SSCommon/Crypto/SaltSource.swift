// Salts out of a block of random bytes fetched at once: a datagram needs one each, and asking the kernel every time
// costs more than the rest of its key derivation. Salts are public, so a block in memory gives nothing away.

/// A supply of fresh salts for one method.
package struct SaltSource: ~Copyable {
    private static let blockSize = 4096
    private let count: Int
    private var block: [UInt8]
    private var position: Int

    package init(_ method: CipherMethod) {
        count = method.saltLength
        block = [UInt8](repeating: 0, count: Self.blockSize)
        position = Self.blockSize
    }

    /// A salt that was never handed out before.
    package mutating func next() -> Salt {
        if position + count > Self.blockSize {
            block.withUnsafeMutableBytes { Sodium.randomize($0) }
            position = 0
        }
        defer { position += count }
        return Salt(block.span.bytes.extracting(position..<position + count))
    }
}
