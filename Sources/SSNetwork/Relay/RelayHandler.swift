// The heart of both programs: what one channel reads, the other writes. Bytes wait in at most one place, the
// writing channel's queue: above its high-water mark the reading side is not read. A stream's end is passed on as
// an end (FIN), after everything before it, and half-closed streams go on in the other direction. A reset is
// passed on as an end too: the far side must still get all that was said before it. Where a stream is known to be
// cut (`StreamBroken`), and where the program itself ends it in the middle, the far side sees a failure (RST), so
// that nobody takes a part for the whole.
package import NIOCore
internal import SSCommon

/// One end of a relay, the last handler of its channel. Until it is linked it keeps what was read, within
/// bounds.
package final class RelayHandler: ChannelDuplexHandler, RemovableChannelHandler {
    package typealias InboundIn = ByteBuffer
    package typealias OutboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    enum Phase {
        /// Not linked: what comes in is kept.
        case unlinked
        /// There will be no link, and the screen waits for what is to be answered.
        case answering
        /// Copying to the partner.
        case relaying
        /// The partner is gone: what still comes in is thrown away until the peer ends too.
        case discarding
        /// The channel is closed.
        case closed
    }

    var phase = Phase.unlinked
    var context: ChannelHandlerContext?
    var relay: Relay?
    var partner: RelayHandler?
    #if os(Linux)
        /// The channel, where bytes need no pipeline, and what seals for it.
        private var stream: StreamChannel?
        private var cipher: (any StreamCipher)?
    #endif
    /// The channel's own.
    private let allocator: ReadAllocator?
    /// Whether this handler gets the socket's buffers themselves, and so gives them back.
    private let isFirst: Bool

    /// It has used more than its user's rate and waits.
    private var isPaced = false
    /// Whether what it reads comes from the user.
    var isUpward = false

    /// Reads that NIO asked for while the partner could not take more.
    private var isReadHeld = false
    var early: ByteBuffer?
    /// Bytes of it that its account knows of already.
    private let chargedEarly: Int
    /// Looks at what goes on to the partner, for as long as it wants to.
    var screen: (any StreamScreen)?
    /// What the screen has kept back.
    var held: ByteBuffer?
    var isInputEnded = false
    private var isOutputEnding = false
    private var isBroken = false
    /// The partner's stream was cut: this end is to close with a failure once its peer has all that came before.
    private var isFailing = false
    private var isAborting = false
    private var discarded = 0
    var farewell: Scheduled<Void>?

    /// How much is kept before the link; a first flight fits. Stopping at the first read would cost each
    /// connection two system calls.
    static let maximumEarly = 32 * 1024

    /// How much a discarding end throws away before it closes; the peer of such an end usually has stopped.
    private static let maximumDiscarded = 256 * 1024

    /// How long an end that has used more than its user's rate waits before it looks whether that has changed.
    private static let longestPause = TimeAmount.milliseconds(500)

    /// How long an end that was declined waits for what it is to answer.
    static let answeringTime = TimeAmount.seconds(3)

    /// How long an end that was declined waits for its peer to end too.
    static let farewellTime = TimeAmount.seconds(10)

    /// `allocator` is the channel's own; `isFirst` if no handler in front gives its buffers back. `early` is what
    /// was read before this handler was there; `earlyIsCharged` if it was counted then.
    package init(
        allocator: ReadAllocator?, isFirst: Bool, early: ByteBuffer? = nil, isInputEnded: Bool = false,
        earlyIsCharged: Bool = false
    ) {
        self.isInputEnded = isInputEnded
        chargedEarly = earlyIsCharged ? early?.readableBytes ?? 0 : 0
        self.allocator = allocator
        self.isFirst = isFirst
        self.early = early
    }

    /// What was read before, and whether more can come: for whoever takes this handler's place before the link.
    package func yield() -> (early: ByteBuffer?, isInputEnded: Bool) { (early.take(), isInputEnded) }

    // MARK: Linking

    /// Joins the two ends of `relay`, which live on one loop and are in their pipelines, and lets them flow.
    static func link(_ relay: Relay, _ a: RelayHandler, _ b: RelayHandler) {
        a.join(relay, b)
        b.join(relay, a)
        #if os(Linux)
            a.takeShortWay()
            b.takeShortWay()
        #endif
        a.begin()
        b.begin()
    }

    /// There will be no other end. The peer is shown an end in good order: closing outright would send a reset
    /// wherever its bytes have not all been read.
    package func decline() {
        guard case .unlinked = phase, let context else { return }
        phase = .discarding
        early = nil
        let channel = context.channel
        farewell = context.eventLoop.scheduleTask(in: Self.farewellTime) { channel.close(promise: nil) }
        endOutput()
        releaseRead()
    }

    private func join(_ relay: Relay, _ partner: RelayHandler) {
        self.relay = relay
        self.partner = partner
    }

    private func begin() {
        guard case .unlinked = phase, let partner, let context else {
            // It closed, or broke, while the other end was being made. What was said before is passed on.
            if !isBroken, let early = early.take() {
                passOn(early)
                if isInputEnded { passHeld() }
                partner?.flush()
                if let account = relay?.account { charge(account, early.readableBytes - chargedEarly) }
            }
            partner.take()?.partnerIsGone()
            return
        }
        phase = .relaying
        allocator?.portion = relay?.account?.portion
        if let early = early.take() {
            passOn(early)
            if let account = relay?.account { charge(account, early.readableBytes - chargedEarly) }
        }
        guard case .relaying = phase else { return }
        if isInputEnded { passHeld() }
        guard case .relaying = phase else { return }
        partner.flush()
        if isInputEnded { partner.endOutput() }
        if case .closed = phase { return }
        releaseRead(context)
    }

    // MARK: Pipeline

    package func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received(unwrapInboundIn(data))
    }

    package func received(_ buffer: ByteBuffer) {
        switch phase {
        case .relaying:
            relay?.touch()
            if screen == nil { partner?.send(buffer) } else { passOn(buffer) }
            if let account = relay?.account { charge(account, buffer.readableBytes) }
        case .answering:
            answer(buffer)
        case .unlinked:
            early.setOrWriteImmutableBuffer(buffer)
        case .discarding:
            discarded += buffer.readableBytes
            if discarded > Self.maximumDiscarded { close() }
        case .closed:
            break
        }
        if isFirst { allocator?.finish(buffer) }
    }

    /// Counts what was read, and reads no more for as long as the user's rate wants it.
    private func charge(_ account: UserAccount, _ bytes: Int) {
        let wait =
            isUpward
            ? account.moved(up: bytes, now: NIODeadline.now().uptimeNanoseconds)
            : account.moved(down: bytes, now: NIODeadline.now().uptimeNanoseconds)
        allocator?.portion = account.portion
        guard let context else { return }
        if account.refusal != nil {
            context.eventLoop.assumeIsolated().execute { self.relay?.cut() }
            return
        }
        guard wait > 0, !isPaced else { return }
        isPaced = true
        let due = NIODeadline.now() + .nanoseconds(Int64(clamping: wait))
        pause(until: due, at: account.rate, account, context.eventLoop)
    }

    /// In steps, so that it goes on when the rate is changed meanwhile, and nobody takes it for quiet.
    private func pause(until due: NIODeadline, at rate: UInt64?, _ account: UserAccount, _ eventLoop: any EventLoop) {
        let next = min(due, .now() + Self.longestPause)
        eventLoop.assumeIsolated().scheduleTask(deadline: next) {
            self.relay?.touch()
            if case .relaying = self.phase, next < due, account.rate == rate {
                return self.pause(until: due, at: rate, account, eventLoop)
            }
            self.isPaced = false
            self.releaseRead()
        }
    }

    package func channelReadComplete(context: ChannelHandlerContext) {
        receivedAll()
    }

    package func receivedAll() {
        if case .relaying = phase { partner?.flush() }
    }

    package func read(context: ChannelHandlerContext) {
        if wantsMore() { context.read() }
    }

    package func wantsMore() -> Bool {
        if mayRead { return true }
        isReadHeld = true
        return false
    }

    package func channelWritabilityChanged(context: ChannelHandlerContext) {
        let isWritable = context.channel.isWritable
        partner?.allocator?.isSlowed = !isWritable
        if isWritable { partner?.releaseRead() }
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed:
            isInputEnded = true
            if case .relaying = phase { passHeld() }
            if case .relaying = phase { partner?.endOutput() }
            declineUnanswered()
            relay?.sideEnded()
            // Nobody else is left to close it.
            if isBroken { context.close(promise: nil) }
        case ChannelEvent.outputClosed:
            if isInputEnded { context.close(promise: nil) }
        case is StreamBroken:
            // The bytes cannot be trusted any more: nothing that follows is an end in good order.
            phase = .closed
            isBroken = true
            partner?.fail()
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    package func channelInactive(context: ChannelHandlerContext) {
        phase = .closed
        #if os(Linux)
            stream = nil
            cipher?.receiver = nil
            cipher = nil
        #endif
        farewell?.cancel()
        if let partner = partner.take() { partner.partnerIsGone() } else { relay?.finish() }
    }

    /// Somebody else ends the channel: the program stops.
    package func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard case .all = mode, !isAborting, partner != nil || isFailing, let relay else {
            return context.close(mode: mode, promise: promise)
        }
        context.channel.closeFuture.cascade(to: promise)
        relay.cut()
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // NIO closes the channel on every error that ends it; the rest of the work is done in `channelInactive`.
    }

    // MARK: Between the two ends

    private var mayRead: Bool {
        switch phase {
        case .unlinked: (early?.readableBytes ?? 0) < Self.maximumEarly
        case .relaying: !isPaced && partner?.isWritable ?? true
        case .answering, .discarding: true
        case .closed: true
        }
    }

    func releaseRead() {
        if let context { releaseRead(context) }
    }

    private func releaseRead(_ context: ChannelHandlerContext) {
        guard isReadHeld, mayRead else { return }
        isReadHeld = false
        context.read()
    }

    private var isWritable: Bool {
        #if os(Linux)
            if let stream { return stream.isWritable }
        #endif
        return context?.channel.isWritable ?? true
    }

    func send(_ buffer: ByteBuffer) {
        #if os(Linux)
            if let stream {
                if let cipher { cipher.send(buffer, on: stream) } else { stream.write(buffer) }
                return
            }
        #endif
        context?.write(wrapOutboundOut(buffer), promise: nil)
    }

    func flush() {
        #if os(Linux)
            if let stream { return stream.flush0() }
        #endif
        context?.flush()
    }

    /// Passes the partner's end on, behind everything written before.
    func endOutput() {
        guard let context, !isOutputEnding, !isFailing else { return }
        isOutputEnding = true
        if isInputEnded {
            // Both directions are over. NIO would drop queued writes if it were only asked to close its output.
            closeWhenFlushed(context)
        } else {
            context.close(mode: .output, promise: nil)
        }
    }

    private func closeWhenFlushed(_ context: ChannelHandlerContext) {
        guard bufferedBytes > 0 else {
            context.close(promise: nil)
            return
        }
        // Not through the pipeline's end: to this handler that would look like the program's own wish.
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in
            self.context?.close(promise: nil)
        }
    }

    private func partnerIsGone() {
        partner = nil
        switch phase {
        case .closed:
            // A broken one is still open: its peer is told nothing. It ends by the relay's clock at the latest.
            if isBroken { relay?.sideEnded() } else { relay?.finish() }
        case .unlinked, .answering, .relaying, .discarding:
            phase = .discarding
            relay?.sideEnded()
            endOutput()
            releaseRead()
        }
    }

    /// Bytes written here that the socket has not taken.
    private var bufferedBytes: Int {
        #if os(Linux)
            if let channel = context?.channel as? StreamChannel { return channel.bufferedBytes }
        #endif
        return (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    /// Bytes written here that the peer has not taken, as far as can be known.
    var unsentBytes: Int {
        #if os(Linux)
            if let channel = context?.channel as? StreamChannel { return channel.unsentBytes }
        #endif
        return bufferedBytes
    }

    /// The peer was not told an end and may expect more.
    private var isUnfinished: Bool {
        if case .relaying = phase { return !isOutputEnding }
        return isFailing
    }

    /// What was passed on is all that will come, and is not the whole.
    private func fail() {
        switch phase {
        case .relaying where !isOutputEnding:
            phase = .discarding
            isFailing = true
            relay?.sideEnded()
            failWhenFlushed()
        case .unlinked, .answering, .relaying, .discarding, .closed:
            break
        }
    }

    /// A reset takes with it what the socket still holds, so it waits until the peer has everything; the relay's
    /// clock looks again and bounds the wait.
    func failWhenFlushed() {
        guard isFailing, unsentBytes == 0 else { return }
        close()
    }

    /// Closes whatever is still pending, with a failure where the peer may expect more.
    func close() {
        guard isUnfinished, !isAborting else {
            context?.close(promise: nil)
            return
        }
        isAborting = true
        context?.channel.abort()
    }

    /// Ends both sides of a relay from here.
    static func cut(_ a: RelayHandler, _ b: RelayHandler) {
        // Neither hears of the other's end, which it would pass on in good order.
        a.partner = nil
        b.partner = nil
        a.close()
        b.close()
    }
}

#if os(Linux)
    extension RelayHandler: StreamTap {
        /// From here on bytes come and go without the pipeline, if this is a channel of our engine.
        private func takeShortWay() {
            guard let channel = context?.channel as? StreamChannel, channel.isActive else { return }
            if let cipher = channel.cipher, !isFirst {
                cipher.receiver = self
                self.cipher = cipher
                channel.tap = cipher
            } else if isFirst {
                channel.tap = self
            } else {
                return
            }
            stream = channel
        }
    }
#endif

/// Fired up a pipeline by a stream handler whose peer's bytes stopped being authentic or were cut off.
package struct StreamBroken: Sendable {
    package init() {}
}
