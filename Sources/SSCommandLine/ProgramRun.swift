// A program between its start and its end: it stops on SIGTERM and SIGINT, a second of either ends it at once, and
// SIGHUP opens the log file anew and has the configuration read again, where that can be done.
package import Logging
package import SSNetwork
internal import ServiceLifecycle
internal import UnixSignals

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

package enum ProgramRun {
    /// Returns after the first SIGTERM or SIGINT and the end of `drain`. Signals are taken before `start` opens anything,
    /// so that whoever sees a port open can already stop the program in good order.
    package static func untilStopped<Listeners: Sendable>(
        log: LogSink, logger: Logger, onHangup: (@Sendable () async -> Void)? = nil,
        start: @escaping @Sendable () async throws -> Listeners,
        drain: @escaping @Sendable (Listeners) async -> Void
    ) async throws {
        let serving = Serving(start: start, drain: drain)
        let hangups = Hangups(log: log, logger: logger, onHangup: onHangup)
        var configuration = ServiceGroupConfiguration(
            services: [.init(service: hangups), .init(service: serving)],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: Logger(label: "lifecycle") { _ in SwiftLogNoOpLogHandler() })
        configuration.maximumGracefulShutdownDuration = .seconds(9)
        try await ServiceGroup(configuration: configuration).run()
    }
}

/// The program's listeners, from outside.
private struct Serving<Listeners: Sendable>: Service {
    let start: @Sendable () async throws -> Listeners
    let drain: @Sendable (Listeners) async -> Void

    func run() async throws {
        let listeners = try await start()
        try await gracefulShutdown()
        // Who presses Ctrl-C a second time does not want to wait.
        let impatience = Task {
            for await _ in await UnixSignalsSequence(trapping: .sigint) { _exit(1) }
        }
        await drain(listeners)
        impatience.cancel()
    }
}

/// SIGHUP.
private struct Hangups: Service {
    let log: LogSink
    let logger: Logger
    let onHangup: (@Sendable () async -> Void)?

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            log.reopen()
            if let onHangup {
                await onHangup()
            } else {
                logger.warning("SIGHUP: the log was reopened; this program does not reload its configuration")
            }
        }
    }
}
