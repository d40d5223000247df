// Where a front's two channels become a relay.
internal import NIOCore
internal import SSCommon
internal import SSNetwork

/// Links clients to their streams; one a program.
struct RelayStart: Sendable {
    let loops: LoopContexts
    let timeouts: RelayTimeouts

    /// Takes over two channels whose handshakes are done; see `FrontConfiguration.StartRelay`.
    func callAsFunction(_ client: any Channel, _ upstream: any Channel, _ early: ByteBuffer?) {
        let loop = loops[client.eventLoop]
        do {
            let near = RelayHandler(
                allocator: try StreamSocketOptions.relaySource(of: client, loop.buffers), isFirst: true, early: early)
            let far = RelayHandler(
                allocator: try StreamSocketOptions.relaySource(of: upstream, loop.buffers), isFirst: false)
            try client.pipeline.syncOperations.addHandler(near)
            try upstream.pipeline.syncOperations.addHandler(far)
            link(near, far, loop)
            for channel in [client, upstream] { try channel.syncOptions?.setOption(.autoRead, value: true) }
        } catch {
            // One of them has just closed; the other has nobody to talk to.
            client.close(promise: nil)
            upstream.close(promise: nil)
        }
    }

    /// Links two ends that are in their pipelines.
    func link(_ near: RelayHandler, _ far: RelayHandler, _ loop: LoopContext) {
        Relay(near, far, on: loop, timeouts: timeouts)
    }
}
