// SIP004: the nonce of a stream starts at zero and counts up, little-endian over its full width, once per
// sealed or opened piece. A datagram of SIP004 uses the zero nonce; one of SIP022 brings its own bytes.

/// Up to 24 nonce bytes; an AEAD reads as many from the front as it needs.
package struct Nonce: Equatable, Sendable {
    private var words: (UInt64, UInt64, UInt64)

    /// The zero nonce, or a counter that has already reached `counter`.
    package init(counter: UInt64 = 0) {
        words = (counter.littleEndian, 0, 0)
    }

    /// At most 24 bytes; missing ones are zero.
    package init(_ bytes: RawSpan) {
        precondition(bytes.byteCount <= 24, "a nonce has at most 24 bytes")
        words = (0, 0, 0)
        withUnsafeMutableBytes(of: &words) { target in
            bytes.withUnsafeBytes { target.copyMemory(from: $0) }
        }
    }

    /// Counts up by one with carry over all 192 bits.
    package mutating func increment() {
        words.0 = (UInt64(littleEndian: words.0) &+ 1).littleEndian
        if words.0 != 0 { return }
        words.1 = (UInt64(littleEndian: words.1) &+ 1).littleEndian
        if words.1 != 0 { return }
        words.2 = (UInt64(littleEndian: words.2) &+ 1).littleEndian
    }

    func withUnsafeBytes<R>(_ body: (UnsafePointer<UInt8>) -> R) -> R {
        Swift.withUnsafeBytes(of: words) { bytes in
            // 24 contiguous bytes that live for the call; a tuple of integers has no padding here.
            body(bytes.baseAddress!.assumingMemoryBound(to: UInt8.self))
        }
    }

    package static func == (a: Nonce, b: Nonce) -> Bool { a.words == b.words }
}
