// Where every line of the log goes. Event loops append to a bounded queue under a lock and never wait for a
// disk or a terminal; one thread writes. It writes a lone line at once and gathers lines while they come fast.
// What the queue cannot hold, or the descriptor does not take, is counted, and the log says how much is missing.
internal import Dispatch
internal import NIOConcurrencyHelpers
package import SSCommon

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// The asynchronous writer of a log. `close` ends its thread; until then the sink keeps itself alive.
package final class LogSink: Sendable {
    /// Where lines go.
    package enum Target: Hashable, Sendable {
        /// An open descriptor that stays its owner's, such as 2.
        case descriptor(Int32)
        /// A file, appended to, made with mode 0600 if it is not there.
        case file(String)
    }

    /// The least level that is written.
    package let minimum: LogLevel
    /// Whether the log goes to a terminal, where `show` can keep a line at the bottom.
    package let isTerminal: Bool
    /// The target's descriptor if it is one; -1 for a file, which may be reopened.
    let descriptor: Int32

    private struct State {
        var queue: LogQueue
        var clock = LogClock()
        var limit = MessageLimit()
        /// The line below the log; nil for none.
        var overlay: [UInt8]?
        var isOverlayNew = false
        var mustReopen = false
        /// Set when the writer is to end; until then it may wait for a descriptor that is not ready.
        var closesAt: DispatchTime?
        /// Whether the writer sleeps until it is signalled.
        var isWriterIdle = false
        /// Who waits until everything so far is written.
        var waiters: [DispatchSemaphore] = []

        /// Whether the writer must be signalled because something has come; it is not idle after that.
        mutating func takeIdleness() -> Bool {
            defer { isWriterIdle = false }
            return isWriterIdle
        }

        /// Whether somebody waits for the writer, or it is to do what cannot wait.
        var isUrgent: Bool { closesAt != nil || mustReopen || !waiters.isEmpty }
    }

    /// NIO's lock, not the standard library's Mutex: on Linux that one waits in code ThreadSanitizer cannot see,
    /// which then reports every contended access as a race.
    private let state: NIOLockedValueBox<State>
    private let wake = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    /// How long the writer gathers lines after it has written some.
    private static let gathering = DispatchTimeInterval.milliseconds(2)
    /// How long it leaves a descriptor alone that failed.
    private static let backOff = DispatchTimeInterval.seconds(1)

    /// Opens the target and starts the writer. Throws only for a file that cannot be opened.
    package init(
        _ target: Target, format: LogFormat = .text, minimum: LogLevel = .info, isJournal: Bool = false,
        bound: Int = 4 << 20
    ) throws(LogFileError) {
        let file: LogFile
        switch target {
        case .descriptor(let number):
            file = LogFile(descriptor: number)
            descriptor = number
        case .file(let path):
            file = try LogFile(path: path)
            descriptor = -1
        }
        self.minimum = minimum
        isTerminal = file.isTerminal
        let formatter = LogFormatter(format: format, isJournal: isJournal)
        state = NIOLockedValueBox(State(queue: LogQueue(formatter: formatter, bound: bound)))
        // A serial queue of its own is a thread of its own for as long as the block runs.
        DispatchQueue(label: "log").async { self.run(file) }
    }

    /// Writes the line of a relay event if its level is high enough. Never waits for the target.
    package func record(_ event: RelayEvent) {
        if event.level < minimum { return }
        append { $0.queue.append(event, at: $1) }
    }

    /// Writes a general line. `message` is a constant; everything variable is in `fields`. From `info` up, a
    /// message that comes too often is held back (see `MessageLimit`).
    package func log(_ level: LogLevel, _ message: String, _ fields: [(name: String, value: String)] = []) {
        if level < minimum { return }
        append { state, now in
            guard level >= .info else { return state.queue.append(level, message, fields, at: now) }
            switch state.limit.judge(message, now: now.seconds) {
            case .holdBack:
                return
            case .write(heldBack: 0):
                state.queue.append(level, message, fields, at: now)
            case .write(let heldBack):
                state.queue.append(level, message, fields + [("held_back", "\(heldBack)")], at: now)
            }
        }
    }

    private func append(_ body: (inout State, LogTime) -> Void) {
        let mustWake = state.withLockedValue { state in
            if state.closesAt != nil { return false }
            let now = state.clock.now()
            body(&state, now)
            return state.takeIdleness()
        }
        if mustWake { wake.signal() }
    }

    /// Lines lost so far, for a metric.
    package var droppedLines: UInt64 { state.withLockedValue { $0.queue.totalDropped } }

    /// Opens the file anew, as after a rotation. A file that cannot be opened is reported in the old one.
    package func reopen() {
        state.withLockedValue { $0.mustReopen = true }
        wake.signal()
    }

    /// Keeps `text` as the line below the log; nil takes it away. Terminals only: the text has no line feed and
    /// must not be wider than the terminal.
    package func show(_ text: String?) {
        let mustWake = state.withLockedValue { state in
            state.overlay = text.map { [UInt8]($0.utf8) }
            state.isOverlayNew = true
            return state.takeIdleness()
        }
        if mustWake { wake.signal() }
    }

    /// Waits until the writer is through with every line so far, for `milliseconds` at most. Answers whether it was.
    /// Blocks the caller: not for event loops.
    @discardableResult
    package func flush(milliseconds: Int = 1000) -> Bool {
        let done = DispatchSemaphore(value: 0)
        let isOpen = state.withLockedValue { state in
            if state.closesAt != nil { return false }
            state.waiters.append(done)
            return true
        }
        guard isOpen else { return false }
        wake.signal()
        return done.wait(timeout: .now() + .milliseconds(milliseconds)) == .success
    }

    /// Writes what is left and ends the writer, waiting `milliseconds` at most; lines after this are lost. Answers
    /// whether the writer ended in time. Blocks the caller: not for event loops.
    @discardableResult
    package func close(milliseconds: Int = 1000) -> Bool {
        let deadline = DispatchTime.now() + .milliseconds(milliseconds)
        state.withLockedValue { $0.closesAt = deadline }
        wake.signal()
        guard ended.wait(timeout: deadline) == .success else { return false }
        // Whoever else closes must not wait in vain.
        ended.signal()
        return true
    }
}

// The writer's thread.
extension LogSink {
    private struct Work {
        var batch: LogQueue.Batch
        var overlay: [UInt8]?
        var isOverlayNew: Bool
        var mustReopen: Bool
        var isClosing: Bool
        var waiters: [DispatchSemaphore]

        var isNothing: Bool { batch.bytes.isEmpty && !isOverlayNew && !mustReopen && !isClosing && waiters.isEmpty }
    }

    private func run(_ opened: LogFile) {
        Self.blockBrokenPipeSignal()
        var file = opened
        var isOverlayShown = false
        var spare: [UInt8] = []
        while true {
            var work = takeWork(reusing: &spare)
            if work.isNothing {
                wake.wait()
                continue
            }
            let lost = file.write(Self.screen(work, &isOverlayShown)) { self.mayWait }
            if lost > 0 { state.withLockedValue { $0.queue.lost(lines: lost, of: work.batch) } }
            if work.mustReopen { reopen(&file) }
            for waiter in work.waiters { waiter.signal() }
            if work.isClosing { break }
            swap(&spare, &work.batch.bytes)
            rest(until: .now() + (lost > 0 ? Self.backOff : Self.gathering))
        }
        file.closeFile()
        ended.signal()
    }

    /// Sleeps; a signal for what has been done already does not end it.
    private func rest(until end: DispatchTime) {
        while wake.wait(timeout: end) == .success {
            if state.withLockedValue({ $0.isUrgent }) { return }
        }
    }

    private var mayWait: Bool { state.withLockedValue { $0.closesAt.map { .now() < $0 } ?? true } }

    private func takeWork(reusing spare: inout [UInt8]) -> Work {
        state.withLockedValue { state in
            let now = state.clock.now()
            let work = Work(
                batch: state.queue.take(at: now, reusing: &spare), overlay: state.overlay,
                isOverlayNew: state.isOverlayNew, mustReopen: state.mustReopen, isClosing: state.closesAt != nil,
                waiters: state.waiters)
            state.isOverlayNew = false
            state.mustReopen = false
            state.waiters = []
            state.isWriterIdle = work.isNothing
            return work
        }
    }

    private func reopen(_ file: inout LogFile) {
        do {
            try file.reopen()
        } catch {
            log(.error, "cannot reopen the log", [("error", error.description)])
        }
    }

    /// The batch as the terminal is to get it: the line below is wiped, and drawn again under the new lines.
    private static func screen(_ work: Work, _ isOverlayShown: inout Bool) -> [UInt8] {
        if !isOverlayShown, work.overlay == nil { return work.batch.bytes }
        if work.isClosing, work.batch.bytes.isEmpty, !work.isOverlayNew {
            return isOverlayShown ? [UInt8(ascii: "\n")] : []
        }
        let wipe = Array("\r\u{1b}[K".utf8)
        isOverlayShown = work.overlay != nil
        let end = work.isClosing ? [UInt8(ascii: "\n")] : []
        return wipe + work.batch.bytes + (work.overlay.map { $0 + end } ?? [])
    }

    /// Writing to a pipe without a reader must be an error here, not the program's end.
    private static func blockBrokenPipeSignal() {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }
}

extension LogSink {
    /// Whether the journal reads `descriptor`: `stream` is the environment's JOURNAL_STREAM, "device:inode" of the
    /// socket (systemd.exec(5)). The variable alone proves nothing, it is inherited.
    package static func isJournal(stream: String?, descriptor: Int32 = 2) -> Bool {
        var status = stat()
        guard let stream, fstat(descriptor, &status) == 0 else { return false }
        return stream == "\(status.st_dev):\(status.st_ino)"
    }
}
