// UDP ASSOCIATE (RFC 1928 section 7): a UDP port of its own for each association, which hears only the address that
// the TCP connection comes from and ends with that connection.
internal import NIOCore
internal import SSCommon
internal import SSNetwork

/// What opening associations needs.
struct AssociationService: Sendable {
    let upstream: UpstreamAssociation.Service
    let loops: LoopContexts

    /// See `FrontConfiguration.OpenAssociation`.
    func open(_ client: any Channel, hint: TargetAddress) -> EventLoopFuture<Endpoint> {
        let eventLoop = client.eventLoop
        let loop = loops[eventLoop]
        guard let peer = client.remoteAddress.flatMap(Endpoint.init(folding:)),
            let near = client.localAddress.flatMap(Endpoint.init(folding:))
        else { return eventLoop.makeFailedFuture(DialError.failed("a client without an address")) }
        return upstream.choose(on: eventLoop).flatMap { server, endpoint in
            let handler = NIOLoopBound(
                SOCKSAssociationHandler(
                    peer: peer.address, expectedPort: hint.port, server: server, endpoint: endpoint, upstream: upstream,
                    loop: loop),
                eventLoop: eventLoop)
            // The address the client reached us at is one it can reach.
            return DatagramSocket.bind(
                Endpoint(near.address, 0), on: eventLoop, batch: 8, handler: { handler.value })
        }
        .flatMapThrowing { channel in
            client.closeFuture.whenComplete { _ in channel.close(promise: nil) }
            // A port that is lost (a send failed) tells the client so by the connection that stands for it.
            channel.closeFuture.whenComplete { _ in client.close(promise: nil) }
            guard let bound = channel.localAddress.flatMap(Endpoint.init(folding:)) else { throw DialError.exhausted }
            return bound
        }
        .flatMapErrorThrowing { throw DialError($0) }
    }
}

/// Handler of an association's UDP port on the laptop's side.
final class SOCKSAssociationHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>

    private let peer: IPAddress
    /// The port the client said it would send from; 0 if it did not know.
    private let expectedPort: UInt16
    private let server: UpstreamServer
    private let endpoint: Endpoint
    private let upstream: UpstreamAssociation.Service
    private let loop: LoopContext
    private var association: UpstreamAssociation?
    private var context: ChannelHandlerContext?
    /// Where answers go: whoever of the peer's ports sent last.
    private var application: SocketAddress?

    /// `server` at `endpoint` is where it begins.
    init(
        peer: IPAddress, expectedPort: UInt16, server: UpstreamServer, endpoint: Endpoint,
        upstream: UpstreamAssociation.Service, loop: LoopContext
    ) {
        self.peer = peer
        self.expectedPort = expectedPort
        self.server = server
        self.endpoint = endpoint
        self.upstream = upstream
        self.loop = loop
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        loop.counters.associationOpened()
        association = UpstreamAssociation(
            upstream, server, at: endpoint, on: context.eventLoop,
            onReply: { [weak self] source, payload in self?.deliver(payload, from: source) },
            onReplies: { [weak self] in self?.context?.flush() })
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
        self.context = nil
    }

    private func end() {
        guard let association = association.take() else { return }
        association.close()
        loop.counters.associationClosed()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        guard let sender = Endpoint(folding: envelope.remoteAddress), sender.address == peer,
            expectedPort == 0 || sender.port == expectedPort
        else { return }
        guard let (header, offset) = try? SOCKSUDPHeader.read(envelope.data.readableBytesSpan) else { return }
        application = envelope.remoteAddress
        var payload = envelope.data
        payload.moveReaderIndex(forwardBy: offset)
        loop.counters.packetUp(bytes: payload.readableBytes)
        association?.send(payload, to: header.target)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        association?.flush()
    }

    private func deliver(_ payload: ByteBuffer, from source: TargetAddress) {
        guard let context, let application, context.channel.isWritable else { return }
        loop.counters.packetDown(bytes: payload.readableBytes)
        let header = SOCKSUDPHeader(target: source).encoded
        var datagram = context.channel.allocator.buffer(capacity: header.count + payload.readableBytes)
        datagram.writeBytes(header)
        datagram.writeImmutableBuffer(payload)
        context.write(wrapOutboundOut(AddressedEnvelope(remoteAddress: application, data: datagram)), promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // One datagram; UDP promises nothing.
    }
}
