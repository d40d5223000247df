// The descriptor log lines go to, and what can go wrong with it: a full disk, a reader that has gone, a pipe
// that nobody empties. Used by the writer's thread alone.
internal import SSCommon

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Why a log could not be opened.
package struct LogFileError: Error, Hashable, Sendable, CustomStringConvertible {
    package let path: String
    package let code: Int32

    package var description: String { "cannot open the log \(path): \(LogFile.reason(code))" }
}

/// An open log.
struct LogFile: Sendable {
    private let path: String?
    private var descriptor: Int32
    /// Whether the last write stopped in the middle of a line, which must then be ended before the next begins.
    private var isTorn = false

    /// A descriptor that stays its owner's, such as standard error.
    init(descriptor: Int32) {
        path = nil
        self.descriptor = descriptor
    }

    /// Appends to a file, which is made for its owner's eyes only if it is not there.
    init(path: String) throws(LogFileError) {
        self.path = path
        descriptor = try Self.open(path)
    }

    private static func open(_ path: String) throws(LogFileError) -> Int32 {
        // O_NONBLOCK: a FIFO without a reader is an error to tell, not a reason to hang. Files ignore it.
        let flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
        while true {
            #if canImport(Glibc)
                let descriptor = Glibc.open(path, flags, 0o600)
            #else
                let descriptor = Darwin.open(path, flags, 0o600)
            #endif
            if descriptor >= 0 { return descriptor }
            if errno != EINTR { throw LogFileError(path: path, code: errno) }
        }
    }

    /// Opens the path anew, as after a rotation. The old file is kept if that fails.
    mutating func reopen() throws(LogFileError) {
        guard let path else { return }
        let fresh = try Self.open(path)
        _ = close(descriptor)
        descriptor = fresh
        isTorn = false
    }

    /// To be called once, at the end.
    func closeFile() {
        if path != nil { _ = close(descriptor) }
    }

    var isTerminal: Bool { isatty(descriptor) == 1 }

    /// Writes all of `bytes`, waiting for as long as `mayWait` says so. Answers how many lines were lost: none, or
    /// those that had not gone when the descriptor failed or waiting ended.
    mutating func write(_ bytes: [UInt8], mayWait: () -> Bool) -> Int {
        let all = isTorn ? [UInt8(ascii: "\n")] + bytes : bytes
        var start = 0
        while start < all.count {
            let result = Self.writeOnce(descriptor, all[start...])
            switch result {
            case .success(let count):
                start += count
            case .failure(let fault) where fault.code == EINTR:
                continue
            case .failure(let fault) where fault.code == EAGAIN && mayWait():
                // Somebody made a shared descriptor non-blocking; look up now and then whether to give up.
                var watched = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&watched, 1, 100)
            case .failure:
                if start > 0 { isTorn = all[start - 1] != UInt8(ascii: "\n") }
                return all[max(start, all.count - bytes.count)...].count { $0 == UInt8(ascii: "\n") }
            }
        }
        isTorn = false
        return 0
    }

    private struct Fault: Error {
        let code: Int32
    }

    private static func writeOnce(_ descriptor: Int32, _ bytes: ArraySlice<UInt8>) -> Result<Int, Fault> {
        // The pointer is used within the closure only; errno is read before anything else can change it.
        bytes.withUnsafeBytes {
            #if canImport(Glibc)
                let count = Glibc.write(descriptor, $0.baseAddress, $0.count)
            #else
                let count = Darwin.write(descriptor, $0.baseAddress, $0.count)
            #endif
            return count >= 0 ? .success(count) : .failure(Fault(code: errno))
        }
    }

    static func reason(_ code: Int32) -> String {
        String(cString: strerror(code))
    }
}
