// `"protocol": "tunnel"`: whatever connects to this port is taken to one target through the server.
internal import NIOCore
internal import SSCommon
internal import SSNetwork

/// The TCP side of a tunnel.
struct FixedTunnel: Sendable {
    let target: TargetAddress
    let dialer: any StreamDialer
    let relay: RelayStart

    /// Takes an accepted channel, on its loop.
    func accept(_ channel: any Channel, _ loop: LoopContext, _ allocator: ReadAllocator) throws {
        let near = RelayHandler(allocator: allocator, isFirst: true)
        let far = RelayHandler(allocator: nil, isFirst: false)
        try channel.pipeline.syncOperations.addHandler(near)
        let bound = NIOLoopBound(far, eventLoop: loop.eventLoop)
        dialer.dial(target, on: loop.eventLoop) { try $0.pipeline.syncOperations.addHandler(bound.value) }
            .assumeIsolated().whenComplete { result in
                switch result {
                case .success:
                    relay.link(near, far, loop)
                case .failure:
                    near.decline()
                }
            }
    }
}
