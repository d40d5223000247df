// A log as it grows, a line at a time, each once: through rotations of every kind, cuts, and restarts of whoever reads it.
// For one thread, which waits for `descriptor` or `patience` with poll(2), calls `look`, and reads until there is nothing more.

final class LogFollower {
    private enum Source {
        case stream(LogStream)
        case files(RotatedLog)
    }

    private let source: Source
    private var streamNotices: [String] = []

    /// `path` may be `-`, which is standard input; that and a FIFO have no position, and begin with what comes. `isTold` is
    /// whether the kernel is asked to tell of changes.
    init(path: String, from start: RotatedLog.Start, isTold: Bool = true) throws(UnreadableLog) {
        func files(_ file: FollowedFile?) -> Source {
            .files(RotatedLog(path, file, from: start, watch: isTold ? LogWatch() : nil))
        }
        if path == "-" {
            source = .stream(LogStream(path, 0))
            return
        }
        switch LogOpening.open(path) {
        case .file(let file): source = files(file)
        case .missing: source = files(nil)
        case .stream(let stream):
            if !stream.outlastWriters() {
                streamNotices.append("\(UnreadableLog.name(path)) may only be read: autoban ends when its writer does")
            }
            source = .stream(stream)
        case .unreadable(let fault): throw fault
        }
    }

    /// Gives whole lines of what is there now, without their ends: about 1 MiB of them at most, so that the caller can act in
    /// between. Waits for nothing. A line that its stream ends within is not given: it may be half an address.
    func read(_ each: (RawSpan) -> Void) throws(UnreadableLog) -> LogReading {
        switch source {
        case .stream(let stream): try stream.read(waits: false, each)
        case .files(let log): log.read(each)
        }
    }

    /// What poll(2) is to wait for; nil where nothing tells of changes, and time is all there is to wait for.
    var descriptor: CInt? {
        switch source {
        case .stream(let stream): stream.descriptor
        case .files(let log): log.descriptor
        }
    }

    /// Milliseconds after which `look` is to be called though the descriptor has told nothing; -1 is never.
    var patience: CInt {
        switch source {
        case .stream: -1
        case .files(let log): log.patience
        }
    }

    /// Looks whether files came, went or changed. To be called when the descriptor is readable or the patience is over.
    func look(now: ContinuousClock.Instant = .now) {
        switch source {
        case .stream: break
        case .files(let log): log.look(now)
        }
    }

    /// To be saved; nil for a stream, or while nothing was ever there.
    var position: LogPosition? {
        switch source {
        case .stream: nil
        case .files(let log): log.position
        }
    }

    /// What people are to be told, a sentence each: that the log is awaited, or that lines may be missing. Each is given once.
    func takeNotices() -> [String] {
        switch source {
        case .stream:
            defer { streamNotices.removeAll() }
            return streamNotices
        case .files(let log): return log.takeNotices()
        }
    }
}
