// A value behind a pthread mutex. Synchronization's Mutex would do, but ThreadSanitizer cannot see into it and then
// reports races that are none.
#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Unchecked, because every access to `value` is between the lock and the unlock of a mutex that lives exactly as long
/// as this object, at an address that does not move.
final class Locked<Value: Sendable>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var value: Value

    init(_ value: Value) {
        self.value = value
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value)
    }
}
