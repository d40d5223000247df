// The two pipes that a program of the system writes to. Both are read as it writes: one left full would stop it for good.
#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Both ends are closed with it.
final class OutputPipe {
    let reading: CInt
    private(set) var writing: CInt

    init?() {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        (reading, writing) = (ends[0], ends[1])
        _ = fcntl(reading, F_SETFL, O_NONBLOCK)
    }

    /// The reader is told of the end only when nobody can write any more.
    func closeWriting() {
        if writing >= 0 { close(writing) }
        writing = -1
    }

    deinit {
        closeWriting()
        close(reading)
    }
}

struct ChildTexts {
    struct Text {
        let pipe: OutputPipe
        /// In bytes; what is beyond is read and thrown away.
        let limit: Int
        var bytes: [UInt8] = []
        var isOver = false
        var isCut = false
    }

    private(set) var output: Text
    private(set) var errors: Text

    init(output: OutputPipe, errors: OutputPipe, sizeLimit: Int) {
        self.output = Text(pipe: output, limit: sizeLimit)
        self.errors = Text(pipe: errors, limit: 64 << 10)
    }

    /// Whoever writes more than it may need not go on.
    var isTooMuch: Bool { output.isCut }

    /// Until both are closed, it is too much, or the time is over.
    mutating func read(until end: ContinuousClock.Instant) {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while !(output.isOver && errors.isOver), !isTooMuch {
            let left = ContinuousClock.now.duration(to: end) / .milliseconds(1)
            guard left > 0 else { return }
            // A descriptor below zero is passed over.
            var requests = [output, errors].map {
                pollfd(fd: $0.isOver ? -1 : $0.pipe.reading, events: Int16(POLLIN), revents: 0)
            }
            guard poll(&requests, 2, CInt(left.rounded(.up))) > 0 else { continue }
            if requests[0].revents != 0 { Self.take(&output, &buffer) }
            if requests[1].revents != 0 { Self.take(&errors, &buffer) }
        }
    }

    private static func take(_ text: inout Text, _ buffer: inout [UInt8]) {
        #if canImport(Glibc)
            let count = Glibc.read(text.pipe.reading, &buffer, buffer.count)
        #else
            let count = Darwin.read(text.pipe.reading, &buffer, buffer.count)
        #endif
        if count < 0, errno == EINTR || errno == EAGAIN { return }
        guard count > 0 else { return text.isOver = true }
        let room = text.limit - text.bytes.count
        text.isCut = text.isCut || count > room
        text.bytes += buffer[..<min(count, room)]
    }
}
