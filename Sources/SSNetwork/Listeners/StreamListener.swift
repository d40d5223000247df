// A listening TCP socket. Accepted channels are set up in one place and handed over; what they become is the
// program's business.
package import NIOCore
internal import NIOPosix
package import SSCommon

/// A TCP port that is listened on.
package struct StreamListener: Sendable {
    package typealias Accept = @Sendable (any Channel, LoopContext, ReadAllocator) throws -> Void

    /// Where it listens; the real port if 0 was asked for.
    package let address: Endpoint?
    private let closeAll: @Sendable () -> EventLoopFuture<Void>

    /// Listens on `address`; accepted channels are spread over the group's event loops. `accept` runs on the
    /// channel's loop before anything is read; it installs the handlers.
    package static func bind(
        _ address: ListenAddress, group: any EventLoopGroup, loops: LoopContexts, keepAlive: KeepAlive = KeepAlive(),
        accept: @escaping Accept
    ) -> EventLoopFuture<StreamListener> {
        #if os(Linux)
            let own = group.makeIterator().compactMap { $0 as? EpollLoop }
            if !own.isEmpty { return listen(address, own, loops, keepAlive, accept) }
        #endif
        return bindChannel(address, group, loops, keepAlive, accept)
    }

    /// Stops listening; accepted channels live on.
    package func close() -> EventLoopFuture<Void> {
        closeAll()
    }

    private static func bindChannel(
        _ address: ListenAddress, _ group: any EventLoopGroup, _ loops: LoopContexts, _ keepAlive: KeepAlive,
        _ accept: @escaping Accept
    ) -> EventLoopFuture<StreamListener> {
        var bootstrap = ServerBootstrap(group: group)
        if address.isIPv6Only {
            bootstrap = bootstrap.serverChannelOption(
                ChannelOptions.Types.SocketOption(level: .ipv6, name: .ipv6_v6only), value: 1)
        }
        // Inherited by accepted sockets, which saves system calls for each.
        for (option, value) in keepAlive.options { bootstrap = bootstrap.serverChannelOption(option, value: value) }
        return bootstrap.serverChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .serverChannelOption(.backlog, value: 4096)
            // One accept a turn: a second would mostly find nobody, and others get their turn in between.
            .serverChannelOption(.maxMessagesPerRead, value: 1)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
                    let loop = loops[channel.eventLoop]
                    let allocator = ReadAllocator(loop.buffers)
                    try StreamSocketOptions.apply(allocator, to: channel)
                    try accept(channel, loop, allocator)
                }
            }
            .bind(to: SocketAddress(address.endpoint))
            .map { channel in
                StreamListener(address: channel.localAddress.flatMap(Endpoint.init(folding:))) { channel.close() }
            }
    }

    private init(address: Endpoint?, close: @escaping @Sendable () -> EventLoopFuture<Void>) {
        self.address = address
        closeAll = close
    }
}

#if os(Linux)
    extension StreamListener {
        private static func listen(
            _ address: ListenAddress, _ loops: [EpollLoop], _ contexts: LoopContexts, _ keepAlive: KeepAlive,
            _ accept: @escaping Accept
        ) -> EventLoopFuture<StreamListener> {
            do {
                let listening = try ListeningSocket.listen(address, keepAlive: keepAlive)
                let sockets = loops.map { loop in
                    ListeningSocket(listening, on: loop, of: loops) { channel in
                        let context = contexts[channel.eventLoop]
                        let allocator = ReadAllocator(context.buffers)
                        try StreamSocketOptions.apply(allocator, to: channel)
                        try accept(channel, context, allocator)
                    }
                }
                let bound = sockets[0].boundEndpoint.map { Endpoint($0.address.folded, $0.port) }
                let watched = sockets.map { socket in socket.loop.submit { try socket.watch() } }
                return EventLoopFuture.andAllSucceed(watched, on: loops[0])
                    .map { StreamListener(address: bound) { close(sockets) } }
                    .flatMapError { error in close(sockets).flatMapThrowing { throw error } }
            } catch {
                return loops[0].makeFailedFuture(error)
            }
        }

        private static func close(_ sockets: [ListeningSocket]) -> EventLoopFuture<Void> {
            let unwatched = sockets.map { socket in socket.loop.submit { socket.unwatch() } }
            return EventLoopFuture.andAllComplete(unwatched, on: sockets[0].loop)
        }
    }
#endif
