// What stands at a path where a log should be.

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

enum LogOpening {
    case file(FollowedFile)
    /// A FIFO, a terminal or the like: what is read is gone.
    case stream(LogStream)
    case missing
    case unreadable(UnreadableLog)

    /// Waits for nobody: a FIFO without a writer is open at once.
    static func open(_ path: String) -> LogOpening {
        let (descriptor, code) = descriptor(path, 0)
        guard descriptor >= 0 else {
            return code == ENOENT || code == ENOTDIR ? .missing : .unreadable(UnreadableLog(path, code))
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let code = errno
            close(descriptor)
            return .unreadable(UnreadableLog(path, code))
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG:
            if let fault = fault(path, descriptor) {
                close(descriptor)
                return .unreadable(fault)
            }
            return .file(FollowedFile(descriptor, FileIdentity(status)))
        case S_IFDIR:
            close(descriptor)
            return .unreadable(UnreadableLog(path, EISDIR))
        default:  // of a number, not of an enum of ours
            return .stream(LogStream(path, descriptor))
        }
    }

    /// A descriptor of a regular file beside a log, and what it is. Links are others' business.
    static func openSibling(_ path: String) -> (descriptor: CInt, status: stat)? {
        let (descriptor, _) = descriptor(path, O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, fault(path, descriptor) == nil else {
            close(descriptor)
            return nil
        }
        return (descriptor, status)
    }

    private static func descriptor(_ path: String, _ flags: CInt) -> (CInt, code: CInt) {
        while true {
            #if canImport(Glibc)
                let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags)
            #else
                let descriptor = Darwin.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags)
            #endif
            let code = errno
            if descriptor >= 0 || code != EINTR { return (descriptor, code) }
        }
    }

    private static func fault(_ path: String, _ descriptor: CInt) -> UnreadableLog? {
        FilePart.read(descriptor, count: 4096, at: 0).withUnsafeBytes { UnreadableLog(path, start: $0) }
    }
}
