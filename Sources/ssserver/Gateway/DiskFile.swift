// One kept answer on disk, read with its sums.
internal import SSCommon
internal import SSServerCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// An open descriptor, closed with the object.
final class DiskDescriptor: Sendable {
    let number: CInt

    /// Nil if it cannot be opened; `errno` says why.
    init?(_ path: String, _ flags: CInt) {
        number = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard number >= 0 else { return nil }
    }

    deinit { close(number) }

    /// Bytes that the file has; nil if that cannot be told.
    var size: Int? {
        let end = lseek(number, 0, SEEK_END)
        return end < 0 ? nil : Int(end)
    }

    /// Exactly so many bytes; nil if there are fewer or they cannot be read.
    func read(at offset: Int, count: Int) -> [UInt8]? {
        var isWhole = true
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            isWhole = fill(UnsafeMutableRawBufferPointer(buffer), at: offset)
            filled = isWhole ? count : 0
        }
        return isWhole ? bytes : nil
    }

    func fill(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Bool {
        var filled = 0
        while filled < buffer.count {
            let got = pread(number, buffer.baseAddress! + filled, buffer.count - filled, off_t(offset + filled))
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { return false }
            filled += got
        }
        return true
    }

    /// False if not all could be written; `errno` says why.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Bool {
        var written = 0
        while written < bytes.count {
            let put = pwrite(number, bytes.baseAddress! + written, bytes.count - written, off_t(offset + written))
            if put < 0, errno == EINTR { continue }
            guard put > 0 else { return false }
            written += put
        }
        return true
    }
}

struct DiskFile: StoredFile {
    let path: String
    let sum: DiskSum
    /// Where the body begins, and how long it is.
    let start: Int
    let count: Int

    func opened() -> (any StoredFileReader)? { reader() }

    func reader() -> Reader? {
        guard let descriptor = DiskDescriptor(path, O_RDONLY),
            let back = descriptor.read(at: start + count, count: DiskRecord.backCount(count))
        else { return nil }
        return Reader(file: self, descriptor: descriptor, sums: back)
    }

    final class Reader: StoredFileReader {
        private let file: DiskFile
        private let descriptor: DiskDescriptor
        private let sums: [UInt8]

        fileprivate init(file: DiskFile, descriptor: DiskDescriptor, sums: [UInt8]) {
            self.file = file
            self.descriptor = descriptor
            self.sums = sums
        }

        func block(at offset: Int) -> (block: BodyBlock, start: Int)? {
            let index = offset / DiskRecord.blockSize
            let start = index * DiskRecord.blockSize
            guard offset >= 0, offset < file.count else { return nil }
            let block = BodyBlock(capacity: min(DiskRecord.blockSize, file.count - start))
            guard block.fill(by: { descriptor.fill($0, at: file.start + start) }) else { return nil }
            let wanted = sums[(index * 8)..<(index * 8 + 8)].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            let found = block.withBytes(0..<block.capacity) { file.sum.sum($0, at: start) }
            return found == wanted ? (block, start) : nil
        }
    }
}
