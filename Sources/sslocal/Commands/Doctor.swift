internal import ArgumentParser
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find what does not work, and say what to do about it.",
        discussion: """
            Looks at the proxy's port, then at each server in turn: its name, a TCP connection, whether it understands \
            key and method, whether it reaches a target, UDP, the clocks. It asks the targets below through the servers, \
            and nothing round them. Exits with 1 if something is broken.
            """)

    @OptionGroup var flags: RunFlags

    @OptionGroup var doctor: DoctorFlags

    /// Servers looked at together.
    private static let breadth = 8

    func run() async throws {
        ProcessLimits.harden()
        let checked = ConfigurationSource.local(flags)
        for secret in flags.secrets { Environment.hideArgument(secret) }
        Report.show(checked.diagnostics, outcome: checked.isUsable ? "" : "nothing was examined")
        guard let configuration = checked.configuration, checked.isUsable else { throw Report.badConfiguration }
        let report = DoctorReport(isJSON: doctor.json)
        let means = ProbeMeans(configuration.settings)
        report.begin("The proxy on this machine")
        let running = running(configuration.settings)
        for listener in configuration.locals {
            let proxy = ProxyExamination(
                listener: listener, means: means, target: doctor.streamTarget, running: running)
            await proxy.run(report.add)
        }
        let (entries, source) = servers(configuration, checked.credentials)
        if let source { report.add(Finding("servers", .note, source)) }
        await examine(entries, means, report)
        await means.end()
        try report.end()
    }

    /// What the running program says of itself; nil if none answers.
    private func running(_ settings: CommonSettings) -> ProxyExamination.Running? {
        let answer = try? AdminSocket.client(.sslocal, settings)?.request(.get, "/api/v1/status")
        guard let status = answer?.json, status["program"]?.text == Program.sslocal.rawValue else { return nil }
        let span = TimeText.span(UInt64(clamping: status["uptime_seconds"]?.integer ?? 0))
        return ProxyExamination.Running(
            shown: "sslocal \(TerminalText.plain(status["version"]?.text ?? "")) runs, up \(span)",
            listeners: Set((status["listeners"]?.elements ?? []).compactMap { $0["address"]?.text }))
    }

    /// Those that `sslocal run` would use, and a word on where they come from if not from the configuration.
    private func servers(
        _ configuration: LocalConfiguration, _ credentials: [Credential]
    ) -> (entries: [ServerEntry], source: String?) {
        let own = zip(configuration.servers, credentials).map { ServerEntry(configuration: $0, credential: $1) }
        let directory = StateDirectory.path(
            Program.sslocal.rawValue, configured: configuration.settings.stateDirectory)
        guard !flags.namesServer, let directory else { return (own, nil) }
        for kind in [ServerListFile.Kind.swapped] + (configuration.online == nil ? [] : [.online]) {
            let file = ServerListFile(kind, in: directory)
            guard file.exists, let links = try? file.load().servers else { continue }
            let usable = UsableServers(links, like: configuration.servers[0])
            guard !usable.entries.isEmpty else { continue }
            let path = TerminalText.plain(file.path)
            return (
                usable.entries,
                kind == .swapped
                    ? "a list that was swapped in is used (\(path)); sslocal use --config goes back"
                    : "the published list is used (\(path))"
            )
        }
        return (own, nil)
    }

    private func examine(_ entries: [ServerEntry], _ means: ProbeMeans, _ report: DoctorReport) async {
        for start in stride(from: 0, to: entries.count, by: Self.breadth) {
            let some = entries[start..<min(start + Self.breadth, entries.count)].map { entry in
                (entry: entry, findings: begin(entry, means))
            }
            for (entry, findings) in some {
                let address = TerminalText.plain("\(entry.configuration.address)")
                let method = entry.credential.method.rawValue
                let name = entry.configuration.name.map { "\(TerminalText.plain($0)) (\(address), \(method))" }
                report.begin("Server " + (name ?? "\(address), \(method)"))
                for await finding in findings { report.add(finding) }
            }
        }
    }

    /// The findings as they are made.
    private func begin(_ entry: ServerEntry, _ means: ProbeMeans) -> AsyncStream<Finding> {
        let examination = ServerExamination(
            entry: entry, means: means, target: doctor.streamTarget, question: doctor.question,
            datagramTarget: doctor.datagramTarget)
        return AsyncStream { stream in
            Task {
                await examination.run { stream.yield($0) }
                stream.finish()
            }
        }
    }
}
