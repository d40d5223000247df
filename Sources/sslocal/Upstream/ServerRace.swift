// Connections to several servers for one request, and what each attempt says about its server.
internal import NIOCore
internal import SSCommon
internal import SSNetwork

/// One race. Confined to its event loop.
///
/// `@unchecked Sendable`: the dialer starts it on its loop, and every call-back comes there.
final class ServerRace: @unchecked Sendable {
    private let servers: ServerSet
    private let candidates: [UpstreamServer]
    private let connector: any StreamDialer
    private let eventLoop: any EventLoop
    private var underWay: [ServerTable.ID: ContinuousClock.Instant] = [:]
    private var winner: UpstreamServer?

    /// How long the best server may take before the next one is asked too; one that failed lately gets less.
    private static let patience = Duration.milliseconds(1000)
    private static let shortPatience = Duration.milliseconds(300)
    /// For all of them.
    private static let timeout = TimeAmount.seconds(13)

    /// `candidates`: the best first, at least one.
    init(_ servers: ServerSet, _ candidates: [UpstreamServer], connector: any StreamDialer, on eventLoop: any EventLoop)
    {
        self.servers = servers
        self.candidates = candidates
        self.connector = connector
        self.eventLoop = eventLoop
    }

    /// The first connection, with reading off and no handlers, and its server. Call once; from any thread.
    func start() -> EventLoopFuture<(any Channel, UpstreamServer)> {
        eventLoop.inEventLoop ? begin() : eventLoop.flatSubmit { self.begin() }
    }

    private func begin() -> EventLoopFuture<(any Channel, UpstreamServer)> {
        let patience = servers.isTrusted(candidates[0]) ? Self.patience : Self.shortPatience
        guard let race = ConnectionRace(Array(candidates.indices), attemptDelay: patience) else {
            preconditionFailure("a race without candidates")
        }
        let run = RaceRun(race, on: eventLoop) { index, born in self.connect(self.candidates[index], born) }
        return run.start(timeout: Self.timeout).afterThisTurn().flatMapThrowing { channel in
            guard let winner = self.winner else { preconditionFailure("who won has connected") }
            return (channel, winner)
        }
    }

    private func connect(
        _ server: UpstreamServer, _ born: @escaping @Sendable (any Channel) -> Void
    ) -> EventLoopFuture<any Channel> {
        underWay[server.id] = .now
        let connected = connector.dial(server.address, on: eventLoop) { channel in
            // Only the winner gets handlers; until then nothing may be read.
            try channel.syncOptions?.setOption(.autoRead, value: false)
            born(channel)
        }
        // Before the race hears of it.
        connected.assumeIsolated().whenComplete { result in
            guard let start = self.underWay.removeValue(forKey: server.id), self.winner == nil else { return }
            switch result {
            case .success: self.won(server, after: .now - start)
            case .failure(let error): self.servers.failed(server, DialError(error))
            }
        }
        return connected
    }

    private func won(_ server: UpstreamServer, after time: Duration) {
        winner = server
        servers.note(.connected(after: time), about: server.id)
        // Who let wait for so long that another could overtake it is suspect; who has just begun is not.
        for (id, start) in underWay where .now - start >= Self.shortPatience {
            servers.note(.stalled, about: id)
        }
        underWay = [:]
    }
}

extension EventLoopFuture where Value == any Channel {
    /// A channel becomes active before or after its connection is told, as engines differ; in the next turn it is, and handlers
    /// that are added then are told by whoever adds them, once.
    func afterThisTurn() -> EventLoopFuture<any Channel> {
        flatMap { channel in self.eventLoop.submit { channel } }
    }
}
