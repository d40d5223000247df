// The random bytes in front of every stream and datagram; with the master key they make its session key.

/// A salt of 16, 24 or 32 bytes.
package struct Salt: Hashable, Sendable {
    package static let maximumLength = 32
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    package let count: Int

    /// A fresh random salt for `method`.
    package static func random(for method: CipherMethod) -> Salt {
        var salt = Salt(count: method.saltLength)
        Swift.withUnsafeMutableBytes(of: &salt.words) {
            Sodium.randomize(UnsafeMutableRawBufferPointer(rebasing: $0[..<salt.count]))
        }
        return salt
    }

    /// Copies 1...32 bytes.
    package init(_ bytes: RawSpan) {
        self.init(count: bytes.byteCount)
        Swift.withUnsafeMutableBytes(of: &words) { target in
            bytes.withUnsafeBytes { target.copyMemory(from: $0) }
        }
    }

    private init(count: Int) {
        precondition((1...Self.maximumLength).contains(count), "no salt has \(count) bytes")
        self.count = count
    }

    package func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        Swift.withUnsafeBytes(of: words) { body(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }

    package static func == (a: Salt, b: Salt) -> Bool { a.count == b.count && a.words == b.words }

    package func hash(into hasher: inout Hasher) {
        withUnsafeBytes { hasher.combine(bytes: $0) }
    }
}
