// A log that comes through a pipe: what has been read of it is gone, so the line that has not ended is kept here.
internal import SSCommon

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// What came of reading a log.
enum LogReading {
    /// There may be more at once.
    case more
    /// Everything that was there has been read.
    case idle
    /// Nothing will ever come: the writer has closed its end, or the file was to be read once.
    case ended
}

final class LogStream {
    /// Read at a time.
    static let room = 1 << 18

    let descriptor: CInt
    private let path: String
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 16)
    private var splitter = LineSplitter()
    private var held = 0
    private var isFirst = true
    /// Open so that there is always a writer.
    private var writer: CInt?

    /// `descriptor` becomes this one's to close, unless it is standard input.
    init(_ path: String, _ descriptor: CInt) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit {
        buffer.deallocate()
        if descriptor > 2 { close(descriptor) }
        if let writer { close(writer) }
    }

    /// Of a FIFO: whoever writes to it may end and another begin, and reading goes on. False if it may not be written to, which that takes.
    func outlastWriters() -> Bool {
        // A pipe that a shell has made for one writer has no place among the files.
        guard let end = realpath(path, nil) else { return true }
        defer { free(end) }
        var status = stat()
        guard lstat(end, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else { return true }
        let descriptor = open(end, O_WRONLY | O_CLOEXEC | O_NONBLOCK)
        if descriptor >= 0 { writer = descriptor }
        return descriptor >= 0
    }

    /// Reads once, without waiting for anything unless `waits`.
    func read(waits: Bool, _ each: (RawSpan) -> Void) throws(UnreadableLog) -> LogReading {
        // Without a standard input its number is somebody else's.
        if isFirst, descriptor == 0, !Self.isOpen { throw UnreadableLog(text: "there is no standard input") }
        // The descriptor may be shared with others and is left as blocking as it is.
        guard isReadable(waits ? -1 : 0) else { return .idle }
        let count = Self.readOnce(descriptor, UnsafeMutableRawBufferPointer(rebasing: buffer[held...]))
        guard count >= 0 else {
            if errno == EINTR || errno == EAGAIN { return .more }
            throw UnreadableLog(path, errno)
        }
        if count == 0 { return .ended }
        let filled = UnsafeRawBufferPointer(rebasing: buffer[..<(held + count)])
        if isFirst, let fault = UnreadableLog(path, start: UnsafeRawBufferPointer(rebasing: filled.prefix(4096))) {
            throw fault
        }
        isFirst = false
        let used = splitter.split(filled, each).used
        held = filled.count - used
        if used > 0, held > 0 { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: filled[used...])) }
        return .more
    }

    /// The line that has not ended, if there is one.
    func readTorn(_ each: (RawSpan) -> Void) {
        if held > 0 { each(UnsafeRawBufferPointer(rebasing: buffer[..<held]).bytes) }
        held = 0
    }

    /// Whether standard input is a file of some kind, and nothing that this program has opened for itself.
    private static var isOpen: Bool {
        var status = stat()
        return fstat(0, &status) == 0 && status.st_mode & S_IFMT != 0
    }

    private func isReadable(_ timeout: CInt) -> Bool {
        var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&watched, 1, timeout) > 0
    }

    private static func readOnce(_ descriptor: CInt, _ room: UnsafeMutableRawBufferPointer) -> Int {
        #if canImport(Glibc)
            Glibc.read(descriptor, room.baseAddress, room.count)
        #else
            Darwin.read(descriptor, room.baseAddress, room.count)
        #endif
    }
}
