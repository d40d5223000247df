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

package enum ProgramRun {
    /// Returns after the first SIGTERM or SIGINT and the end of `drain`.
    package static func untilStopped(
        log: LogSink, logger: Logger, drain: @escaping @Sendable () async -> Void
    ) async throws {
        let serving = Serving(drain: drain)
        let hangups = Hangups(log: log, logger: logger)
        var configuration = ServiceGroupConfiguration(
            services: [.init(service: hangups), .init(service: serving)],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: Logger(label: "lifecycle") { _ in SwiftLogNoOpLogHandler() })
        configuration.maximumGracefulShutdownDuration = .seconds(9)
        try await ServiceGroup(configuration: configuration).run()
    }
}

/// The program's listeners, from outside: what is to be done at the end.
private struct Serving: Service {
    let drain: @Sendable () async -> Void

    func run() async throws {
        try await gracefulShutdown()
        // The group itself takes no notice of a second signal.
        let impatience = Task {
            for await _ in await UnixSignalsSequence(trapping: .sigterm, .sigint) { _exit(1) }
        }
        await drain()
        impatience.cancel()
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
