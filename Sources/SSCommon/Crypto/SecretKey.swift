// A long-lived key: in memory that is locked (never swapped), fenced by guard pages and wiped when freed.
// It is a class so that copies of the reference never copy the bytes. Session keys, which live for the
// microsecond between derivation and the cipher's own key schedule, stay on the stack instead.
internal import CSodium

/// A master key or pre-shared key.
package final class SecretKey: Sendable {
    // Written once in `init`, before anybody else can hold the reference; only read after that.
    private nonisolated(unsafe) let storage: UnsafeMutableRawPointer
    package let count: Int

    /// Locked memory of `count` bytes (one or more), written once by `fill`.
    package init(count: Int, fill: (UnsafeMutableRawBufferPointer) -> Void) {
        _ = Sodium.ready
        // sodium_malloc fails only when memory has run out entirely.
        guard let memory = sodium_malloc(count) else { fatalError("no memory for a key") }
        fill(UnsafeMutableRawBufferPointer(start: memory, count: count))
        sodium_mprotect_readonly(memory)
        storage = memory
        self.count = count
    }

    /// Copies `bytes`; the caller's copy is the caller's to wipe.
    package convenience init(_ bytes: [UInt8]) {
        self.init(count: bytes.count) { $0.copyBytes(from: bytes) }
    }

    deinit { sodium_free(storage) }

    package func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        defer { withExtendedLifetime(self) {} }
        return try body(UnsafeRawBufferPointer(start: storage, count: count))
    }

    /// Compares in constant time; lengths are not secret.
    package func isSame(as other: SecretKey) -> Bool {
        count == other.count && sodium_memcmp(storage, other.storage, count) == 0
    }
}

extension SecretKey: CustomStringConvertible {
    package var description: String { "••••" }
}
