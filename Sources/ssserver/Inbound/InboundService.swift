// What all streams of a listener share.
internal import NIOCore
internal import SSCommon
internal import SSNetwork

/// One listener's way of serving streams.
final class InboundService: Sendable {
    let ring: KeyRing
    let limits: SourceLimits
    let replay: ReplayGuard
    let dialer: any JudgedDialer
    let policy: PolicyInForce
    let sessions: OpenSessions
    let log: LogSink
    let timeouts: RelayTimeouts
    /// Nil without a cache.
    let gateway: HTTPGateway?

    init(
        ring: KeyRing, limits: SourceLimits, replay: ReplayGuard, dialer: any JudgedDialer, policy: PolicyInForce,
        sessions: OpenSessions, log: LogSink, timeouts: RelayTimeouts, gateway: HTTPGateway? = nil
    ) {
        self.gateway = gateway
        self.policy = policy
        self.sessions = sessions
        self.ring = ring
        self.limits = limits
        self.replay = replay
        self.dialer = dialer
        self.log = log
        self.timeouts = timeouts
    }

    /// Takes an accepted channel, on its loop.
    func accept(
        _ channel: any Channel, _ loop: LoopContext, _ allocator: ReadAllocator, waiting: UnauthenticatedList
    ) throws {
        let stream = InboundStream(self, channel, loop, allocator, waiting)
        try channel.pipeline.syncOperations.addHandler(
            ServerStreamHandler(ring.keys, replay: replay, loop: loop, allocator: allocator, owner: stream))
        waiting.add(stream)
    }
}
