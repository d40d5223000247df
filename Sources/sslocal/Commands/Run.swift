internal import ArgumentParser
internal import Logging
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Serve (the default).")

    @OptionGroup var flags: RunFlags

    @Flag(help: "Keep a line with what passes through at the bottom of the terminal.")
    var live = false

    func run() async throws {
        ProcessLimits.harden()
        let checked = ConfigurationSource.local(flags)
        for secret in flags.secrets { Environment.hideArgument(secret) }
        Report.show(checked.diagnostics, outcome: checked.isUsable ? "" : "nothing was started")
        guard let configuration = checked.configuration, checked.isUsable else { throw Report.badConfiguration }
        _ = ProcessLimits.raiseDescriptors(to: configuration.settings.nofile)
        do {
            let (log, logger) = try LogSetup.open(configuration.settings.log)
            defer { log.close() }
            let client = LocalRuntime(
                configuration, credentials: checked.credentials, keepsList: !flags.namesServer, log: log, logger: logger
            )
            let display = live ? client.startDisplay() : nil
            defer { display?.stop() }
            try await ProgramRun.untilStopped(log: log, logger: logger) {
                try await client.start()
            } drain: { listeners in
                await client.drain(listeners)
            }
        } catch let failure as StartFailure {
            Report.error(failure.description, help: failure.help)
            throw Report.failed
        }
    }
}
