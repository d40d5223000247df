// The laptop's way out: a stream to a target is a connection to the Shadowsocks server with a stream handler on it.
internal import NIOCore
internal import SSCommon
internal import SSNetwork

/// Dials targets through one server.
struct ServerDialer: StreamDialer {
    let server: UpstreamServer
    let replay: ReplayGuard
    /// Opens the connection to the server itself.
    let connector: any StreamDialer
    let loops: LoopContexts

    func dial(
        _ target: TargetAddress, on eventLoop: any EventLoop,
        configure: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        let loop = loops[eventLoop]
        let dialled = connector.dial(server.address, on: eventLoop) { [server, replay] channel in
            let allocator = ReadAllocator(loop.buffers)
            try StreamSocketOptions.apply(allocator, to: channel)
            let stream = ClientStreamHandler(
                server.credential, target: target, replay: replay, loop: loop, allocator: allocator, owner: server)
            try channel.pipeline.syncOperations.addHandler(stream)
            try configure(channel)
        }
        // A stream that came to be counts its own end.
        dialled.whenFailure { loop.counters.finished(($0 as? DialError ?? .failed("")).status) }
        return dialled
    }
}
