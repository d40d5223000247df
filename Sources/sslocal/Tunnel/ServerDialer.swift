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

    func dial(_ target: TargetAddress, on eventLoop: any EventLoop) -> EventLoopFuture<any Channel> {
        let loop = loops[eventLoop]
        return connector.dial(server, on: eventLoop).flatMapThrowing { channel in
            let allocator = try StreamSocketOptions.apply(to: channel, loop: loop)
            let stream = ClientStreamHandler(
                credential, target: target, replay: replay, loop: loop, allocator: allocator, owner: owner)
            try channel.pipeline.syncOperations.addHandler(stream)
            return channel
        }
    }
}
