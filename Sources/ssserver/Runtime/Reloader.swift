// The configuration while the server runs: read again, checked whole, and put in force piece by piece so that nobody who
// may stay notices. What is wrong changes nothing.
internal import Logging
internal import NIOCore
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

actor Reloader {
    /// A port of the configuration that is open.
    private struct Open {
        let endpoint: EndpointConfiguration
        let served: ServedPort
        let port: OpenPort
    }

    /// Why a configuration was not taken.
    struct Refusal: Error, Sendable {
        /// One line for each thing that is wrong.
        let reasons: [String]
    }

    /// What the last time came to.
    struct Outcome: Sendable {
        let time: UnixSeconds
        let isGood: Bool
    }

    private(set) var latest: Outcome?
    private var configuration: ServerConfiguration
    private var open: [Open] = []
    private let opener: PortOpener
    private let egress: EgressGuard
    private let limits: SourceLimits
    private let users: UserRegistry
    private let rules: PolicyKeeper
    private let resolver: any NameResolver
    private let read: @Sendable () -> CheckedConfiguration<ServerConfiguration>
    private let logger: Logger
    private var isReloading = false

    init(
        _ configuration: ServerConfiguration, _ opener: PortOpener, _ egress: EgressGuard, _ limits: SourceLimits,
        _ users: UserRegistry, _ rules: PolicyKeeper, _ resolver: any NameResolver, logger: Logger,
        read: @escaping @Sendable () -> CheckedConfiguration<ServerConfiguration>
    ) {
        self.configuration = configuration
        self.opener = opener
        self.egress = egress
        self.limits = limits
        self.users = users
        self.rules = rules
        self.resolver = resolver
        self.logger = logger
        self.read = read
    }

    /// The ports that are open.
    var listeners: [EndpointConfiguration] { open.map(\.endpoint) }

    /// Opens the configuration's ports, which are `served`, or none.
    func start(_ served: [ServedPort]) async throws(StartFailure) {
        open = try await opened(Array(zip(configuration.listeners, served)))
    }

    func closeAll() async {
        for open in open { await open.port.close() }
        open = []
    }

    private func opened(
        _ wanted: [(EndpointConfiguration, ServedPort)]
    ) async throws(StartFailure) -> [Open] {
        let addresses = try await ListenAddress.resolve(
            wanted.map(\.0.address), with: resolver, on: opener.group.any())
        var made: [Open] = []
        do throws(StartFailure) {
            for (index, (endpoint, served)) in wanted.enumerated() {
                let port = try await opener.open(endpoint, served.ring, at: addresses[index])
                made.append(Open(endpoint: endpoint, served: served, port: port))
            }
        } catch {
            for open in made { await open.port.close() }
            throw error
        }
        return made
    }

    // MARK: Reading again

    /// Puts what the configuration says now in force, or throws what is wrong with it.
    func reload() async throws(Refusal) -> ConfigurationChange {
        while isReloading { try? await Task.sleep(for: .milliseconds(50)) }
        isReloading = true
        defer { isReloading = false }
        do throws(Refusal) {
            let change = try await readAgain()
            latest = Outcome(time: WallClock.now(), isGood: true)
            return change
        } catch {
            latest = Outcome(time: WallClock.now(), isGood: false)
            throw error
        }
    }

    private func readAgain() async throws(Refusal) -> ConfigurationChange {
        let checked = read()
        guard let new = checked.configuration, checked.isUsable else {
            throw Refusal(reasons: checked.diagnostics.filter { $0.severity == .error }.map(Self.line))
        }
        let change = ConfigurationChange(from: configuration, to: new)
        let plan = plan(new, checked.credentials)
        do {
            try await take(new, plan)
        } catch let failure as StartFailure {
            throw Refusal(reasons: [failure.description])
        } catch let fault as RuleFault {
            throw Refusal(reasons: [fault.description])
        } catch {
            throw Refusal(reasons: ["it cannot be used"])
        }
        configuration = new
        return change
    }

    private static func line(_ finding: Diagnostic) -> String {
        let place = finding.line.map { "\(finding.path):\($0)" } ?? finding.path
        return "\(place): \(finding.message)"
    }

    /// What stays, what comes, what goes, and what must go before it comes again.
    private struct Plan {
        var kept: [(Open, ServedPort, EndpointConfiguration)] = []
        var added: [(EndpointConfiguration, ServedPort)] = []
        var changed: [(EndpointConfiguration, ServedPort)] = []
        var gone: [Open] = []
        var served: [ServedPort] = []
    }

    private func plan(_ new: ServerConfiguration, _ credentials: [Credential]) -> Plan {
        var plan = Plan()
        var rest = open
        for (endpoint, credential) in zip(new.listeners, credentials) {
            if let index = rest.firstIndex(where: { Self.isSame($0.endpoint, endpoint) }) {
                let old = rest.remove(at: index)
                let served = ServedPort(endpoint, credential, ring: old.served.ring)
                plan.kept.append((old, served, endpoint))
                plan.served.append(served)
                continue
            }
            let served = ServedPort(endpoint, credential)
            plan.served.append(served)
            if open.contains(where: { $0.endpoint.address == endpoint.address }) {
                plan.changed.append((endpoint, served))
            } else {
                plan.added.append((endpoint, served))
            }
        }
        plan.gone = rest
        return plan
    }

    /// Whether a listener need not notice; keys and users are another matter.
    private static func isSame(_ a: EndpointConfiguration, _ b: EndpointConfiguration) -> Bool {
        a.address == b.address && a.mode == b.mode && a.method == b.method && a.timeout == b.timeout
    }

    private func take(_ new: ServerConfiguration, _ plan: Plan) async throws {
        // What can fail, first.
        let added = try await opened(plan.added)
        do throws(RuleFault) {
            try await rules.change(to: new.blacklist, acl: new.settings.acl)
        } catch {
            for open in added { await open.port.close() }
            throw error
        }
        for open in added { egress.setListener(open.endpoint.address.port, isOpen: true) }
        egress.change(
            access: new.egress.access, denyPorts: Set(new.egress.denyPorts), denied: new.egress.denied)
        opener.gateway?.change(new.cache, egressIsNew: configuration.egress != new.egress)
        limits.change(to: new.limits)
        for open in plan.gone { await open.port.close() }
        open = plan.kept.map { Open(endpoint: $0.2, served: $0.1, port: $0.0.port) } + added
        do throws(StartFailure) {
            open += try await opened(plan.changed)
        } catch {
            // Its former listener is closed by now; nothing serves there until the next reload.
            logger.error("a port could not be opened anew", metadata: ["reason": "\(error.description)"])
        }
        await users.reconfigure(plan.served)
        let numbers = Set(open.map(\.endpoint.address.port))
        for gone in plan.gone where !numbers.contains(gone.endpoint.address.port) {
            egress.setListener(gone.endpoint.address.port, isOpen: false)
        }
    }

    /// For SIGHUP: what came of it goes to the log.
    func reloadForLog() async {
        do throws(Refusal) {
            let change = try await reload()
            Self.log(change, logger)
        } catch {
            for reason in error.reasons {
                logger.error(
                    "the configuration cannot be used; the one from before stays", metadata: ["reason": "\(reason)"])
            }
        }
    }

    static func log(_ change: ConfigurationChange, _ logger: Logger) {
        logger.notice(
            "the configuration was read again",
            metadata: ["changed": "\(change.applied.isEmpty ? "nothing" : change.applied.joined(separator: ", "))"])
        guard !change.needsRestart.isEmpty else { return }
        logger.warning(
            "some of it needs a start anew", metadata: ["keys": "\(change.needsRestart.joined(separator: ", "))"])
    }
}
