// sslocal while it runs: the local ports, the way to the server, and the way down.
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// A client made from a checked configuration. `start`, then `drain`, once each.
final class LocalRuntime: Sendable {
    private let configuration: LocalConfiguration
    private let log: LogSink
    private let logger: Logger
    private let ledger = TrafficLedger()
    private let group: any EventLoopGroup
    private let loops: LoopContexts
    private let resolver: any NameResolver
    private let endResolver: @Sendable () -> Void
    private let configured: [ServerEntry]
    private let servers: ServerSet
    private let keepsList: Bool
    private let command: UnreachableCommand?
    private let streamReplay = ReplayGuard(capacity: 10_000)
    private let datagramReplay = ReplayGuard(capacity: 10_000)

    /// How long open streams may go on after the ports are closed.
    private static let drainTime = Duration.seconds(3)
    /// UDP associations of one tunnel port.
    private static let maximumAssociations = 1024
    /// Datagrams read at a time on a port.
    private static let datagramBatch = 32

    /// `credentials` are those of the configuration's servers, in their order. A list that was swapped in while the program
    /// ran last is used again if `keepsList`.
    init(
        _ configuration: LocalConfiguration, credentials: [Credential], keepsList: Bool, log: LogSink, logger: Logger
    ) {
        self.keepsList = keepsList
        self.configuration = configuration
        self.log = log
        self.logger = logger
        // One loop carries more than any laptop's network; two would pass streams between cores.
        group = Engine.makeGroup(threads: configuration.settings.workers ?? 1)
        loops = LoopContexts(group, ledger: ledger)
        (resolver, endResolver) = configuration.settings.makeResolver(group)
        command = configuration.onUnreachable.flatMap { UnreachableCommand($0, logger: logger) }
        configured = zip(configuration.servers, credentials).map { ServerEntry(configuration: $0, credential: $1) }
        servers = ServerSet(configured, resolver: resolver, logger: logger, hasAlarm: command != nil)
    }

    /// Of accepted connections: dead peers must not be kept for ever.
    private var keepAlive: KeepAlive {
        configuration.settings.keepAlive.map { KeepAlive($0) } ?? KeepAlive()
    }

    /// What is open.
    struct Listeners: Sendable {
        var streams: [StreamListener] = []
        var datagrams: [DatagramPort] = []
        var admin: LocalAdmin?
    }

    /// Opens every port, or none.
    func start() async throws(StartFailure) -> Listeners {
        let addresses = try await ListenAddress.resolve(
            configuration.locals.map(\.address), with: resolver, on: group.any())
        var listeners = Listeners()
        // Before the first stream: it may bring another list of servers.
        let dialer = dialer
        let sources = ListSources(tunnel: dialer, direct: dialer.connector, eventLoop: group.next())
        let subject = LocalAdmin.Subject(
            configuration: configuration, servers: servers, configured: configured, sources: sources, ledger: ledger,
            keepsList: keepsList)
        listeners.admin = await LocalAdmin.open(subject, logger: logger)
        ServerCare(
            servers: servers, check: ServerCheck(servers: servers, dialer: dialer), command: command,
            forgetNames: { [resolver] in (resolver as? CachingResolver)?.forget() }, eventLoop: group.next()
        ).start()
        do {
            for (index, local) in configuration.locals.enumerated() {
                for address in addresses[index] { try await open(local, address, &listeners) }
            }
        } catch {
            await close(listeners)
            throw error
        }
        return listeners
    }

    private func open(
        _ local: LocalListener, _ address: ListenAddress, _ listeners: inout Listeners
    ) async throws(StartFailure) {
        if local.mode.hasTCP {
            do {
                listeners.streams.append(try await openStreams(local, address).get())
            } catch {
                throw StartFailure(address.endpoint, "tcp", error)
            }
        }
        if local.mode.hasUDP, case .tunnel(let target) = local.service {
            do {
                listeners.datagrams.append(try await openDatagrams(target, address).get())
            } catch {
                throw StartFailure(address.endpoint, "udp", error)
            }
        }
        logger.info(
            "listening",
            metadata: [
                "address": "\(address.endpoint)", "protocol": "\(local.service.word)", "server": "\(servers.shown)",
            ])
    }

    private var dialer: ServerDialer {
        var options = RacingDialer.Options()
        options.ipv6First = configuration.settings.ipv6First
        options.noDelay = configuration.settings.noDelay
        options.keepAlive = configuration.settings.keepAlive.map { KeepAlive($0) }
        return ServerDialer(
            servers: servers, replay: streamReplay, connector: RacingDialer(resolver: resolver, options: options),
            loops: loops)
    }

    private var upstream: UpstreamAssociation.Service {
        UpstreamAssociation.Service(servers: servers, replay: datagramReplay)
    }

    private var relay: RelayStart {
        let idle = UInt32(clamping: configuration.servers[0].timeout.components.seconds)
        return RelayStart(loops: loops, timeouts: RelayTimeouts(idle: max(1, idle)))
    }

    private func openStreams(_ local: LocalListener, _ address: ListenAddress) -> EventLoopFuture<StreamListener> {
        switch local.service {
        case .tunnel(let target):
            let tunnel = FixedTunnel(target: target, dialer: dialer, relay: relay)
            return StreamListener.bind(address, group: group, loops: loops, keepAlive: keepAlive) {
                channel, loop, allocator in
                try tunnel.accept(channel, loop, allocator)
            }
        case .mixed, .socks, .http:
            let front = front(local)
            return StreamListener.bind(address, group: group, loops: loops, keepAlive: keepAlive) { channel, _, _ in
                StreamSocketOptions.applyForHandshake(to: channel)
                try channel.pipeline.syncOperations.addHandler(FrontHandler(front))
            }
        }
    }

    private func front(_ local: LocalListener) -> FrontConfiguration {
        let relay = relay
        var front = FrontConfiguration(
            dialer: dialer, logger: logger, now: { Int64(time(nil)) },
            startRelay: { client, upstream, early in relay(client, upstream, early) })
        if local.mode.hasUDP {
            let associations = AssociationService(upstream: upstream, loops: loops)
            front.openAssociation = { client, hint in associations.open(client, hint: hint) }
        }
        front.mode = local.service.frontMode
        front.users = FrontUsers(local.users.map { FrontUser(name: $0.name, password: $0.password) })
        return front
    }

    private func openDatagrams(_ target: TargetAddress, _ address: ListenAddress) -> EventLoopFuture<DatagramPort> {
        let loop = loops[group.next()]
        let lifetime = TimeAmount(seconds: configuration.settings.udpTimeout)
        return DatagramPort.open(
            address.endpoint, on: loop.eventLoop, batch: Self.datagramBatch, isIPv6Only: address.isIPv6Only,
            onLoss: { [logger] in
                logger.warning(
                    "a datagram could not be sent; the UDP port is opened anew", metadata: ["address": "\($0)"])
            },
            handler: { [upstream] in
                TunnelDatagramHandler(
                    target: target, upstream: upstream, loop: loop, limit: Self.maximumAssociations, lifetime: lifetime)
            })
    }

    /// Starts the live line; nil where nobody would see it.
    func startDisplay() -> LiveDisplay? {
        let display = LiveDisplay(
            ledger, log: log, isUnicode: LiveDisplay.isUnicode(locale: Environment.variable))
        display?.start(on: group.next())
        return display
    }

    /// Takes no new connections, lets open streams finish for a moment, and ends.
    func drain(_ listeners: Listeners) async {
        await command?.stop()
        await close(listeners)
        loops.drain()
        let deadline = ContinuousClock.now + Self.drainTime
        while ledger.snapshot().streamsOpen > 0, ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(50))
        }
        endResolver()
        try? await group.shutdownGracefully()
    }

    private func close(_ listeners: Listeners) async {
        for listener in listeners.streams { try? await listener.close().get() }
        for port in listeners.datagrams { try? await port.close().get() }
        await listeners.admin?.close()
    }
}

extension LocalListener.Service {
    /// For the log.
    var word: String {
        switch self {
        case .mixed: "mixed"
        case .socks: "socks"
        case .http: "http"
        case .tunnel: "tunnel"
        }
    }

    fileprivate var frontMode: FrontMode {
        switch self {
        case .mixed: .mixed
        case .socks: .socks
        case .http: .http
        case .tunnel: .mixed
        }
    }
}
