// A long-lived key: in memory that is locked (never swapped), fenced by guard pages and wiped when freed.
// It is a class so that copies of the reference never copy the bytes. Session keys, which live for the
// microsecond between derivation and the cipher's own key schedule, stay on the stack instead.
//
// Guarded memory takes several of the process's mappings a key, of which Linux gives 65,530. So the keys of many users are kept
// in plain memory beyond a number; they are wiped when freed like the others.
internal import CSodium
internal import Synchronization

/// A master key or pre-shared key.
package final class SecretKey: Sendable {
    // Written once in `init`, before anybody else can hold the reference; only read after that.
    private nonisolated(unsafe) let storage: UnsafeMutableRawPointer
    package let count: Int
    private let isGuarded: Bool

    /// Keys in guarded memory at once.
    private static let maximumGuarded = 1024
    private static let guarded = Atomic(0)

    /// Locked memory of `count` bytes (one or more), written once by `fill`.
    package init(count: Int, fill: (UnsafeMutableRawBufferPointer) -> Void) {
        _ = Sodium.ready
        let isWanted = Self.guarded.add(1, ordering: .relaxed).newValue <= Self.maximumGuarded
        let memory = isWanted ? sodium_malloc(count) : nil
        isGuarded = memory != nil
        if !isGuarded { Self.guarded.subtract(1, ordering: .relaxed) }
        storage = memory ?? UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 16)
        fill(UnsafeMutableRawBufferPointer(start: storage, count: count))
        if isGuarded { sodium_mprotect_readonly(storage) }
        self.count = count
    }

    /// Copies `bytes`; the caller's copy is the caller's to wipe.
    package convenience init(_ bytes: [UInt8]) {
        self.init(count: bytes.count) { $0.copyBytes(from: bytes) }
    }

    deinit {
        guard isGuarded else {
            sodium_memzero(storage, count)
            storage.deallocate()
            return
        }
        sodium_free(storage)
        Self.guarded.subtract(1, ordering: .relaxed)
    }

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
