// How a port is opened, at the start and by commands later: with everything that all ports share.
internal import Logging
internal import NIOCore
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

/// A port that is listened on.
struct OpenPort: Sendable {
    fileprivate(set) var streams: [StreamListener] = []
    fileprivate(set) var datagrams: [DatagramPort] = []

    /// Stops listening; open streams live on, associations end.
    func close() async {
        for listener in streams { try? await listener.close().get() }
        for port in datagrams { try? await port.close().get() }
    }
}

struct PortOpener: Sendable {
    let group: any EventLoopGroup
    let loops: LoopContexts
    let resolver: any NameResolver
    let dialer: any JudgedDialer
    let policy: PolicyInForce
    let sessions: OpenSessions
    let egress: EgressGuard
    let lists: UnauthenticatedLists
    let memory: ReplayMemory
    let gateway: HTTPGateway?
    let keepAlive: KeepAlive
    let udpTimeout: Duration
    let log: LogSink
    let logger: Logger

    /// UDP associations of one port.
    private static let maximumAssociations = 4096
    /// Datagrams read at a time on a port.
    private static let datagramBatch = 32

    /// Opens `endpoint` at all of `addresses`, or at none.
    func open(
        _ endpoint: EndpointConfiguration, _ ring: KeyRing, at addresses: [ListenAddress]
    ) async throws(StartFailure) -> OpenPort {
        var port = OpenPort()
        do {
            for address in addresses { try await open(endpoint, ring, address, &port) }
        } catch {
            await port.close()
            throw error
        }
        return port
    }

    private func open(
        _ endpoint: EndpointConfiguration, _ ring: KeyRing, _ address: ListenAddress, _ port: inout OpenPort
    ) async throws(StartFailure) {
        if endpoint.mode.hasTCP {
            do {
                port.streams.append(try await openStreams(endpoint, ring, address).get())
            } catch {
                throw StartFailure(address.endpoint, "tcp", error)
            }
        }
        if endpoint.mode.hasUDP {
            do {
                port.datagrams.append(try await openDatagrams(ring, address).get())
            } catch {
                throw StartFailure(address.endpoint, "udp", error)
            }
        }
        logger.info(
            "listening",
            metadata: [
                "address": "\(address.endpoint)", "method": "\(endpoint.method.rawValue)",
                "mode": "\(endpoint.mode.rawValue)",
            ])
    }

    private func openStreams(
        _ endpoint: EndpointConfiguration, _ ring: KeyRing, _ address: ListenAddress
    ) -> EventLoopFuture<StreamListener> {
        let idle = UInt32(clamping: endpoint.timeout.components.seconds)
        let service = InboundService(
            ring: ring, limits: lists.limits, replay: memory.streams, dialer: dialer, policy: policy,
            sessions: sessions, log: log,
            timeouts: RelayTimeouts(idle: max(1, idle)), gateway: gateway)
        return StreamListener.bind(address, group: group, loops: loops, keepAlive: keepAlive) {
            [lists] channel, loop, allocator in
            try service.accept(channel, loop, allocator, waiting: lists[channel.eventLoop])
        }
    }

    private func openDatagrams(_ ring: KeyRing, _ address: ListenAddress) -> EventLoopFuture<DatagramPort> {
        let eventLoop = group.next()
        let counters = loops[eventLoop].counters
        let lifetime = TimeAmount(seconds: udpTimeout)
        return DatagramPort.open(
            address.endpoint, on: eventLoop, batch: Self.datagramBatch, isIPv6Only: address.isIPv6Only,
            onLoss: { [logger] in
                logger.warning(
                    "a datagram could not be sent; the UDP port is opened anew", metadata: ["address": "\($0)"])
            },
            handler: { [memory, policy = DatagramEgress(egress: egress, resolver: resolver, policy: policy)] in
                ServerDatagramHandler(
                    ring, policy: policy, counters: counters, replay: memory.datagrams,
                    ledger: memory.sessions, limit: Self.maximumAssociations, lifetime: lifetime)
            })
    }
}
