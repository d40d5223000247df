// autoban run: follows a log and bans whoever it shows to be knocking without a key.
internal import ArgumentParser
internal import Logging
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

extension Autoban {
    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Follow a log, and ban in the firewall whoever fails to authenticate again and again.",
            discussion: """
                Needs root, or CAP_NET_ADMIN and a log that it may read. The server needs neither. Bans end by the kernel's clock, \
                whatever becomes of this program; when it is stopped they are taken away, and put back when it starts again.
                """)

        @Option(help: ArgumentHelp("The log; - for standard input.", valueName: "file"))
        var log: String

        @Option(
            help: ArgumentHelp("auto, nftables, ipset, iptables, or dry-run, which only prints.", valueName: "name"))
        var backend = FirewallChoice.auto

        @OptionGroup var rules: Rules

        @Option(
            help: ArgumentHelp("How long a first ban lasts; each further one lasts twice as long.", valueName: "time"))
        var banTime = "10m"

        @Option(help: ArgumentHelp("How long a ban lasts at most.", valueName: "time"))
        var maxBanTime = "7d"

        @Option(help: ArgumentHelp("Never banned; may be given several times.", valueName: "cidr"))
        var ignore: [String] = []

        @Option(
            help: ArgumentHelp(
                "A port that is shut to the banned; may be given several times. Without it all are.", valueName: "port")
        )
        var port: [UInt16] = []

        @Flag(help: "Read the log from its beginning, not from its end or from where it was read up to before.")
        var fromStart = false

        @Flag(help: "Leave the bans in the firewall when stopped; they end by themselves.")
        var keepBans = false

        @OptionGroup var place: StatePlace

        /// Seconds after it has authenticated in which an address is not banned.
        private static let grace: Int64 = 300

        func run() async throws {
            ProcessLimits.harden()
            let (rules, terms, exemptions) = try settings()
            let (sink, logger) = try LogSetup.open(LogConfiguration())
            defer { sink.close() }
            do {
                let firewall = try firewall()
                // Of a dry run there may be many.
                let mark = backend == .dryRun ? nil : try await AutobanMark.wait(logger)
                defer { withExtendedLifetime(mark) {} }
                // A dry run stores nothing.
                let directory = backend == .dryRun ? nil : place.make(logger)
                let engine = BanEngine(
                    rules, terms, exemptions: exemptions, year: .now, programs: self.rules.program,
                    surroundings: MachineSurroundings.entries)
                let prints = backend == .dryRun
                let keeper = BanKeeper(
                    engine, firewall, prints ? nil : store(directory, logger),
                    prints ? nil : OpenConnections(ports: port),
                    ports: port, ignored: ignore, log: sink,
                    former: { prints ? nil : try? FirewallChoice(rawValue: $0)?.backend { _ in } },
                    reopen: prints ? nil : reopening,
                    onBan: { if prints { Self.print($0) } })
                let session = AutobanSession(
                    keeper, log: sink, logger: logger, directory: prints ? nil : directory,
                    wished: prints ? nil : place.directory, removesRules: !keepBans)
                try await ProgramRun.untilStopped(log: sink, logger: logger, onHangup: { session.look() }) {
                    try await session.start(log, fromStart: fromStart)
                    ProcessMemory.forgetStart()
                } drain: { _ in
                    await session.end()
                }
                if session.hasFailed { throw Report.failed }
            } catch let failure as StartFailure {
                Report.error(failure.description, help: failure.help)
                throw failure.isBadConfiguration ? Report.badConfiguration : Report.failed
            }
        }

        /// What could not be had at the start, for a disk that was full or not there yet.
        private var reopening: (@Sendable () -> BanStore?)? {
            guard let directory = place.directory else { return nil }
            return { Self.reopen(in: directory) }
        }

        private static func reopen(in directory: String) -> BanStore? {
            guard (try? StateDirectory.make(directory)) != nil else { return nil }
            return try? BanStore(path: "\(directory)/\(BanStore.file)")
        }

        /// As `test` prints them.
        private static func print(_ ban: Ban) {
            let time = LogTime(seconds: ban.since, offset: 0).text
            Environment.write(
                "ban \(ban.prefix) bad=\(ban.offence?.bad ?? 0) total=\(ban.offence?.total ?? 0) at=\(time)"
                    + " seconds=\(ban.seconds)\n", to: 1)
        }

        private func settings() throws -> (BanRules, BanTerms, BanExemptions) {
            var rules = try rules.rules
            rules.grace = Self.grace
            let terms = BanTerms(
                first: try time(banTime, "--ban-time"), longest: try time(maxBanTime, "--max-ban-time"))
            guard terms.first <= (try time(maxBanTime, "--max-ban-time")) else {
                throw ValidationError("--max-ban-time is shorter than --ban-time")
            }
            let ranges = try ignore.map { text in
                guard let range = IPPrefix(text) else {
                    throw ValidationError(
                        "--ignore takes an address or a network such as 192.0.2.0/24, not \(TerminalText.quote(text))")
                }
                return range
            }
            return (rules, terms, BanExemptions(ignored: ranges))
        }

        private func time(_ text: String, _ name: String) throws -> Int64 {
            guard let time = Quantity.time(text), (1...BanTerms.most).contains(time.components.seconds) else {
                throw ValidationError(
                    "\(name) takes a time such as 10m or 7d, from 1s to 3650d; not \(TerminalText.quote(text))")
            }
            return time.components.seconds
        }

        private func firewall() throws(StartFailure) -> any FirewallBackend {
            do throws(FirewallFailure) {
                // What would be banned is printed as `test` prints it.
                return try backend.backend(ports: port) { _ in }
            } catch {
                throw StartFailure(error.text, help: error.help)
            }
        }

        /// Without one bans work all the same, as long as the program runs.
        private func store(_ directory: String?, _ logger: Logger) -> BanStore? {
            guard let directory else { return nil }
            do throws(StoreFailure) {
                return try BanStore(path: "\(directory)/\(BanStore.file)")
            } catch {
                logger.error(
                    "bans cannot be stored: they hold, but a restart would not know of them",
                    metadata: ["reason": "\(error)"])
                return nil
            }
        }
    }

    /// Where bans are stored, and where autoban is spoken to.
    struct StatePlace: ParsableArguments {
        @Option(
            help: ArgumentHelp(
                "Where bans are stored; the server's state directory if it is left out.", valueName: "dir"))
        var state: String?

        static let socket = "autoban.sock"

        var directory: String? { StateDirectory.path("ssserver", configured: state) }

        /// Nil where it cannot be had, which is said.
        func make(_ logger: Logger) -> String? {
            guard let directory else {
                logger.warning("there is no state directory: bans are not stored; name one with --state")
                return nil
            }
            do throws(StateDirectory.Failure) {
                try StateDirectory.make(directory)
                return directory
            } catch {
                logger.error("bans cannot be stored; name another --state", metadata: ["reason": "\(error)"])
                return nil
            }
        }
    }
}

extension FirewallChoice: ExpressibleByArgument {}
