internal import ArgumentParser
internal import Logging
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Serve (the default).")

    @OptionGroup var flags: RunFlags

    func run() async throws {
        ProcessLimits.harden()
        let checked = PolicyCheck.add(to: ConfigurationSource.server(flags), readsFiles: false)
        for secret in flags.secrets { Environment.hideArgument(secret) }
        Report.show(checked.diagnostics, outcome: checked.isUsable ? "" : "nothing was started")
        guard let configuration = checked.configuration, checked.isUsable else { throw Report.badConfiguration }
        let descriptors = ProcessLimits.raiseDescriptors(to: configuration.settings.nofile)
        do {
            let (log, logger) = try LogSetup.open(configuration.settings.log)
            defer { log.close() }
            let server = ServerRuntime(configuration, credentials: checked.credentials, log: log, logger: logger)
            let read: @Sendable () -> CheckedConfiguration<ServerConfiguration> = { [flags] in
                PolicyCheck.add(to: ConfigurationSource.server(flags), readsFiles: false)
            }
            try await ProgramRun.untilStopped(log: log, logger: logger, onHangup: { await server.reload() }) {
                try await server.start(descriptors: descriptors, read: read)
            } drain: { listeners in
                await server.drain(listeners)
            }
        } catch let failure as StartFailure {
            Report.error(failure.description, help: failure.help)
            throw failure.isBadConfiguration ? Report.badConfiguration : Report.failed
        }
    }
}
