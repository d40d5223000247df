// UDP on the server. A client address (SIP004 "UDP") or a client's session (SIP022 3.2) gets an association with sockets of
// its own, one a family, bound to any port: what any peer sends there goes back to the client with that peer's address
// (full cone: RFC 4787 endpoint-independent mapping and filtering). Nothing is ever sent to who has not authenticated,
// and a datagram that does not open leaves no trace.
package import NIOCore
package import SSCommon

/// Where a server's datagrams may go.
package protocol DatagramPolicy: Sendable {
    /// Whether a datagram may leave for this address.
    func allows(_ destination: Endpoint, from sender: DatagramSender) -> Bool
    /// The addresses of a name at which datagrams may go to the port, best first.
    func resolve(
        _ name: HostName, port: UInt16, from sender: DatagramSender, on eventLoop: any EventLoop
    ) -> EventLoopFuture<[IPAddress]>
}

/// Who sends a datagram.
package struct DatagramSender: Sendable {
    /// Nil where the port has no users.
    package let user: String?
    package let client: SocketAddress

    package init(user: String?, client: SocketAddress) {
        self.user = user
        self.client = client
    }
}

/// Handler of the UDP channel that clients send to.
package final class ServerDatagramHandler: ChannelInboundHandler {
    package typealias InboundIn = AddressedEnvelope<ByteBuffer>
    package typealias OutboundOut = AddressedEnvelope<ByteBuffer>

    /// How a client is known.
    private enum ClientKey: Hashable {
        case address(SocketAddress)
        case session(UInt64)
    }

    /// A session is known for at least as long as its datagrams may be in time, or they could come again.
    private static let sessionMemory = TimeAmount.seconds(Int64(2 * HeaderTime.tolerance))

    private let ring: KeyRing
    private var generation: UInt64
    private let policy: any DatagramPolicy
    private let counters: TrafficCounters
    private let replay: ReplayGuard
    private let ledger: SessionLedger?
    private let lifetime: TimeAmount
    private var codec: ServerDatagramCodec
    private var salts = SaltSource()
    private var table: ExpiringTable<ClientKey, ServerAssociation>
    /// Associations written to since the last flush.
    private var unflushed: [ServerAssociation] = []
    private var context: ChannelHandlerContext?
    private var sweep: RepeatedTask?

    /// At most `limit` associations, each ended `lifetime` after its last datagram (in SIP022 at least a minute).
    package init(
        _ ring: KeyRing, policy: any DatagramPolicy, counters: TrafficCounters, replay: ReplayGuard,
        ledger: SessionLedger? = nil, limit: Int, lifetime: TimeAmount
    ) {
        self.ledger = ledger
        self.ring = ring
        generation = ring.generation
        let keys = ring.keys
        self.policy = policy
        self.counters = counters
        self.replay = replay
        self.lifetime = keys.method.edition == .sip022 ? max(lifetime, Self.sessionMemory) : lifetime
        codec = ServerDatagramCodec(keys)
        table = ExpiringTable(limit: limit, lifetime: self.lifetime) { association in
            association.close()
            association.owner.account?.closeAssociation()
            counters.associationClosed()
        }
    }

    package func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        sweep = context.eventLoop.scheduleRepeatedTask(initialDelay: Self.period, delay: Self.period) { _ in
            // Whose user is gone, too.
            handler.value.table.sweep(now: .now()) { $0.owner.account?.refusal != nil }
        }
    }

    /// How often what is over is looked for.
    private static let period = TimeAmount.seconds(1)

    package func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        // A channel that could not be bound was never active.
        end()
    }

    private func end() {
        sweep?.cancel()
        sweep = nil
        table.removeAll()
        context = nil
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        // What cannot be answered (the error would close the port) need not be opened.
        guard envelope.remoteAddress.port != 0 else { return }
        if ring.generation != generation { takeKeys() }
        var plain = context.channel.allocator.buffer(capacity: envelope.data.readableBytes)
        let opened: ServerDatagramCodec.Opened
        let association: ServerAssociation
        let now = WallClock.now()
        do throws(StreamFault) {
            opened = try open(envelope.data, from: envelope.remoteAddress, now, into: &plain)
            association = try self.association(of: envelope.remoteAddress, opened, now, context)
            association.entry?.record(opened.packet, now: now)
        } catch {
            counters.finished(ConnectionStatus(error))
            return
        }
        plain.moveReaderIndex(forwardBy: opened.payloadOffset)
        if let account = opened.owner.account {
            // Nobody can be told to wait: what is beyond the rate is dropped, and so is what a user may not send at all.
            guard account.mayMove(up: plain.readableBytes, now: NIODeadline.now().uptimeNanoseconds) else {
                counters.finished(.limit)
                return
            }
        }
        counters.packetUp(bytes: plain.readableBytes)
        let sender = DatagramSender(user: opened.owner.account?.name, client: envelope.remoteAddress)
        let port = opened.address.port
        switch opened.address.canonical.host {
        case .ip(let address):
            let destination = Endpoint(address.folded, port)
            guard policy.allows(destination, from: sender) else {
                counters.finished(.denied)
                return
            }
            forward(plain, to: destination, through: association)
        case .name(let name):
            let payload = plain
            policy.resolve(name, port: port, from: sender, on: context.eventLoop).assumeIsolated().whenSuccess {
                guard let address = $0.first else {
                    self.counters.finished(.denied)
                    return
                }
                self.forward(payload, to: Endpoint(address.folded, port), through: association)
                self.flushAssociations()
            }
        }
    }

    private func takeKeys() {
        generation = ring.generation
        codec = ServerDatagramCodec(ring.keys)
    }

    private func open(
        _ datagram: ByteBuffer, from client: SocketAddress, _ now: UnixSeconds, into plain: inout ByteBuffer
    ) throws(StreamFault) -> ServerDatagramCodec.Opened {
        var opened: ServerDatagramCodec.Opened?
        try plain.writeWithOutputRawSpan(minimumWritableBytes: datagram.readableBytes) { (span) throws(StreamFault) in
            opened = try codec.open(
                datagram.readableBytesSpan, into: &span, now: now, random: &salts,
                likely: table.peek(.address(client))?.owner, isFresh: replay.isFresh,
                recall: { [ledger] in ledger?.recall($0, now: now) },
                find: { [table] in table.peek(.session($0))?.session })
        }
        guard let opened else { preconditionFailure("opened or thrown") }
        return opened
    }

    /// Throws `.memoryFull` for a new session that there is no room for without forgetting one too early.
    private func association(
        of client: SocketAddress, _ opened: ServerDatagramCodec.Opened, _ wallTime: UnixSeconds,
        _ context: ChannelHandlerContext
    ) throws(StreamFault) -> ServerAssociation {
        let now = NIODeadline.now()
        let key = opened.session.map { ClientKey.session($0.session) } ?? .address(client)
        if let association = table.use(key, now: now), association.owner.account === opened.owner.account {
            association.client = client
            return association
        }
        if opened.session != nil, !table.hasRoom(now: now, idle: Self.sessionMemory) { throw .memoryFull }
        var entry: SessionEntry?
        if let ledger, let session = opened.session {
            entry = ledger.begin(session.session, now: wallTime)
            if entry == nil { throw .memoryFull }
        }
        if opened.owner.account?.openAssociation(at: wallTime) != nil { throw .memoryFull }
        let association = ServerAssociation(
            client: client, owner: opened.owner, session: opened.session, entry: entry, handler: self,
            eventLoop: context.eventLoop)
        table.insert(association, for: key, now: now)
        counters.associationOpened()
        return association
    }

    private func forward(_ payload: ByteBuffer, to destination: Endpoint, through association: ServerAssociation) {
        if association.send(payload, to: destination) { unflushed.append(association) }
    }

    package func channelReadComplete(context: ChannelHandlerContext) {
        flushAssociations()
    }

    private func flushAssociations() {
        for association in unflushed { association.flush() }
        unflushed.removeAll(keepingCapacity: true)
    }

    // MARK: The way back

    fileprivate func reply(_ payload: ByteBuffer, from source: SocketAddress, through association: ServerAssociation) {
        guard let context, context.channel.isWritable, let source = Endpoint(folding: source) else { return }
        let session = association.session
        let now = NIODeadline.now()
        if let account = association.owner.account {
            guard account.mayMove(down: payload.readableBytes, now: now.uptimeNanoseconds) else { return }
        }
        _ = table.use(session.map { .session($0.session) } ?? .address(association.client), now: now)
        counters.packetDown(bytes: payload.readableBytes)
        let address = TargetAddress(.ip(source.address), port: source.port)
        let capacity = payload.readableBytes + codec.overhead(for: address, association.owner, session)
        var sealed = context.channel.allocator.buffer(capacity: capacity)
        var salt: Salt?
        sealed.writeWithOutputRawSpan(minimumWritableBytes: capacity) { span in
            salt = codec.seal(
                payload.readableBytesSpan, address: address, association.owner, session, now: WallClock.now(),
                random: &salts, into: &span)
        }
        if let salt { replay.record(salt, codec.method) }
        guard sealed.readableBytes > 0 else { return }
        context.write(
            wrapOutboundOut(AddressedEnvelope(remoteAddress: association.client, data: sealed)), promise: nil)
    }

    fileprivate func flushReplies() {
        context?.flush()
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // One datagram could not be sent or received; the others are none the worse.
    }
}

/// The sockets of one client address.
private final class ServerAssociation {
    /// Datagrams that wait for a socket to be bound; more are dropped.
    private static let maximumQueued = 64
    /// Datagrams read at a time.
    private static let batch = 8

    private enum Socket {
        /// Not asked for yet, or lost: the next datagram asks.
        case none
        /// Being bound; what waits for it.
        case binding([AddressedEnvelope<ByteBuffer>])
        /// Bound.
        case bound(any Channel)
        /// The association is over.
        case closed
    }

    private typealias Slot = ReferenceWritableKeyPath<ServerAssociation, Socket>

    /// Where it was last heard of, by a datagram that proved authentic.
    var client: SocketAddress
    let owner: Accepted
    /// Nil in SIP004.
    let session: ServerDatagramSession?
    /// What a file knows of the session.
    let entry: SessionEntry?
    private let eventLoop: any EventLoop
    private weak var handler: ServerDatagramHandler?
    private var ipv4 = Socket.none
    private var ipv6 = Socket.none
    private var isUnflushed = false

    init(
        client: SocketAddress, owner: Accepted, session: ServerDatagramSession?, entry: SessionEntry?,
        handler: ServerDatagramHandler, eventLoop: any EventLoop
    ) {
        self.entry = entry
        self.client = client
        self.owner = owner
        self.session = session
        self.handler = handler
        self.eventLoop = eventLoop
    }

    /// True if this is the first datagram since the last flush.
    func send(_ payload: ByteBuffer, to destination: Endpoint) -> Bool {
        let envelope = AddressedEnvelope(remoteAddress: SocketAddress(destination), data: payload)
        switch destination.address {
        case .v4: write(envelope, on: \.ipv4, like: destination.address)
        case .v6: write(envelope, on: \.ipv6, like: destination.address)
        }
        defer { isUnflushed = true }
        return !isUnflushed
    }

    private func write(
        _ envelope: AddressedEnvelope<ByteBuffer>, on slot: Slot,
        like address: IPAddress
    ) {
        switch self[keyPath: slot] {
        case .bound(let channel):
            guard channel.isWritable else { return }
            channel.pipeline.syncOperations.write(NIOAny(envelope), promise: nil)
        case .binding(var queue):
            guard queue.count < Self.maximumQueued else { return }
            queue.append(envelope)
            self[keyPath: slot] = .binding(queue)
        case .none:
            self[keyPath: slot] = .binding([envelope])
            bind(slot, like: address)
        case .closed:
            break
        }
    }

    private func bind(_ slot: Slot, like address: IPAddress) {
        let association = NIOLoopBound(self, eventLoop: eventLoop)
        let slot = NIOLoopBound(slot, eventLoop: eventLoop)
        DatagramSocket.bind(
            DatagramSocket.unspecified(like: address), on: eventLoop, batch: Self.batch,
            handler: { TargetDatagramHandler(association.value) { association.value.lost(slot.value) } }
        )
        .assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel): self.bound(channel, slot.value)
            case .failure: self.lost(slot.value)
            }
        }
    }

    private func bound(_ channel: any Channel, _ slot: Slot) {
        guard case .binding(let queue) = self[keyPath: slot] else {
            channel.close(promise: nil)
            return
        }
        self[keyPath: slot] = .bound(channel)
        for envelope in queue { channel.pipeline.syncOperations.write(NIOAny(envelope), promise: nil) }
        channel.flush()
    }

    /// The socket could not be had, or was closed by a send that failed (no route, a firewall).
    private func lost(_ slot: Slot) {
        switch self[keyPath: slot] {
        case .none, .closed: break
        case .binding, .bound: self[keyPath: slot] = .none
        }
    }

    func flush() {
        isUnflushed = false
        if case .bound(let channel) = ipv4 { channel.flush() }
        if case .bound(let channel) = ipv6 { channel.flush() }
    }

    func close() {
        for socket in [ipv4, ipv6] {
            if case .bound(let channel) = socket { channel.close(promise: nil) }
        }
        ipv4 = .closed
        ipv6 = .closed
    }

    func received(_ envelope: AddressedEnvelope<ByteBuffer>) {
        handler?.reply(envelope.data, from: envelope.remoteAddress, through: self)
    }

    func receivedAll() {
        handler?.flushReplies()
    }
}

/// Handler of an association's socket.
private final class TargetDatagramHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let association: ServerAssociation
    private let onClose: () -> Void

    init(_ association: ServerAssociation, onClose: @escaping () -> Void) {
        self.association = association
        self.onClose = onClose
    }

    func channelInactive(context: ChannelHandlerContext) {
        onClose()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        association.received(unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        association.receivedAll()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // An ICMP error about one peer; the association goes on.
    }
}
