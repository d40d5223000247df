// Where somebody had come to in a log, so that after a restart, or after the file was cut, no line is lost or counted again.

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

struct LogPosition: Codable, Hashable, Sendable {
    var device: UInt64
    var inode: UInt64
    /// Behind the last whole line that was read.
    var offset: UInt64
    /// The up to 256 bytes before `offset`, as they stand in the file. Inodes are used again; these bytes, with the times of two lines
    /// or more in them, are not.
    var fingerprint: [UInt8]

    static let fingerprintLength = 256

    init(_ file: FileIdentity, offset: UInt64 = 0, fingerprint: [UInt8] = []) {
        device = file.device
        inode = file.inode
        self.offset = offset
        self.fingerprint = fingerprint
    }

    var file: FileIdentity { FileIdentity(device: device, inode: inode) }

    /// Whether the file behind `descriptor` has the same bytes before `offset`.
    func matches(_ descriptor: CInt) -> Bool {
        let count = UInt64(fingerprint.count)
        // It may come from a file that somebody has written to.
        guard count == min(offset, UInt64(Self.fingerprintLength)), let start = off_t(exactly: offset - count) else {
            return false
        }
        return FilePart.read(descriptor, count: fingerprint.count, at: start) == fingerprint
    }
}

/// Which file it is, under whatever name.
struct FileIdentity: Hashable, Sendable {
    var device: UInt64
    var inode: UInt64

    init(device: UInt64, inode: UInt64) {
        self.device = device
        self.inode = inode
    }

    init(_ status: stat) {
        device = UInt64(truncatingIfNeeded: status.st_dev)
        inode = UInt64(status.st_ino)
    }

    /// Of what is at `path` now, behind symbolic links; nil if nothing is.
    init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }
}

/// Some bytes of a file, wherever its readers are.
enum FilePart {
    /// How many came, which are fewer at the end only; -1 and errno if they cannot be read. In one call: between two the file
    /// may be cut, and what comes would be torn out of two files.
    static func read(_ descriptor: CInt, _ room: UnsafeMutableRawBufferPointer, at offset: off_t) -> Int {
        while true {
            let count = pread(descriptor, room.baseAddress, room.count, offset)
            if count >= 0 || errno != EINTR { return count }
        }
    }

    static func read(_ descriptor: CInt, count: Int, at offset: off_t) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = max(0, read(descriptor, UnsafeMutableRawBufferPointer(buffer), at: offset))
        }
    }
}
