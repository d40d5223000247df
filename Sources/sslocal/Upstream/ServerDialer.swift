// The laptop's way out: a stream to a target is a connection to the Shadowsocks server with a stream handler on it.
//
// Of several servers the best is tried first and the next one joins after a second, or at once if the first refuses: a
// blocked address mostly lets wait. The first connection wins. Nothing is sent before that, so no target hears of a request
// twice, and the application notices nothing.
internal import NIOCore
internal import SSCommon
internal import SSNetwork

/// Dials targets through one of the servers.
struct ServerDialer: StreamDialer {
    let servers: ServerSet
    let replay: ReplayGuard
    /// Opens the connection to the server itself.
    let connector: any StreamDialer
    let loops: LoopContexts

    func dial(
        _ target: TargetAddress, on eventLoop: any EventLoop,
        configure: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        let loop = loops[eventLoop]
        let route = servers.streamRoute()
        guard route.isWatched else { return dial(target, through: route.servers[0], loop, configure) }
        let race = ServerRace(servers, route.servers, connector: connector, on: eventLoop)
        let dialled = race.start().flatMapThrowing { channel, server in
            let watch = StreamWatch(server, of: servers, target: target)
            do {
                guard channel.isActive else { throw DialError.failed("closed at once") }
                // Nothing is read before this turn of the loop is over; `configure` may switch reading off again.
                try channel.syncOptions?.setOption(.autoRead, value: true)
                try attach(channel, server.credential, target, watch, loop)
                try configure(channel)
                // The handlers were not there when the channel became active.
                channel.pipeline.fireChannelActive()
                return channel
            } catch {
                channel.close(promise: nil)
                throw DialError(error)
            }
        }
        dialled.whenFailure { error in
            let error = error as? DialError ?? .failed("")
            loop.counters.finished(error.status)
            servers.useFailed(error)
        }
        return dialled
    }

    /// The one server there is.
    private func dial(
        _ target: TargetAddress, through server: UpstreamServer, _ loop: LoopContext,
        _ configure: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        let dialled = connector.dial(server.address, on: loop.eventLoop) { channel in
            try attach(channel, server.credential, target, server, loop)
            try configure(channel)
        }
        // A stream that came to be counts its own end.
        dialled.whenFailure { error in
            let error = error as? DialError ?? .failed("")
            loop.counters.finished(error.status)
            servers.failed(server, error)
        }
        return dialled
    }

    /// Makes a connection to a server a stream to `target`.
    func attach(
        _ channel: any Channel, _ credential: Credential, _ target: TargetAddress, _ owner: any ClientStreamOwner,
        _ loop: LoopContext
    ) throws {
        let allocator = ReadAllocator(loop.buffers)
        try StreamSocketOptions.apply(allocator, to: channel)
        let stream = ClientStreamHandler(
            credential, target: target, replay: replay, loop: loop, allocator: allocator, owner: owner)
        try channel.pipeline.syncOperations.addHandler(stream)
    }
}
