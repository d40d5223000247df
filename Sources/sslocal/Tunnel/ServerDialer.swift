// The laptop's way out: a stream to a target is a connection to the Shadowsocks server with a stream handler on it.
internal import NIOCore
internal import SSCommon
internal import SSNetwork

/// Dials targets through one server.
struct ServerDialer: StreamDialer {
    let server: TargetAddress
    let credential: Credential
    let replay: ReplayGuard
    let connector: any StreamDialer
    let loops: LoopContexts
    let owner: any ClientStreamOwner

    func dial(
        _ target: TargetAddress, on eventLoop: any EventLoop,
        configure: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        let loop = loops[eventLoop]
        return connector.dial(server, on: eventLoop) { [credential, replay, owner] channel in
            let allocator = ReadAllocator(loop.buffers)
            try StreamSocketOptions.apply(allocator, to: channel)
            let stream = ClientStreamHandler(
                credential, target: target, replay: replay, loop: loop, allocator: allocator, owner: owner)
            try channel.pipeline.syncOperations.addHandler(stream)
            try configure(channel)
        }
    }
}
