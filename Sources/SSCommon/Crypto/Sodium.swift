// libsodium's general services: randomness, wiping, comparison in constant time. Its one-time set-up picks
// the implementations for this CPU and must run before anything else of it.
internal import CSodium

package enum Sodium {
    /// Runs `sodium_init` once per process; traps if the library has no source of randomness.
    package static let ready: Void = {
        precondition(sodium_init() >= 0, "libsodium could not be initialised: no source of randomness")
    }()

    /// Fills `bytes` from the system's cryptographic generator.
    package static func randomize(_ bytes: UnsafeMutableRawBufferPointer) {
        _ = ready
        if let base = bytes.baseAddress { randombytes_buf(base, bytes.count) }
    }

    /// `count` random bytes.
    package static func random(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            randomize(UnsafeMutableRawBufferPointer(buffer))
            initialized = count
        }
    }

    /// Overwrites `bytes` with zeros in a way the compiler keeps.
    package static func wipe(_ bytes: UnsafeMutableRawBufferPointer) {
        if let base = bytes.baseAddress { sodium_memzero(base, bytes.count) }
    }

    /// Compares without revealing where two secrets differ; their lengths are not secret.
    package static func constantTimeEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        a.count == b.count && sodium_memcmp(a, b, a.count) == 0
    }
}
