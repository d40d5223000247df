// A fingerprint for every suffix of a name, from the last label to the first, each from the one before it: looking a name up
// among rules for suffixes costs one pass over it. Keyed, so that nobody outside can make names that collide.

/// 64 bits of which two names have the same with a probability of 2^-64.
struct NameHash: Sendable {
    private let first: UInt64
    private let second: UInt64

    init(seed: (UInt64, UInt64)) {
        first = seed.0 | 1
        second = seed.1 | 1
    }

    /// Of no label.
    var empty: UInt64 { first }

    /// Of the suffix that `label` makes of the one that `suffix` is the fingerprint of. Never 0.
    @inline(__always)
    func extended(_ suffix: UInt64, by label: UnsafeRawBufferPointer) -> UInt64 {
        var state = suffix ^ (UInt64(label.count) &* 0x9e37_79b9_7f4a_7c15)
        var offset = 0
        while label.count - offset > 8 {
            state = Self.mixed(state ^ label.loadUnaligned(fromByteOffset: offset, as: UInt64.self), second)
            offset += 8
        }
        let result = Self.mixed(state ^ Self.last(label), first ^ 0xe703_7ed1_a0b4_28db)
        return result == 0 ? 1 : result
    }

    /// The last eight bytes, of which some may have been seen before, or all if there are fewer.
    @inline(__always)
    private static func last(_ label: UnsafeRawBufferPointer) -> UInt64 {
        let count = label.count
        if count >= 8 { return label.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self) }
        if count >= 4 {
            let head = label.loadUnaligned(fromByteOffset: 0, as: UInt32.self)
            let tail = label.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)
            return UInt64(head) | UInt64(tail) << 32
        }
        guard count > 0 else { return 0 }
        return UInt64(label[0]) | UInt64(label[count / 2]) << 8 | UInt64(label[count - 1]) << 16
    }

    /// Both halves of a product, folded.
    @inline(__always)
    private static func mixed(_ value: UInt64, _ key: UInt64) -> UInt64 {
        let product = (value ^ 0xa076_1d64_78bd_642f).multipliedFullWidth(by: key)
        return product.high ^ product.low
    }
}
