// A log from its beginning to its end, a line at a time.
internal import SSCommon
internal import SSServerCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Why a log cannot be read.
struct UnreadableLog: Error {
    let text: String
    var help: String?
}

enum LogLines {
    /// Read at a time; a line that is longer says nothing, and is skipped.
    private static let room = 1 << 20

    /// Every line of a file, or of standard input where `path` is `-`; the last one need not have ended.
    static func read(_ path: String, each: (RawSpan) -> Void) throws(UnreadableLog) {
        let descriptor = path == "-" ? 0 : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path) }
        defer { if descriptor != 0 { close(descriptor) } }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 16)
        defer { buffer.deallocate() }
        var held = 0
        var isSkipping = false
        var isFirst = true
        while true {
            guard let rest = buffer.baseAddress.map({ $0 + held }) else { return }
            let count = Self.read(descriptor, rest, room - held)
            guard count >= 0 else { throw failure(path) }
            let filled = held + count
            if isFirst, count > 0 { try check(path, UnsafeRawBufferPointer(rebasing: buffer[..<min(filled, 4096)])) }
            isFirst = false
            var start = 0
            while let end = lineEnd(buffer, start, filled) {
                if !isSkipping { line(buffer, start, end, each) }
                isSkipping = false
                start = end + 1
            }
            if count == 0 {
                if start < filled, !isSkipping { line(buffer, start, filled, each) }
                return
            }
            held = filled - start
            if held == room {
                isSkipping = true
                held = 0
            } else if start > 0, held > 0 {
                UnsafeMutableRawBufferPointer(rebasing: buffer[..<held]).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: buffer[start..<filled]))
            }
        }
    }

    private static func read(_ descriptor: CInt, _ place: UnsafeMutableRawPointer, _ room: Int) -> Int {
        while true {
            #if canImport(Glibc)
                let count = Glibc.read(descriptor, place, room)
            #else
                let count = Darwin.read(descriptor, place, room)
            #endif
            if count >= 0 || errno != EINTR { return count }
        }
    }

    private static func lineEnd(_ buffer: UnsafeMutableRawBufferPointer, _ start: Int, _ end: Int) -> Int? {
        guard let base = buffer.baseAddress, start < end, let found = memchr(base + start, 10, end - start) else {
            return nil
        }
        return found - base
    }

    private static func line(
        _ buffer: UnsafeMutableRawBufferPointer, _ start: Int, _ end: Int, _ each: (RawSpan) -> Void
    ) {
        each(UnsafeRawBufferPointer(rebasing: buffer[start..<end]).bytes)
    }

    private static func failure(_ path: String) -> UnreadableLog {
        UnreadableLog(text: "\(TerminalText.quote(path)): \(String(cString: strerror(errno)))")
    }

    /// A log is text.
    private static func check(_ path: String, _ start: UnsafeRawBufferPointer) throws(UnreadableLog) {
        guard let zero = start.firstIndex(of: 0) else { return }
        let isPacked = start.starts(with: [0x1f, 0x8b])
        throw UnreadableLog(
            text: "\(TerminalText.quote(path)) is no log: byte \(zero + 1) of it is 0",
            help: isPacked
                ? "unpack it: zcat FILE | ssserver autoban test -" : "name the file that ssserver writes its log to")
    }
}
