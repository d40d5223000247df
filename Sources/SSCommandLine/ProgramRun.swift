// A program between its start and its end: it stops on SIGTERM and SIGINT, a second of either ends it at once, and
// SIGHUP, kept for reload, opens the log file anew.
package import Logging
package import SSNetwork
internal import ServiceLifecycle
internal import UnixSignals

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// SIGTERM and SIGINT from the moment this is made.
package struct StopSignals: Sendable {
    fileprivate let sequence: UnixSignalsSequence

    /// To be made before anything is opened: who reads "listening" may send a signal at once.
    package init() async {
        sequence = await UnixSignalsSequence(trapping: .sigterm, .sigint)
    }
}

package enum ProgramRun {
    /// Returns after the first of `signals` and the end of `drain`.
    package static func untilStopped(
        by signals: StopSignals, log: LogSink, logger: Logger, drain: @escaping @Sendable () async -> Void
    ) async throws {
        let serving = Serving(drain: drain)
        let hangups = Hangups(log: log, logger: logger)
        var configuration = ServiceGroupConfiguration(
            services: [.init(service: hangups), .init(service: serving)],
            logger: Logger(label: "lifecycle") { _ in SwiftLogNoOpLogHandler() })
        configuration.maximumGracefulShutdownDuration = .seconds(9)
        let group = ServiceGroup(configuration: configuration)
        let stopping = Task {
            var isStopping = false
            for await _ in signals.sequence {
                if isStopping { _exit(1) }
                isStopping = true
                await group.triggerGracefulShutdown()
            }
        }
        defer { stopping.cancel() }
        try await group.run()
    }
}

/// The program's listeners, from outside: what is to be done at the end.
private struct Serving: Service {
    let drain: @Sendable () async -> Void

    func run() async throws {
        try await gracefulShutdown()
        await drain()
    }
}

/// SIGHUP.
private struct Hangups: Service {
    let log: LogSink
    let logger: Logger

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            log.reopen()
            logger.warning("SIGHUP: the log was reopened; this version does not reload its configuration")
        }
    }
}
