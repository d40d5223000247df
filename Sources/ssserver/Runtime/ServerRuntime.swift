// ssserver while it runs: the listeners, what they share, and the way down.
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

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
    /// Recent datagrams' salts; apart from the streams' so that a burst of one does not age the other's memory.
    private let datagramReplay = ReplayGuard(capacity: 100_000)
    /// Streams' salts, kept in files where that can be.
    private let streamReplay: ReplayGuard
    private let ports: [ServedPort]
    private let users: UserRegistry
    private let limits: SourceLimits
    private let started = WallClock.now()

    /// How long open streams may go on after the listeners are closed.
    private static let drainTime = Duration.seconds(5)
    /// UDP associations of one port.
    private static let maximumAssociations = 4096
    /// Datagrams read at a time on a port.
    private static let datagramBatch = 32

    /// `credentials` are those of the configuration's listeners, in their order.
    init(_ configuration: ServerConfiguration, credentials: [Credential], log: LogSink, logger: Logger) {
        self.configuration = configuration
        self.log = log
        self.logger = logger
        group = Engine.makeGroup(threads: configuration.settings.workers ?? System.coreCount)
        loops = LoopContexts(group, ledger: ledger)
        (resolver, endResolver) = configuration.settings.makeResolver(group)
        streamReplay = Self.replayMemory(configuration.settings.stateDirectory, logger)
        limits = SourceLimits(configuration.limits)
        ports = zip(configuration.listeners, credentials).map { ServedPort($0, $1) }
        let directory = StateDirectory.path("ssserver", configured: configuration.settings.stateDirectory)
        users = UserRegistry(ports, path: directory.map { $0 + "/users.sqlite" }, logger: logger)
    }

    /// What was served before, of this run and of earlier ones.
    private static func replayMemory(_ configured: String?, _ logger: Logger) -> ReplayGuard {
        func warn(_ reason: some CustomStringConvertible & Sendable) {
            logger.warning(
                "what was served cannot be kept in a file, so a restart forgets it and old requests may be played again",
                metadata: ["reason": "\(reason)"])
        }
        guard let path = StateDirectory.path("ssserver", configured: configured) else {
            warn("there is no home directory; name a \"state_directory\"")
            return ReplayGuard()
        }
        do {
            try StateDirectory.make(path)
            return try ReplayGuard(directory: path) { failure in
                logger.warning(
                    "what was served cannot be kept in a file any more, so a restart forgets it",
                    metadata: ["reason": "\(failure)"])
            }
        } catch {
            warn("\(error)")
            return ReplayGuard()
        }
    }

    /// Of accepted connections: dead peers must not be kept for ever.
    private var keepAlive: KeepAlive {
        configuration.settings.keepAlive.map { KeepAlive($0) } ?? KeepAlive()
    }

    /// What is open.
    struct Listeners: Sendable {
        var streams: [StreamListener] = []
        var datagrams: [DatagramPort] = []
        var admin: AdminServer?
        /// Ends with the server.
        var books: Task<Void, Never>?
    }

    /// Opens every port, or none.
    func start(descriptors: Int) async throws(StartFailure) -> Listeners {
        do throws(UserStoreFailure) {
            try await users.start()
        } catch {
            throw StartFailure(
                "what is known about users cannot be read: \(error)",
                help: "it may say whom not to serve; mend the file or move it away")
        }
        let addresses = try await ListenAddress.resolve(
            configuration.listeners.map(\.address), with: resolver, on: group.any())
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
        var options = RacingDialer.Options()
        options.ipv6First = configuration.settings.ipv6First
        options.noDelay = configuration.settings.noDelay
        options.keepAlive = configuration.settings.keepAlive.map { KeepAlive($0) }
        let dialer = egress.dialer(resolver: resolver, options: options)
        let lists = UnauthenticatedLists(group, descriptors: descriptors, limits: limits)
        var listeners = Listeners()
        do {
            for (index, endpoint) in configuration.listeners.enumerated() {
                let place = Place(
                    endpoint: endpoint, ring: ports[index].ring, dialer: dialer,
                    egress: DatagramEgress(egress: egress, resolver: resolver))
                for address in addresses[index] {
                    try await open(place, address, lists, &listeners)
                }
            }
        } catch {
            await close(listeners)
            throw error
        }
        listeners.admin = await openAdmin()
        listeners.books = Task { [users] in
            while (try? await Task.sleep(for: .seconds(1))) != nil { await users.tick() }
        }
        return listeners
    }

    /// Without its API a server serves all the same.
    private func openAdmin() async -> AdminServer? {
        let path = AdminSocket.path(.ssserver, configuration.settings)
        guard let path else { return nil }
        var routes = AdminRoutes()
        routes.add(StatusRoutes.routes(self))
        routes.add(UserRoutes.routes(users))
        do throws(AdminServer.Failure) {
            return try await AdminServer(path: path, routes: routes)
        } catch {
            logger.warning(
                "commands cannot reach this server: its socket cannot be had", metadata: ["reason": "\(error)"])
            return nil
        }
    }

    /// For the status.
    var traffic: TrafficSnapshot { ledger.snapshot() }
    var uptime: UInt64 { WallClock.now() - min(started, WallClock.now()) }
    var listeningPorts: [EndpointConfiguration] { configuration.listeners }

    /// One configured port with what serves it.
    private struct Place {
        let endpoint: EndpointConfiguration
        let ring: KeyRing
        let dialer: any StreamDialer
        let egress: DatagramEgress
    }

    private func open(
        _ port: Place, _ address: ListenAddress, _ lists: UnauthenticatedLists, _ listeners: inout Listeners
    ) async throws(StartFailure) {
        if port.endpoint.mode.hasTCP {
            do {
                listeners.streams.append(try await openStreams(port, address, lists).get())
            } catch {
                throw StartFailure(address.endpoint, "tcp", error)
            }
        }
        if port.endpoint.mode.hasUDP {
            do {
                listeners.datagrams.append(try await openDatagrams(port, address).get())
            } catch {
                throw StartFailure(address.endpoint, "udp", error)
            }
        }
        logger.info(
            "listening",
            metadata: [
                "address": "\(address.endpoint)", "method": "\(port.endpoint.method.rawValue)",
                "mode": "\(port.endpoint.mode.rawValue)",
            ])
    }

    private func openStreams(
        _ port: Place, _ address: ListenAddress, _ lists: UnauthenticatedLists
    ) -> EventLoopFuture<StreamListener> {
        let idle = UInt32(clamping: port.endpoint.timeout.components.seconds)
        let service = InboundService(
            ring: port.ring, limits: limits, replay: streamReplay, dialer: port.dialer, log: log,
            timeouts: RelayTimeouts(idle: max(1, idle)))
        return StreamListener.bind(address, group: group, loops: loops, keepAlive: keepAlive) {
            channel, loop, allocator in
            try service.accept(channel, loop, allocator, waiting: lists[channel.eventLoop])
        }
    }

    private func openDatagrams(_ port: Place, _ address: ListenAddress) -> EventLoopFuture<DatagramPort> {
        let eventLoop = group.next()
        let counters = loops[eventLoop].counters
        let lifetime = TimeAmount(seconds: configuration.settings.udpTimeout)
        return DatagramPort.open(
            address.endpoint, on: eventLoop, batch: Self.datagramBatch, isIPv6Only: address.isIPv6Only,
            onLoss: { [logger] in
                logger.warning(
                    "a datagram could not be sent; the UDP port is opened anew", metadata: ["address": "\($0)"])
            },
            handler: { [datagramReplay] in
                ServerDatagramHandler(
                    port.ring, policy: port.egress, counters: counters, replay: datagramReplay,
                    limit: Self.maximumAssociations, lifetime: lifetime)
            })
    }

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
        await users.end()
        endResolver()
        try? await group.shutdownGracefully()
    }

    private func close(_ listeners: Listeners) async {
        await listeners.admin?.close()
        for listener in listeners.streams { try? await listener.close().get() }
        for port in listeners.datagrams { try? await port.close().get() }
    }
}
