// Whole small files: configurations and keys. Bounded, and with a look at who may read them.
#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

package struct SmallFile: Sendable {
    /// Why a file cannot be had, in words for a person.
    package struct Failure: Error, Sendable, CustomStringConvertible {
        package let description: String
        /// What to do about it.
        package let help: String

        package init(description: String, help: String) {
            self.description = description
            self.help = help
        }
    }

    package let bytes: [UInt8]
    /// Permission bits, such as 0o600.
    package let mode: UInt32

    /// Whether others than the owner may read or write it.
    package var isOpenToOthers: Bool { mode & 0o077 != 0 }

    /// Whether there is anything at `path`.
    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 || errno != ENOENT }

    /// Reads all of a regular file (or pipe) of at most `limit` bytes.
    package init(_ path: String, limit: Int) throws(Failure) {
        // O_NONBLOCK: a FIFO without a writer must not hold us up.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw Self.failure(errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.failure(errno) }
        guard status.st_mode & S_IFMT != S_IFDIR else {
            throw Failure(description: "it is a directory", help: "name a file in it")
        }
        if status.st_mode & S_IFMT == S_IFREG, status.st_size > limit { throw Self.tooLarge(limit) }
        mode = UInt32(status.st_mode) & 0o7777
        var bytes: [UInt8] = []
        while true {
            let before = bytes.count
            bytes.append(contentsOf: repeatElement(0, count: 64 * 1024))
            let count = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress! + before, 64 * 1024) }
            let code = errno
            bytes.removeLast(64 * 1024 - max(0, count))
            if count == 0 { break }
            if count < 0 {
                if code == EINTR { continue }
                if code == EAGAIN, Self.waitForBytes(descriptor) { continue }
                throw Self.failure(code)
            }
            guard bytes.count <= limit else { throw Self.tooLarge(limit) }
        }
        self.bytes = bytes
    }

    /// A pipe (`--password-file <(pass show vps)`) may be opened before anything was written into it. False after ten
    /// seconds of nothing.
    private static func waitForBytes(_ descriptor: CInt) -> Bool {
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&request, 1, 10_000) > 0
    }

    private static func tooLarge(_ limit: Int) -> Failure {
        let size = limit % 1024 == 0 ? "\(limit / 1024) KiB" : "\(limit) bytes"
        return Failure(description: "it is larger than \(size)", help: "is this the right file?")
    }

    static func failure(_ code: CInt) -> Failure {
        switch code {
        case ENOENT:
            Failure(
                description: "there is no such file",
                help: "compare the name; a relative path starts in the current directory")
        case EACCES, EPERM:
            Failure(
                description: "it may not be read by this user",
                help: "make it the file of the user who runs the program: chown USER FILE, chmod 600 FILE")
        case EAGAIN: Failure(description: "it is a pipe that nobody writes to", help: "write into it, or name a file")
        default: Failure(description: String(cString: strerror(code)), help: "compare the path and the disk")
        }
    }
}
