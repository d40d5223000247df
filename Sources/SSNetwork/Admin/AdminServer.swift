// The HTTP API by which a running program is asked and told things: on a Unix socket that only the owner can open. It
// has a thread of its own, so that nothing done here holds up the relay.
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

package final class AdminServer: Sendable {
    /// Connections at a time; who has the socket may be trusted not to want more.
    private static let maximumConnections = 64

    /// Why it does not serve, in words for a person.
    package struct Failure: Error, Sendable, CustomStringConvertible {
        package let description: String
        /// The system could not do it now; what is wrong otherwise stays so.
        package var mayPass = false
    }

    package let path: String
    private let group: MultiThreadedEventLoopGroup
    private let channel: any Channel
    private let removeFile: @Sendable () -> Void

    /// Listens at `path` (mode 0600), which replaces a socket that a killed program left there.
    package init(path: String, routes: AdminRoutes) async throws(Failure) {
        let socket: UnixSocket
        do throws(UnixSocket.Failure) {
            socket = try UnixSocket(binding: path)
        } catch {
            throw Failure(description: error.description, mayPass: error.mayPass)
        }
        self.path = path
        removeFile = { socket.removeFile() }
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let descriptor = socket.descriptor
        do {
            channel = try await ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: 64)
                .serverChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(ConnectionLimit(Self.maximumConnections))
                    }
                }
                .childChannelInitializer { channel in
                    channel.pipeline.configureHTTPServerPipeline(withErrorHandling: true).flatMapThrowing {
                        try channel.pipeline.syncOperations.addHandler(AdminHandler(routes))
                    }
                }
                .withBoundSocket(descriptor).get()
        } catch {
            try? await group.shutdownGracefully()
            socket.removeFile()
            throw Failure(description: "\(error)")
        }
    }

    /// Ends it, requests under way included.
    package func close() async {
        removeFile()
        try? await channel.close()
        try? await group.shutdownGracefully()
    }
}

/// Closes accepted connections beyond so many at a time.
private final class ConnectionLimit: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private let limit: Int
    private var open = 0

    init(_ limit: Int) {
        self.limit = limit
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let channel = unwrapInboundIn(data)
        guard open < limit else {
            channel.close(promise: nil)
            return
        }
        open += 1
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let eventLoop = context.eventLoop
        channel.closeFuture.hop(to: eventLoop).whenComplete { _ in bound.value.open -= 1 }
        context.fireChannelRead(data)
    }
}
