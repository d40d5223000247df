// One accepted TCP connection of ssserver, from its first byte to the relay: the request names a target, the
// dialer (policy included) opens it, and the two channels are linked.
internal import NIOCore
internal import SSCommon
internal import SSNetwork

/// What all streams of a listener share.
struct InboundService: Sendable {
    let credential: Credential
    let replay: ReplayGuard
    let dialer: any StreamDialer
    let loops: LoopContexts
    let timeouts: RelayTimeouts

    func accept(_ channel: any Channel, _ loop: LoopContext, _ allocator: ReadAllocator) throws {
        let stream = InboundStream(self, loop, allocator)
        try channel.pipeline.syncOperations.addHandler(
            ServerStreamHandler(credential, replay: replay, loop: loop, allocator: allocator, owner: stream))
    }
}

final class InboundStream: ServerStreamOwner {
    private let service: InboundService
    private let loop: LoopContext
    private let allocator: ReadAllocator

    init(_ service: InboundService, _ loop: LoopContext, _ allocator: ReadAllocator) {
        self.service = service
        self.loop = loop
        self.allocator = allocator
    }

    func requestReceived(_ target: TargetAddress, context: ChannelHandlerContext) {
        let near = RelayHandler(allocator: allocator, isFirst: false)
        let client = context.channel
        do {
            try context.pipeline.syncOperations.addHandler(near)
        } catch {
            context.close(promise: nil)
            return
        }
        let loop = loop
        let timeouts = service.timeouts
        let farAllocator = ReadAllocator(loop.buffers)
        let far = RelayHandler(allocator: farAllocator, isFirst: true)
        let bound = NIOLoopBound((far, farAllocator), eventLoop: loop.eventLoop)
        service.dialer.dial(target, on: loop.eventLoop) { channel in
            let (far, allocator) = bound.value
            try StreamSocketOptions.apply(allocator, to: channel)
            try channel.pipeline.syncOperations.addHandler(far)
        }
        .assumeIsolated().whenComplete { result in
            switch result {
            case .success:
                Relay(near, far, on: loop, timeouts: timeouts)
            case .failure:
                client.close(promise: nil)
            }
        }
    }

    func requestRefused(_ fault: StreamFault, context: ChannelHandlerContext) {
    }
}
