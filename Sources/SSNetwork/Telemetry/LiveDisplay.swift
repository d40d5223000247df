// Draws the live line of `sslocal run --live` each second, below the log where the log is on the terminal too.
internal import NIOConcurrencyHelpers
package import NIOCore
package import SSCommon

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// The live line at the bottom of a terminal.
package final class LiveDisplay: Sendable {
    private struct State {
        var line: LiveLine
        var drawnAt: NIODeadline
        var task: RepeatedTask?
    }

    private let ledger: TrafficLedger
    private let sink: LogSink
    private let isSinkOurs: Bool
    private let state: NIOLockedValueBox<State>

    /// Nil where nobody would see it: neither the log nor standard output is a terminal. `isUnicode` as
    /// `isUnicode(locale:)` says.
    package init?(_ ledger: TrafficLedger, log: LogSink, isUnicode: Bool) {
        self.ledger = ledger
        if log.isTerminal {
            sink = log
            isSinkOurs = false
        } else {
            guard isatty(1) == 1, let output = try? LogSink(.descriptor(1)) else { return nil }
            sink = output
            isSinkOurs = true
        }
        state = NIOLockedValueBox(State(line: LiveLine(isUnicode: isUnicode), drawnAt: .now()))
    }

    /// Starts drawing, each second. To be called once.
    package func start(on eventLoop: any EventLoop) {
        let task = eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in self.draw() }
        state.withLockedValue { $0.task = task }
    }

    /// Stops drawing; the last line stays where it is. Blocks for a moment: not for event loops.
    package func stop() {
        state.withLockedValue { $0.task.take() }?.cancel()
        draw()
        if isSinkOurs { sink.close() }
    }

    private func draw() {
        let snapshot = ledger.snapshot()
        let now = NIODeadline.now()
        let text = state.withLockedValue { state in
            let seconds = Double((now - state.drawnAt).nanoseconds) / 1e9
            state.drawnAt = now
            return state.line.render(snapshot, after: seconds, width: sink.columns)
        }
        sink.show(text)
    }

    /// Whether a terminal of this locale shows UTF-8: the first of these that is set and not empty decides, as
    /// POSIX has it (XBD 8.2): LC_ALL, LC_CTYPE, LANG.
    package static func isUnicode(locale variable: (String) -> String?) -> Bool {
        for name in ["LC_ALL", "LC_CTYPE", "LANG"] {
            guard let value = variable(name), !value.isEmpty else { continue }
            let lower = value.lowercased()
            return lower.hasSuffix("utf-8") || lower.hasSuffix("utf8")
        }
        return false
    }
}

extension LogSink {
    /// How many columns a line below the log may have: one less than the terminal, so that no line wraps.
    fileprivate var columns: Int {
        var size = winsize()
        guard descriptor >= 0, ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 79 }
        return Int(size.ws_col) - 1
    }
}
