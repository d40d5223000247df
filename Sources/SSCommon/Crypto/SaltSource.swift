// Salts out of a block of random bytes fetched at once: every stream direction and every datagram needs one, and
// asking the kernel each time costs about as much as deriving the key. Salts are public, so a block in memory gives
// nothing away.

/// A supply of fresh salts; each is handed out once.
package struct SaltSource: ~Copyable {
    private static let blockSize = 4096
    private var block: [UInt8]
    private var position: Int

    package init() {
        block = [UInt8](repeating: 0, count: Self.blockSize)
        position = Self.blockSize
    }

    /// A salt that was never handed out before.
    package mutating func next(for method: CipherMethod) -> Salt { next(count: method.saltLength) }

    /// As many random bytes, 1...32, never handed out before.
    package mutating func next(count: Int) -> Salt {
        if position + count > Self.blockSize {
            block.withUnsafeMutableBytes { Sodium.randomize($0) }
            position = 0
        }
        defer { position += count }
        return Salt(block.span.bytes.extracting(position..<position + count))
    }

    /// A random number.
    package mutating func nextNumber<Number: FixedWidthInteger>(_: Number.Type = Number.self) -> Number {
        next(count: MemoryLayout<Number>.size).withUnsafeBytes { $0.loadUnaligned(as: Number.self) }
    }
}
