// A file that records of one length are added to, and that is emptied as a whole. What was added is there after the process
// was killed at any instant: the system has it, and a record that is not whole is not counted.
#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Not thread-safe; whoever has it guards it.
final class RecordFile {
    /// Why a file cannot be used.
    struct Failure: Error, CustomStringConvertible {
        let description: String

        init(_ call: String, _ path: String) {
            description = "\(call) \(path): \(String(cString: strerror(errno)))"
        }
    }

    private let descriptor: CInt
    let path: String
    private let headerLength: Int
    private let recordLength: Int
    private var end = 0

    /// Opens or makes `path`, readable by the owner alone. The file begins with `headerLength` bytes of the caller's.
    init(_ path: String, headerLength: Int, recordLength: Int) throws(Failure) {
        self.path = path
        self.headerLength = headerLength
        self.recordLength = recordLength
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Failure("open", path) }
        end = headerLength
    }

    deinit { close(descriptor) }

    /// The header if there is a whole one, and all whole records behind it, at most `limit`.
    func read(limit: Int) -> (header: [UInt8], records: [UInt8])? {
        guard let header = bytes(at: 0, count: headerLength), header.count == headerLength else { return nil }
        guard var records = bytes(at: headerLength, count: limit * recordLength) else { return nil }
        records.removeLast(records.count % recordLength)
        end = headerLength + records.count
        return (header, records)
    }

    private func bytes(at offset: Int, count: Int) -> [UInt8]? {
        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let got = pread(descriptor, buffer.baseAddress! + filled, count - filled, off_t(offset + filled))
                if got < 0, errno == EINTR { continue }
                failed = got < 0
                if got <= 0 { break }
                filled += got
            }
        }
        return failed ? nil : bytes
    }

    /// Throws away every record and begins anew with `header`.
    func begin(_ header: [UInt8]) throws(Failure) {
        precondition(header.count == headerLength, "a header of another length")
        // Emptied first: records must never stand behind a header that they do not belong to.
        guard ftruncate(descriptor, 0) == 0 else { throw Failure("empty", path) }
        try write(header, at: 0)
        end = headerLength
    }

    /// Adds one record. After a failure the file is as it was.
    func append(_ record: [UInt8]) throws(Failure) {
        precondition(record.count == recordLength, "a record of another length")
        try write(record, at: end)
        end += recordLength
    }

    private func write(_ bytes: [UInt8], at offset: Int) throws(Failure) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress! + done, bytes.count - done, off_t(offset + done))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Failure("write", path) }
            done += count
        }
    }
}
