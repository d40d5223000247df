// A listening TCP socket. Accepted channels are set up in one place and handed over; what they become is the
// program's business.
package import NIOCore
internal import NIOPosix
package import SSCommon

/// A TCP port that is listened on.
package struct StreamListener: Sendable {
    private let channel: any Channel

    /// Where it listens; the real port if 0 was asked for.
    package var address: Endpoint? { channel.localAddress.flatMap(Endpoint.init(folding:)) }

    /// Listens on `address`; accepted channels are spread over `loops`' event loops. `accept` runs on the
    /// channel's loop before anything is read; it installs the handlers.
    package static func bind(
        _ address: ListenAddress, group: any EventLoopGroup, loops: LoopContexts, keepAlive: KeepAlive = KeepAlive(),
        accept: @escaping @Sendable (any Channel, LoopContext, ReadAllocator) throws -> Void
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
            .map { StreamListener(channel: $0) }
    }

    /// Stops listening; accepted channels live on.
    package func close() -> EventLoopFuture<Void> {
        channel.close()
    }
}
