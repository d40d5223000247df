// How every UDP channel of ours is made. Sockets are never connected: an ICMP error about one peer must not end
// what others are sent.
package import NIOCore
internal import NIOPosix
package import SSCommon

package enum DatagramSocket {
    /// The largest UDP payload over IPv4 or IPv6 without jumbograms, rounded up.
    package static let maximumDatagram = 65_536

    /// Binds a UDP channel on `eventLoop` with `handler` in it. `batch` datagrams are read at a time; each costs
    /// 64 KiB of address space, of which only what is received becomes memory.
    package static func bind(
        _ endpoint: Endpoint, on eventLoop: any EventLoop, batch: Int, isIPv6Only: Bool = false,
        handler: @escaping @Sendable () -> any ChannelHandler
    ) -> EventLoopFuture<any Channel> {
        #if os(Linux)
            if let loop = eventLoop as? EpollLoop {
                return open(.local(endpoint, isIPv6Only: isIPv6Only), on: loop, batch, handler)
            }
        #endif
        var bootstrap = DatagramBootstrap(group: eventLoop)
        if isIPv6Only {
            bootstrap = bootstrap.channelOption(
                ChannelOptions.Types.SocketOption(level: .ipv6, name: .ipv6_v6only), value: 1)
        }
        return
            bootstrap
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let options = channel.syncOptions else { return }
                    try options.setOption(
                        .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: batch * maximumDatagram))
                    if batch > 1 { try options.setOption(.datagramVectorReadMessageCount, value: batch) }
                    try options.setOption(.maxMessagesPerRead, value: 4)
                    // Enough for a burst; what is over it is dropped, as UDP is.
                    try options.setOption(
                        .writeBufferWaterMark, value: .init(low: 128 * 1024, high: 512 * 1024))
                    try channel.pipeline.syncOperations.addHandler(handler())
                }
            }
            .bind(to: SocketAddress(endpoint))
    }

    /// A UDP channel connected to `peer`, which takes `ByteBuffer`s too; errors about the peer reach its handler.
    static func connect(
        to peer: Endpoint, on eventLoop: any EventLoop, handler: @escaping @Sendable () -> any ChannelHandler
    ) -> EventLoopFuture<any Channel> {
        #if os(Linux)
            if let loop = eventLoop as? EpollLoop { return open(.peer(peer), on: loop, 4, handler) }
        #endif
        return DatagramBootstrap(group: eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(handler())
                }
            }
            .connect(to: SocketAddress(peer))
    }

    #if os(Linux)
        private static func open(
            _ address: DatagramChannel.Address, on loop: EpollLoop, _ batch: Int,
            _ handler: @escaping @Sendable () -> any ChannelHandler
        ) -> EventLoopFuture<any Channel> {
            @Sendable func open() throws -> any Channel {
                try DatagramChannel.open(address, on: loop, batch: batch, handler: handler())
            }
            return loop.inEventLoop ? loop.makeCompletedFuture { try open() } : loop.submit { try open() }
        }
    #endif

    /// The address that takes any local one of the same family.
    package static func unspecified(like address: IPAddress) -> Endpoint {
        switch address {
        case .v4: Endpoint(.v4(IPv4Address(0)), 0)
        case .v6: Endpoint(.v6(IPv6Address(high: 0, low: 0)), 0)
        }
    }
}
