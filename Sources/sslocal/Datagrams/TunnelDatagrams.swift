// The UDP side of `"protocol": "tunnel"`: each application address gets an association, all go to one target.
internal import NIOCore
internal import SSCommon
internal import SSNetwork

/// Handler of a tunnel's UDP port.
final class TunnelDatagramHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>

    private let target: TargetAddress
    private let upstream: UpstreamAssociation.Service
    private let loop: LoopContext
    private let lifetime: TimeAmount
    private let table: ExpiringTable<SocketAddress, UpstreamAssociation>
    private var unflushed: [UpstreamAssociation] = []
    private var context: ChannelHandlerContext?
    private var sweep: RepeatedTask?

    /// At most `limit` associations, each ended `lifetime` after its last datagram.
    init(
        target: TargetAddress, upstream: UpstreamAssociation.Service, loop: LoopContext, limit: Int,
        lifetime: TimeAmount
    ) {
        self.target = target
        self.upstream = upstream
        self.loop = loop
        self.lifetime = lifetime
        table = ExpiringTable(limit: limit, lifetime: lifetime) { association in
            association.close()
            loop.counters.associationClosed()
        }
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let period = TimeAmount.nanoseconds(max(lifetime.nanoseconds / 8, 1_000_000_000))
        let table = NIOLoopBound(table, eventLoop: context.eventLoop)
        sweep = context.eventLoop.scheduleRepeatedTask(initialDelay: period, delay: period) { _ in
            table.value.sweep(now: .now())
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        // A channel that could not be bound was never active.
        end()
    }

    private func end() {
        sweep?.cancel()
        sweep = nil
        table.removeAll()
        context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        let application = envelope.remoteAddress
        loop.counters.packetUp(bytes: envelope.data.readableBytes)
        if let association = table.use(application, now: .now()) {
            send(envelope.data, through: association)
            return
        }
        upstream.choose(on: context.eventLoop).assumeIsolated().whenSuccess { server, endpoint in
            let association = self.table.use(application, now: .now()) ?? self.open(application, server, endpoint)
            self.send(envelope.data, through: association)
            self.flushAssociations()
        }
    }

    private func open(
        _ application: SocketAddress, _ server: UpstreamServer, _ endpoint: Endpoint
    ) -> UpstreamAssociation {
        let association = UpstreamAssociation(
            upstream, server, at: endpoint, on: loop.eventLoop,
            onReply: { [weak self] source, payload in self?.deliver(payload, from: source, to: application) },
            onReplies: { [weak self] in self?.context?.flush() })
        table.insert(association, for: application, now: .now())
        loop.counters.associationOpened()
        return association
    }

    private func send(_ payload: ByteBuffer, through association: UpstreamAssociation) {
        association.send(payload, to: target)
        unflushed.append(association)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        flushAssociations()
    }

    private func flushAssociations() {
        for association in unflushed { association.flush() }
        unflushed.removeAll(keepingCapacity: true)
    }

    private func deliver(_ payload: ByteBuffer, from source: TargetAddress, to application: SocketAddress) {
        guard let context, context.channel.isWritable else { return }
        _ = table.use(application, now: .now())
        loop.counters.packetDown(bytes: payload.readableBytes)
        context.write(wrapOutboundOut(AddressedEnvelope(remoteAddress: application, data: payload)), promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // One datagram; UDP promises nothing.
    }
}
