// Large files, piece by piece, and a way to see that one has changed.
#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// What tells one state of a file from another.
package struct FileStamp: Hashable, Sendable {
    private let device: UInt64
    private let inode: UInt64
    private let size: Int64
    private let modified: Int64
    private let changed: Int64

    fileprivate init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        #if canImport(Glibc)
            modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
            changed = Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec)
        #else
            modified = Int64(status.st_mtimespec.tv_sec) * 1_000_000_000 + Int64(status.st_mtimespec.tv_nsec)
            changed = Int64(status.st_ctimespec.tv_sec) * 1_000_000_000 + Int64(status.st_ctimespec.tv_nsec)
        #endif
    }

    /// Of what is at `path` now, behind symbolic links; nil if that cannot be said.
    package init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }
}

package enum FilePieces {
    private static let pieceLength = 256 << 10

    /// Reads a regular file of at most `limit` bytes from its beginning to its end. Blocks.
    package static func read(
        _ path: String, limit: Int, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(SmallFile.Failure) {
        // O_NONBLOCK: to open a FIFO must not wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw SmallFile.failure(errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw SmallFile.failure(errno) }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw SmallFile.Failure(description: "it is a directory", help: "name a file in it")
        default: throw SmallFile.Failure(description: "it is no regular file", help: "name a file that stays")
        }
        var total = 0
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceLength, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            #if canImport(Glibc)
                let count = Glibc.read(descriptor, buffer.baseAddress!, buffer.count)
            #else
                let count = Darwin.read(descriptor, buffer.baseAddress!, buffer.count)
            #endif
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SmallFile.failure(errno) }
            guard count > 0 else { return }
            total += count
            guard total <= limit else {
                throw SmallFile.Failure(
                    description: "it is larger than \(limit >> 20) MiB", help: "is this the right file?")
            }
            body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }
}
