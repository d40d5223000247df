// UDP on the laptop: one socket towards the server for each application address, so that the server, which knows
// clients by their address, keeps their associations apart.
package import NIOCore
package import SSCommon

/// An application's datagrams on their way to and from the server; only ever touched on its event loop.
package final class ClientAssociation {
    /// Datagrams that wait for the socket; more are dropped.
    private static let maximumQueued = 64
    /// Datagrams read at a time.
    private static let batch = 8

    private enum Phase {
        /// The socket is being bound.
        case binding([(TargetAddress, ByteBuffer)])
        /// Datagrams flow.
        case open(any Channel)
        /// The socket could not be had or was lost; the next datagram asks for one.
        case unbound
        /// Over.
        case closed
    }

    private let server: Endpoint
    private let serverAddress: SocketAddress
    private let credential: Credential
    private let replay: ReplayGuard
    private let eventLoop: any EventLoop
    private let clockOffset: Int64
    private let onReply: (TargetAddress, ByteBuffer) -> Void
    private let onReplies: () -> Void
    private var codec: ClientDatagramCodec
    private var salts = SaltSource()
    private var phase = Phase.binding([])

    /// `onReply` gets each datagram with its source, `onReplies` is called after a batch of them. `clockOffset` as
    /// `ClientStreamHandler` takes it.
    package init(
        server: Endpoint, credential: Credential, replay: ReplayGuard, eventLoop: any EventLoop, clockOffset: Int64 = 0,
        onReply: @escaping (TargetAddress, ByteBuffer) -> Void, onReplies: @escaping () -> Void
    ) {
        self.server = server
        serverAddress = SocketAddress(server)
        self.credential = credential
        self.replay = replay
        self.eventLoop = eventLoop
        self.clockOffset = clockOffset
        self.onReply = onReply
        self.onReplies = onReplies
        codec = ClientDatagramCodec(credential, random: &salts)
        bind()
    }

    private var now: UnixSeconds { WallClock.now() &+ UInt64(bitPattern: clockOffset) }

    private func bind() {
        let association = NIOLoopBound(self, eventLoop: eventLoop)
        DatagramSocket.bind(
            DatagramSocket.unspecified(like: server.address), on: eventLoop, batch: Self.batch,
            handler: { ServerReplyHandler(association.value) }
        )
        .assumeIsolated().whenComplete { result in
            guard case .binding(let queue) = self.phase else {
                if case .success(let channel) = result { channel.close(promise: nil) }
                return
            }
            switch result {
            case .success(let channel):
                self.phase = .open(channel)
                for (target, payload) in queue { self.send(payload, to: target) }
                self.flush()
            case .failure:
                self.phase = .unbound
            }
        }
    }

    /// Seals `payload` for `target`; leaves with the next `flush`.
    package func send(_ payload: ByteBuffer, to target: TargetAddress) {
        switch phase {
        case .unbound:
            phase = .binding([(target, payload)])
            bind()
        case .binding(var queue):
            guard queue.count < Self.maximumQueued else { return }
            queue.append((target, payload))
            phase = .binding(queue)
        case .open(let channel):
            guard channel.isWritable else { return }
            let capacity = payload.readableBytes + codec.overhead(for: target)
            var sealed = channel.allocator.buffer(capacity: capacity)
            var salt: Salt?
            sealed.writeWithOutputRawSpan(minimumWritableBytes: capacity) { span in
                salt = codec.seal(
                    payload.readableBytesSpan, address: target, now: now, random: &salts, into: &span)
            }
            if let salt { replay.record(salt, credential.method) }
            let envelope = AddressedEnvelope(remoteAddress: serverAddress, data: sealed)
            channel.pipeline.syncOperations.write(NIOAny(envelope), promise: nil)
        case .closed:
            break
        }
    }

    package func flush() {
        if case .open(let channel) = phase { channel.flush() }
    }

    package func close() {
        if case .open(let channel) = phase { channel.close(promise: nil) }
        phase = .closed
    }

    fileprivate func received(_ envelope: AddressedEnvelope<ByteBuffer>) {
        // Anybody can send to this port; only the server's datagrams are looked at.
        guard Endpoint(folding: envelope.remoteAddress) == server else { return }
        var plain = ByteBufferAllocator().buffer(capacity: envelope.data.readableBytes)
        var opened: (address: TargetAddress, payloadOffset: Int)?
        do throws(StreamFault) {
            try plain.writeWithOutputRawSpan(minimumWritableBytes: envelope.data.readableBytes) {
                (span) throws(StreamFault) in
                opened = try codec.open(
                    envelope.data.readableBytesSpan, into: &span, now: now,
                    clock: NIODeadline.now().uptimeNanoseconds / 1_000_000_000, isFresh: replay.isFresh)
            }
        } catch {
            return
        }
        guard let opened else { return }
        plain.moveReaderIndex(forwardBy: opened.payloadOffset)
        onReply(opened.address, plain)
    }

    fileprivate func receivedAll() {
        onReplies()
    }

    /// A send that failed (no network for a moment) closes the socket.
    fileprivate func lost() {
        if case .open = phase { phase = .unbound }
    }
}

/// Handler of the socket towards the server.
private final class ServerReplyHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let association: ClientAssociation

    init(_ association: ClientAssociation) {
        self.association = association
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        association.received(unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        association.receivedAll()
    }

    func channelInactive(context: ChannelHandlerContext) {
        association.lost()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // An ICMP error: the server's port is closed at this moment. The next datagram may find it open.
    }
}
