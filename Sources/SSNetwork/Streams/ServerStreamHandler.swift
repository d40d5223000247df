// The server's end of a Shadowsocks stream on a socket: opens what comes in, seals what goes out. All decisions
// are the pure machines' (RequestOpener, ResponseSealer); this moves bytes.
//
// A peer that does not authenticate meets silence, whatever the reason: its bytes go on being read and thrown
// away, nothing is sent, and the channel closes only when the peer has closed. No length, no cause and no moment
// can be told apart from outside.
package import NIOCore
package import SSCommon

/// What a server does with the beginning of a stream.
package protocol ServerStreamOwner: AnyObject {
    /// The header is authentic and new. The handler that gets the payload must be in the pipeline, behind the
    /// stream handler, before this returns.
    func requestReceived(_ request: RequestOpener.Request, context: ChannelHandlerContext)
    /// The first bytes are no request of ours; the handler has begun to absorb.
    func requestRefused(_ fault: StreamFault, context: ChannelHandlerContext)
    /// The channel closed without ever having authenticated.
    func closed()
}

/// First handler of an accepted channel.
package final class ServerStreamHandler: ChannelDuplexHandler {
    package typealias InboundIn = ByteBuffer
    package typealias InboundOut = ByteBuffer
    package typealias OutboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    private enum Phase {
        /// Reading the header.
        case opening
        /// Header done, payload flows.
        case streaming
        /// Not authentic: read, throw away, say nothing.
        case absorbing
    }

    private let method: CipherMethod
    private let replay: ReplayGuard
    private let loop: LoopContext
    private let allocator: ReadAllocator
    private var owner: (any ServerStreamOwner)?
    private var phase = Phase.opening
    private var opener: RequestOpener
    private var sealer: ResponseSealer?
    /// What the answer begins with, until it has begun.
    private var answered: (credential: Credential, request: Salt)?
    private var hasBytes = false
    /// Part of a piece was received and waits for its rest.
    private var hasRest = false
    private var context: ChannelHandlerContext?
    /// Gets what was opened once no pipeline is needed for it.
    var receiver: (any StreamTap)?
    #if os(Linux)
        /// Where what is sealed goes past the pipeline.
        private var direct: StreamChannel?
    #endif

    /// `owner` is kept until the request is there or the channel closes.
    package init(
        _ keys: AcceptedKeys, replay: ReplayGuard, loop: LoopContext, allocator: ReadAllocator,
        owner: any ServerStreamOwner
    ) {
        method = keys.method
        self.replay = replay
        self.loop = loop
        self.allocator = allocator
        self.owner = owner
        opener = RequestOpener(keys)
    }

    package func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        #if os(Linux)
            (context.channel as? StreamChannel)?.cipher = self
        #endif
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        receiver = nil
        #if os(Linux)
            direct = nil
        #endif
    }

    /// From here on what is opened goes to `receiver`, and what is sent to the socket, past the pipeline, if this is a channel of
    /// our engine. Nil ends that.
    package func takeShortWay(_ receiver: (any StreamTap)?) {
        #if os(Linux)
            guard let channel = context?.channel as? StreamChannel, channel.isActive else { return }
            self.receiver = receiver
            channel.tap = receiver == nil ? nil : self
            direct = receiver == nil ? nil : channel
        #endif
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received(unwrapInboundIn(data))
    }

    package func received(_ input: ByteBuffer) {
        switch phase {
        case .opening, .streaming:
            hasBytes = true
            if let context { open(input, context) }
        case .absorbing:
            allocator.finish(input)
        }
    }

    private func open(_ input: ByteBuffer, _ context: ChannelHandlerContext) {
        var output = loop.buffers.takeForWriting(capacity: input.readableBytes)
        var received = RequestOpener.Received()
        do throws(StreamFault) {
            try output.writeWithOutputRawSpan(minimumWritableBytes: input.readableBytes) { (span) throws(StreamFault) in
                received = try opener.receive(
                    input.readableBytesSpan, into: &span, now: WallClock.now(),
                    isKnown: { replay.isKnown($0, method) }
                ) { (salt) throws(StreamFault) in
                    try replay.remember(salt, method)
                }
            }
        } catch {
            allocator.finish(input)
            fail(error, context)
            return
        }
        hasRest = input.readableBytes > received.consumed
        allocator.finish(input, rest: input.readableBytes - received.consumed)
        if case .opening = phase, received.request == nil {
            loop.waitingHeaders.update(self, bytes: input.readableBytes - received.consumed)
        }
        if let request = received.request {
            loop.waitingHeaders.leave(self)
            phase = .streaming
            answered = (request.owner.credential, request.salt)
            owner.take()?.requestReceived(request, context: context)
        }
        if output.readableBytes > 0 {
            loop.counters.add(up: output.readableBytes)
            loop.buffers.keepForWriting(output)
            if let receiver { receiver.received(output) } else { context.fireChannelRead(wrapInboundOut(output)) }
        }
    }

    private func fail(_ fault: StreamFault, _ context: ChannelHandlerContext) {
        loop.waitingHeaders.leave(self)
        if case .streaming = phase {
            context.fireUserInboundEventTriggered(StreamBroken())
        } else {
            owner?.requestRefused(fault, context: context)
        }
        phase = .absorbing
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else {
            context.fireUserInboundEventTriggered(event)
            return
        }
        switch phase {
        case .opening:
            // Too little to be a request; who said nothing at all is nobody's failure.
            if hasBytes { owner?.requestRefused(.truncated, context: context) }
            phase = .absorbing
            context.close(promise: nil)
        case .absorbing:
            context.close(promise: nil)
        case .streaming:
            // An end inside a chunk is no end but a cut.
            if isCut { context.fireUserInboundEventTriggered(StreamBroken()) }
            context.fireUserInboundEventTriggered(event)
        }
    }

    private var isCut: Bool { hasRest || !opener.isComplete }

    package func channelInactive(context: ChannelHandlerContext) {
        switch phase {
        case .opening:
            // A reset in the header is a failure like an end there.
            if hasBytes, !loop.deadlines.isDraining { owner?.requestRefused(.truncated, context: context) }
        case .streaming:
            // So is one in a chunk; after an end in good order this is told to nobody.
            if isCut { context.fireUserInboundEventTriggered(StreamBroken()) }
        case .absorbing:
            break
        }
        loop.waitingHeaders.leave(self)
        phase = .absorbing
        owner.take()?.closed()
        context.fireChannelInactive()
    }

    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let payload = unwrapOutboundIn(data)
        guard case .streaming = phase else {
            promise?.fail(ChannelError.outputClosed)
            return
        }
        guard payload.readableBytes > 0 else {
            context.write(data, promise: promise)
            return
        }
        context.write(wrapOutboundOut(seal(payload.readableBytesSpan)), promise: promise)
    }

    /// Puts bytes that lie in no buffer of NIO's into the channel's queue; they are sealed from where they lie.
    package func send(_ payload: UnsafeRawBufferPointer) {
        guard case .streaming = phase, payload.count > 0 else { return }
        #if os(Linux)
            if let direct { return direct.write(seal(payload.bytes)) }
        #endif
        context?.write(wrapOutboundOut(seal(payload.bytes)), promise: nil)
    }

    /// Lets the socket have what was sent.
    package func flush() {
        #if os(Linux)
            if let direct { return direct.flush0() }
        #endif
        context?.flush()
    }

    private func seal(_ payload: RawSpan) -> ByteBuffer {
        loop.counters.add(down: payload.byteCount)
        if let (credential, request) = answered.take() {
            let salt = loop.salts.next(for: method)
            replay.record(salt, method)
            sealer = ResponseSealer(credential, salt: salt, request: request)
        }
        let capacity = sealer!.sealedCount(payload.byteCount)
        var output = loop.buffers.takeForWriting(capacity: capacity)
        output.writeWithOutputRawSpan(minimumWritableBytes: capacity) { span in
            sealer!.seal(payload, into: &span, now: WallClock.now())
        }
        loop.buffers.keepForWriting(output)
        return output
    }
}

extension ServerStreamHandler: HeaderWaiter {
    func giveUp() {
        allocator.dropRest()
        if let context { fail(.memoryFull, context) }
    }
}

#if os(Linux)
    extension ServerStreamHandler: StreamCipher {
        package func receivedAll() { receiver?.receivedAll() }

        package func wantsMore() -> Bool { receiver?.wantsMore() ?? true }

        func send(_ payload: ByteBuffer, on channel: StreamChannel) {
            guard case .streaming = phase, payload.readableBytes > 0 else { return }
            channel.write(seal(payload.readableBytesSpan))
        }
    }
#endif
