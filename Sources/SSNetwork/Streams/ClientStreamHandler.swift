// The laptop's end of a Shadowsocks stream on a socket to the server: seals what goes out, opens what comes in. The
// header waits up to 10 ms for payload, so that salt, header and first payload leave in one write.
package import NIOCore
package import SSCommon

/// What a client learns about the server from one stream.
package protocol ClientStreamOwner: AnyObject, Sendable {
    /// The connection stands.
    func streamOpened()
    /// It is gone; once for every `streamOpened`.
    func streamClosed()
    /// The first bytes of an answer were authentic.
    func serverAnswered()
    /// The answer cannot be opened: another key, another method, no Shadowsocks server, or altered on the way.
    func serverAnswerRefused(_ fault: StreamFault)
    /// The server closed without having said anything.
    func serverClosedSilently()
    /// A request is leaving; `first` is the payload that goes with it, perhaps none.
    func requestSent(_ first: ByteBuffer)
}

/// First handler of a channel to the server.
package final class ClientStreamHandler: ChannelDuplexHandler, AwaitingFirstPayload {
    package typealias InboundIn = ByteBuffer
    package typealias InboundOut = ByteBuffer
    package typealias OutboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    private let replay: ReplayGuard
    private let loop: LoopContext
    private let allocator: ReadAllocator
    private let owner: any ClientStreamOwner
    private let clockOffset: Int64
    private var sealer: RequestSealer
    private var opener: ResponseOpener
    private var context: ChannelHandlerContext?
    private var isHeaderSent = false
    private var hasAnswer = false
    private var isBroken = false
    private var isInputEnded = false
    /// The connection failed before the server had ended it.
    private var hasFailed = false
    /// Part of a piece was received and waits for its rest.
    private var hasRest = false
    /// Gets what was opened once no pipeline is needed for it.
    var receiver: (any StreamTap)?

    /// `clockOffset`: how many seconds the clock is set forward for this stream (SIP022 only), for who looks for a server's
    /// wrong clock.
    package init(
        _ credential: Credential, target: TargetAddress, replay: ReplayGuard, loop: LoopContext,
        allocator: ReadAllocator, owner: any ClientStreamOwner, clockOffset: Int64 = 0
    ) {
        self.clockOffset = clockOffset
        self.replay = replay
        self.loop = loop
        self.allocator = allocator
        self.owner = owner
        let salt = loop.salts.next(for: credential.method)
        replay.record(salt, credential.method)
        sealer = RequestSealer(credential, target: target, salt: salt)
        opener = ResponseOpener(credential, request: salt)
    }

    private var now: UnixSeconds { WallClock.now() &+ UInt64(bitPattern: clockOffset) }

    /// What the server's clock showed when it answered; nil before that, and in SIP004.
    package var serverTime: UnixSeconds? { opener.serverTime }

    package func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        #if os(Linux)
            (context.channel as? StreamChannel)?.cipher = self
        #endif
    }

    package func channelActive(context: ChannelHandlerContext) {
        loop.counters.streamOpened()
        owner.streamOpened()
        loop.firstPayload.add(self)
        context.fireChannelActive()
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        receiver = nil
    }

    package func firstPayloadWaitEnded() {
        if let context { sendHeaderAlone(context) }
    }

    private func sendHeaderAlone(_ context: ChannelHandlerContext) {
        guard !isHeaderSent, context.channel.isActive else { return }
        context.writeAndFlush(wrapOutboundOut(seal(ByteBuffer())), promise: nil)
    }

    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let payload = unwrapOutboundIn(data)
        guard payload.readableBytes > 0 else {
            context.write(data, promise: promise)
            return
        }
        context.write(wrapOutboundOut(seal(payload)), promise: promise)
    }

    private func seal(_ payload: ByteBuffer) -> ByteBuffer {
        loop.counters.add(up: payload.readableBytes)
        if !isHeaderSent {
            isHeaderSent = true
            owner.requestSent(payload)
        }
        let capacity = sealer.sealedCount(payload.readableBytes)
        var output = loop.buffers.takeForWriting(capacity: capacity)
        output.writeWithOutputRawSpan(minimumWritableBytes: capacity) { span in
            sealer.seal(
                payload.readableBytesSpan, into: &span,
                circumstances: .init(now: now, random: loop.salts.nextNumber()))
        }
        loop.buffers.keepForWriting(output)
        return output
    }

    package func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if case .output = mode { sendHeaderAlone(context) }
        context.close(mode: mode, promise: promise)
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received(unwrapInboundIn(data))
    }

    package func received(_ input: ByteBuffer) {
        guard !isBroken, let context else {
            allocator.finish(input)
            return
        }
        var output = loop.buffers.takeForWriting(capacity: input.readableBytes)
        var consumed = 0
        do throws(StreamFault) {
            try output.writeWithOutputRawSpan(minimumWritableBytes: input.readableBytes) { (span) throws(StreamFault) in
                consumed = try opener.receive(input.readableBytesSpan, into: &span, now: now) {
                    replay.isFresh($0)
                }
            }
        } catch {
            allocator.finish(input)
            breakOff(error, context)
            return
        }
        hasRest = input.readableBytes > consumed
        allocator.finish(input, rest: input.readableBytes - consumed)
        guard output.readableBytes > 0 else { return }
        loop.counters.add(down: output.readableBytes)
        if !hasAnswer {
            hasAnswer = true
            owner.serverAnswered()
        }
        loop.buffers.keepForWriting(output)
        if let receiver { receiver.received(output) } else { context.fireChannelRead(wrapInboundOut(output)) }
    }

    private func breakOff(_ fault: StreamFault, _ context: ChannelHandlerContext) {
        isBroken = true
        owner.serverAnswerRefused(fault)
        context.fireUserInboundEventTriggered(StreamBroken())
        context.close(promise: nil)
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event, !isBroken {
            isInputEnded = true
            if !hasAnswer, isHeaderSent { owner.serverClosedSilently() }
            if isCut {
                breakOff(.truncated, context)
                return
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if !isInputEnded { hasFailed = true }
        context.fireErrorCaught(error)
    }

    package func channelInactive(context: ChannelHandlerContext) {
        // Whatever broke the connection (a reset, a network that is gone) has cut the stream; after an end in good
        // order this is told to nobody.
        let isCut = isCut || hasFailed && !isInputEnded
        if isCut, !isBroken { context.fireUserInboundEventTriggered(StreamBroken()) }
        loop.counters.streamClosed()
        owner.streamClosed()
        loop.counters.finished(isCut || isBroken ? .relay : .ok)
        context.fireChannelInactive()
    }

    private var isCut: Bool { hasRest || !opener.isComplete }
}

#if os(Linux)
    extension ClientStreamHandler: StreamCipher {
        package func receivedAll() { receiver?.receivedAll() }

        package func wantsMore() -> Bool { receiver?.wantsMore() ?? true }

        func send(_ payload: ByteBuffer, on channel: StreamChannel) {
            if payload.readableBytes > 0 { channel.write(seal(payload)) }
        }
    }
#endif
