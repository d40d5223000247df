// ssserver while it runs: the listeners, what they share, and the way down.
internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

/// A server made from a checked configuration. `start`, then `drain`, once each.
final class ServerRuntime: Sendable {
    private let configuration: ServerConfiguration
    private let log: LogSink
    private let logger: Logger
    private let ledger = TrafficLedger()
    private let group: any EventLoopGroup
    private let loops: LoopContexts
    private let resolver: any NameResolver
    private let endResolver: @Sendable () -> Void
    private let memory: ReplayMemory
    private let ports: [ServedPort]
    private let users: UserRegistry
    private let limits: SourceLimits
    private let policy: PolicyInForce
    private let rules: PolicyKeeper
    private let sessions: OpenSessions
    /// Nil where it is switched off.
    let cache: HTTPCache?
    private let cacheBooks: CacheBooks?
    private let reloader = NIOLockedValueBox<Reloader?>(nil)
    private let started = WallClock.now()

    /// How long open streams may go on after the listeners are closed.
    private static let drainTime = Duration.seconds(5)
    /// How often it is looked whether lists have changed; one that is left alone for so long is read.
    private static let watchInterval = Duration.milliseconds(250)

    /// `credentials` are those of the configuration's listeners, in their order.
    init(_ configuration: ServerConfiguration, credentials: [Credential], log: LogSink, logger: Logger) {
        self.configuration = configuration
        self.log = log
        self.logger = logger
        group = Engine.makeGroup(threads: configuration.settings.workers ?? System.coreCount)
        loops = LoopContexts(group, ledger: ledger)
        (resolver, endResolver) = configuration.settings.makeResolver(group)
        let directory = StateDirectory.path("ssserver", configured: configuration.settings.stateDirectory)
        memory = ReplayMemory(directory: directory, logger: logger)
        limits = SourceLimits(configuration.limits)
        ports = zip(configuration.listeners, credentials).map { ServedPort($0, $1) }
        // Where nothing can be kept nothing was, unless users say otherwise: then it is an error that the file cannot be read.
        let isUsable = directory.map { (try? StateDirectory.make($0)) != nil } ?? false
        let hasUsers = ports.contains { !$0.users.isEmpty }
        policy = PolicyInForce(refusals: Refusals(log: log))
        rules = PolicyKeeper(
            configuration.blacklist, acl: configuration.settings.acl, directory: directory, canKeep: isUsable,
            inForce: policy, logger: logger)
        sessions = OpenSessions(group)
        policy.onChange { [sessions] in sessions.endRefused(by: $0) }
        cache =
            configuration.cache.isEnabled
            ? HTTPCache(configuration.cache, directory: isUsable ? directory : nil, logger: logger) : nil
        cacheBooks = cache.map { cache in
            CacheBooks(
                cache.counters, path: isUsable ? directory.map { $0 + "/cache-totals.sqlite" } : nil, logger: logger)
        }
        users = UserRegistry(
            ports, path: isUsable || hasUsers ? directory.map { $0 + "/users.sqlite" } : nil, logger: logger)
    }

    /// Of accepted connections: dead peers must not be kept for ever.
    private var keepAlive: KeepAlive {
        configuration.settings.keepAlive.map { KeepAlive($0) } ?? KeepAlive()
    }

    /// What is open.
    struct Listeners: Sendable {
        var reloader: Reloader?
        var managed: ManagedPorts?
        var manager: ManagerSocket?
        var admin: AdminServer?
        /// End with the server.
        var books: Task<Void, Never>?
        var watch: Task<Void, Never>?
    }

    /// Opens every port, or none.
    func start(
        descriptors: Int, read: @escaping @Sendable () -> CheckedConfiguration<ServerConfiguration>
    ) async throws(StartFailure) -> Listeners {
        do throws(StoreFailure) {
            try await users.start()
        } catch {
            throw StartFailure(
                "what is known about users cannot be read: \(error)",
                help: "it may say whom not to serve; mend the file or move it away")
        }
        do throws(RuleFault) {
            try await rules.start()
        } catch {
            throw StartFailure("\(error)", help: error.help, isBadConfiguration: true)
        }
        let directory = StateDirectory.path("ssserver", configured: configuration.settings.stateDirectory)
        let token = try configuration.admin.tokenFile.map { file throws(StartFailure) in
            try AdminToken(file, below: directory)
        }
        let numbers = Set(configuration.listeners.map(\.address.port))
        let egress = EgressGuard(
            access: configuration.egress.access, denyPorts: Set(configuration.egress.denyPorts),
            denied: configuration.egress.denied, listenerPorts: numbers)
        _ = egress.keepFresh(on: group.next())
        WallClock.system.watch(on: group.next()) { [logger] lag in
            logger.warning(
                "the clock was set back; 2022 methods refuse requests until it has caught up (restart if it was wrong before)",
                metadata: ["seconds": "\(lag)"])
        }
        let opener = makeOpener(egress, descriptors: descriptors)
        var listeners = Listeners()
        do {
            let reloader = Reloader(
                configuration, opener, egress, limits, users, rules, resolver, logger: logger, read: read)
            try await reloader.start(ports)
            listeners.reloader = reloader
            self.reloader.withLockedValue { $0 = reloader }
            try await openManager(opener, &listeners)
        } catch {
            await close(listeners)
            throw error
        }
        listeners.admin = await openAdmin(egress, listeners, token, descriptors: descriptors)
        listeners.books = Task { [users, cacheBooks] in
            while (try? await Task.sleep(for: .seconds(1))) != nil {
                await users.tick()
                await cacheBooks?.tick()
            }
        }
        listeners.watch = Task { [rules] in
            while (try? await Task.sleep(for: Self.watchInterval)) != nil { await rules.look() }
        }
        return listeners
    }

    private func makeOpener(_ egress: EgressGuard, descriptors: Int) -> PortOpener {
        var options = RacingDialer.Options()
        options.ipv6First = configuration.settings.ipv6First
        options.noDelay = configuration.settings.noDelay
        options.keepAlive = configuration.settings.keepAlive.map { KeepAlive($0) }
        let dialer = egress.dialer(resolver: resolver, options: options)
        let gateway = cache.map { cache in
            HTTPGateway(
                cache, ports: Set(configuration.cache.ports), dialer: dialer, egress, policy, log: log, group: group,
                loops: loops)
        }
        return PortOpener(
            group: group, loops: loops, resolver: resolver, dialer: dialer, policy: policy, sessions: sessions,
            egress: egress,
            lists: UnauthenticatedLists(group, descriptors: descriptors, limits: limits),
            memory: memory, gateway: gateway, keepAlive: keepAlive,
            udpTimeout: configuration.settings.udpTimeout, log: log, logger: logger)
    }

    /// The ports that panels open, if the configuration says where panels ask.
    private func openManager(_ opener: PortOpener, _ listeners: inout Listeners) async throws(StartFailure) {
        guard let manager = configuration.manager else { return }
        let managed = ManagedPorts(opener, like: manager.template, fixed: ports)
        listeners.managed = managed
        listeners.manager = try await ManagerSocket(manager.place, logger: logger) { await managed.answer($0) }
    }

    /// Without its API a server serves all the same.
    private func openAdmin(
        _ egress: EgressGuard, _ listeners: Listeners, _ token: AdminToken?, descriptors: Int
    ) async -> AdminServer? {
        let paths = AdminSocket.paths(.ssserver, configuration.settings)
        guard !paths.isEmpty else { return nil }
        var routes = AdminRoutes()
        routes.add(StatusRoutes.routes(self, managed: listeners.managed, descriptors: descriptors))
        routes.add(DashboardPage.routes { [managed = listeners.managed] in await self.dashboard(managed) })
        routes.add(UserRoutes.routes(users))
        routes.add(BlacklistRoutes.routes(rules, policy, egress, resolver, group))
        routes.add(ManagerRoutes.routes(rules, token, logger))
        if let reloader = listeners.reloader { routes.add(ReloadRoutes.routes(reloader, logger)) }
        routes.add(CacheRoutes.routes(cache, cacheBooks))
        routes.add(BanRoutes.stored(in: stateDirectory))
        routes.add(MetricsRoutes.routes(cache) { [ledger] in ledger.snapshot() })
        routes.add(StandardRoutes.routes(users) { [ledger] in ledger.snapshot() })
        do throws(AdminServer.Failure) {
            return try await AdminSocket.serve(routes, at: paths, of: .ssserver)
        } catch {
            logger.warning(
                "commands cannot reach this server: its socket cannot be had", metadata: ["reason": "\(error)"])
            return nil
        }
    }

    private func dashboard(_ managed: ManagedPorts?) async -> DashboardPage {
        // autoban's clock.
        let now = WallClock.raw()
        let bans = Result { () throws(StoreFailure) in
            try BanRoutes.load(in: stateDirectory, now: now, limit: DashboardPage.maximumBans)
        }
        var saved: DashboardPage.Saved?
        if let cache, let totals = await cacheBooks?.totals() {
            saved = DashboardPage.Saved(overview: cache.overview, today: totals.today)
        }
        return DashboardPage(
            now: now, uptime: uptime, listeners: await listeningPorts + (await managed?.openPorts ?? []),
            traffic: traffic, cache: saved, blocked: blocked, bans: bans, reload: await latestReload)
    }

    private var stateDirectory: String? {
        StateDirectory.path("ssserver", configured: configuration.settings.stateDirectory)
    }

    /// Addresses that autoban has banned; nil where it has never run.
    var bans: Int? { BanRoutes.count(in: stateDirectory) }

    /// For the status.
    var traffic: TrafficSnapshot { ledger.snapshot() }
    var uptime: UInt64 { WallClock.now() - min(started, WallClock.now()) }
    var listeningPorts: [EndpointConfiguration] {
        get async { await reloader.withLockedValue { $0 }?.listeners ?? configuration.listeners }
    }

    /// What reading the configuration again came to, the last time.
    var latestReload: Reloader.Outcome? {
        get async { await reloader.withLockedValue { $0 }?.latest }
    }

    /// Rules in force, and what they have refused.
    var blocked: (rules: Int, refused: UInt64) {
        (policy.current.blacklist.count, policy.refusals.counts.values.reduce(0, &+))
    }

    /// For SIGHUP.
    func reload() async { await reloader.withLockedValue { $0 }?.reloadForLog() }

    /// Takes no new connections, lets open streams finish for a moment, and ends.
    func drain(_ listeners: Listeners) async {
        await close(listeners)
        loops.drain()
        let deadline = ContinuousClock.now + Self.drainTime
        while ledger.snapshot().streamsOpen > 0, ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(50))
        }
        let open = ledger.snapshot().streamsOpen
        if open > 0 { logger.info("ending streams that are still open", metadata: ["streams": "\(open)"]) }
        listeners.books?.cancel()
        listeners.watch?.cancel()
        await users.end()
        await cacheBooks?.keep()
        cache?.disk?.end()
        endResolver()
        try? await group.shutdownGracefully()
    }

    private func close(_ listeners: Listeners) async {
        await listeners.admin?.close()
        await listeners.manager?.close()
        await listeners.managed?.closeAll()
        await listeners.reloader?.closeAll()
    }
}
