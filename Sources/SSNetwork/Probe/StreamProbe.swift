// One stream through a Shadowsocks server that asks something and waits for the first bytes of an answer. A server seals
// nothing of its own, only what a target says: so an answer proves key, method, clock and the way out all at once, and the
// lack of one says as little to us as to a stranger.
package import NIOCore
package import SSCommon

package enum StreamAnswer: Sendable {
    /// The target's first bytes came back. `clock` is how many seconds the server's clock is ahead of ours (SIP022).
    case answered([UInt8], after: Duration, clock: Int64?)
    /// The stream ended, or was cut, before a byte of an answer.
    case closed(after: Duration)
    /// Nothing came for as long as was waited.
    case silent
    /// Something came that is not an answer to us.
    case refused(StreamFault)
    /// There was no connection to ask on.
    case notConnected
}

package struct StreamProbe: Sendable {
    private let credential: Credential
    private let target: TargetAddress
    private let question: [UInt8]
    private let clockOffset: Int64
    private let patience: TimeAmount

    /// `question` goes to `target` with the request; `clockOffset` as `ClientStreamHandler` takes it.
    package init(
        _ credential: Credential, to target: TargetAddress, asking question: [UInt8], clockOffset: Int64 = 0,
        patience: TimeAmount = .seconds(8)
    ) {
        self.credential = credential
        self.target = target
        self.question = question
        self.clockOffset = clockOffset
        self.patience = patience
    }

    /// Makes `channel`, a connection to the server that reads nothing yet, the stream, and closes it in the end. On the
    /// channel's loop.
    package func run(
        on channel: any Channel, replay: ReplayGuard, loop: LoopContext, owner: any ClientStreamOwner
    ) -> EventLoopFuture<StreamAnswer> {
        Self.begin(on: channel) { answer in
            let allocator = ReadAllocator(loop.buffers)
            try StreamSocketOptions.apply(allocator, to: channel)
            let watch = FaultWatch(owner)
            let stream = ClientStreamHandler(
                credential, target: target, replay: replay, loop: loop, allocator: allocator, owner: watch,
                clockOffset: clockOffset)
            try channel.pipeline.syncOperations.addHandler(stream)
            return ProbeHandler(question, patience, answer) { bytes, time in
                if let fault = watch.fault { return .refused(fault) }
                guard let bytes else { return time.map { .closed(after: $0) } ?? .silent }
                let now = Int64(clamping: WallClock.now())
                return .answered(
                    bytes, after: time ?? .zero, clock: stream.serverTime.map { Int64(clamping: $0) - now })
            }
        }
    }

    /// Sends `bytes` as they are, which no server can understand, and reports what it does: `.answered` with its own first
    /// bytes, `.closed` or `.silent`.
    package static func babble(
        _ bytes: [UInt8], on channel: any Channel, patience: TimeAmount
    ) -> EventLoopFuture<StreamAnswer> {
        begin(on: channel) { answer in
            ProbeHandler(bytes, patience, answer) { bytes, time in
                guard let bytes else { return time.map { .closed(after: $0) } ?? .silent }
                return .answered(bytes, after: time ?? .zero, clock: nil)
            }
        }
    }

    /// Adds what `make` makes for the promise of an answer, and asks.
    private static func begin(
        on channel: any Channel, _ make: (EventLoopPromise<StreamAnswer>) throws -> ProbeHandler
    ) -> EventLoopFuture<StreamAnswer> {
        let answer = channel.eventLoop.makePromise(of: StreamAnswer.self)
        do {
            guard channel.isActive else { throw DialError.failed("closed at once") }
            let handler = try make(answer)
            try channel.pipeline.syncOperations.addHandler(handler)
            // The handlers were not there when the channel became active.
            channel.pipeline.fireChannelActive()
            handler.ask()
            try channel.syncOptions?.setOption(.autoRead, value: true)
        } catch {
            channel.close(promise: nil)
            answer.succeed(.notConnected)
        }
        return answer.futureResult
    }
}

/// Keeps what is wrong with an answer, and tells everything to the one who asked.
private final class FaultWatch: ClientStreamOwner, @unchecked Sendable {
    private let owner: any ClientStreamOwner
    /// Only ever touched on the stream's loop.
    private(set) var fault: StreamFault?

    init(_ owner: any ClientStreamOwner) { self.owner = owner }

    func streamOpened() { owner.streamOpened() }
    func streamClosed() { owner.streamClosed() }
    func serverAnswered() { owner.serverAnswered() }
    func serverAnswerRefused(_ fault: StreamFault) {
        self.fault = fault
        owner.serverAnswerRefused(fault)
    }
    func serverClosedSilently() { owner.serverClosedSilently() }
    func requestSent(_ first: ByteBuffer) { owner.requestSent(first) }
}

/// Last handler of such a stream: asks, waits for a byte, and closes.
private final class ProbeHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Of the first bytes that came and when; no bytes: it ended then; neither: nothing happened.
    typealias Judge = ([UInt8]?, Duration?) -> StreamAnswer

    private let question: [UInt8]
    private let patience: TimeAmount
    private var answer: EventLoopPromise<StreamAnswer>?
    private let judge: Judge
    private var context: ChannelHandlerContext?
    private var asked = ContinuousClock.now
    private var limit: Scheduled<Void>?

    init(
        _ question: [UInt8], _ patience: TimeAmount, _ answer: EventLoopPromise<StreamAnswer>, judge: @escaping Judge
    ) {
        self.question = question
        self.patience = patience
        self.answer = answer
        self.judge = judge
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(nil, .now - asked)
        self.context = nil
    }

    /// Sends the question; the clock runs from here.
    func ask() {
        guard let context else { return }
        asked = .now
        limit = context.eventLoop.assumeIsolated().scheduleTask(in: patience) { self.end(nil, nil) }
        if !question.isEmpty { context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: question)), promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        end(Array(unwrapInboundIn(data).readableBytesView.prefix(4096)), .now - asked)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is StreamBroken || event as? ChannelEvent == .inputClosed { end(nil, .now - asked) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(nil, .now - asked)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func end(_ bytes: [UInt8]?, _ time: Duration?) {
        limit?.cancel()
        limit = nil
        guard let answer = answer.take() else { return }
        answer.succeed(judge(bytes, time))
        context?.close(promise: nil)
    }
}
