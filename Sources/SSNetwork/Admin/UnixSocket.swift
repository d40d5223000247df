// A Unix socket for the owner alone: bound, closed to others, and only then listened on, so that there is no moment in
// which somebody else could connect.
internal import NIOCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// A bound socket that nobody listens on yet; closes itself unless it is taken.
struct UnixSocket {
    /// sockaddr_un's path, without its zero byte.
    static let maximumPath = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

    /// Why there is no socket, in words for a person.
    struct Failure: Error, CustomStringConvertible {
        let description: String
        /// The system could not do it now; what is wrong otherwise stays so.
        var mayPass = false
    }

    let descriptor: CInt
    private let path: String
    /// Which file it is, to remove no other.
    private let inode: UInt64

    /// Binds `path`, mode 0600. A socket that nobody answers at is what a program that was killed left behind, and is
    /// replaced; one that somebody answers at, and anything that is no socket, is not.
    init(binding path: String) throws(Failure) {
        try Self.clear(path)
        let descriptor = try Self.make()
        guard Self.withAddress(path, { bind(descriptor, $0, $1) }) == 0 else {
            throw Self.failure("bind", closing: descriptor)
        }
        guard chmod(path, 0o600) == 0 else { throw Self.failure("chmod", closing: descriptor) }
        var status = stat()
        guard lstat(path, &status) == 0 else { throw Self.failure("stat", closing: descriptor) }
        self.descriptor = descriptor
        self.path = path
        inode = UInt64(status.st_ino)
    }

    /// A connected socket.
    static func connect(_ path: String) throws(Failure) -> CInt {
        guard path.utf8.count <= maximumPath else { throw tooLong(path) }
        let descriptor = try make()
        let code = withAddress(path) { address, length in
            #if canImport(Glibc)
                Glibc.connect(descriptor, address, length)
            #else
                Darwin.connect(descriptor, address, length)
            #endif
        }
        guard code == 0 else { throw failure("connect", closing: descriptor) }
        return descriptor
    }

    /// Removes the file, if it is still this socket's.
    func removeFile() {
        var status = stat()
        guard lstat(path, &status) == 0, UInt64(status.st_ino) == inode else { return }
        unlink(path)
    }

    private static func clear(_ path: String) throws(Failure) {
        guard path.utf8.count <= maximumPath else { throw tooLong(path) }
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw Failure(description: "there is a file at \(path) that is no socket")
        }
        if let other = try? connect(path) {
            close(other)
            throw Failure(description: "another program answers at \(path)")
        }
        guard unlink(path) == 0 || errno == ENOENT else { throw failure("remove \(path)") }
    }

    private static func make() throws(Failure) -> CInt {
        #if canImport(Glibc)
            let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        #else
            let descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
        #endif
        guard descriptor >= 0 else { throw failure("socket") }
        return descriptor
    }

    private static func tooLong(_ path: String) -> Failure {
        Failure(description: "the path has \(path.utf8.count) bytes, the system takes \(maximumPath): \(path)")
    }

    private static func failure(_ call: String, closing descriptor: CInt? = nil) -> Failure {
        let code = errno
        if let descriptor { close(descriptor) }
        return Failure(description: "\(call): \(String(cString: strerror(code)))", mayPass: true)
    }

    private static func withAddress<R>(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(maximumPath)) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
