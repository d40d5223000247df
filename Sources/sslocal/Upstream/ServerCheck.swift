// One check of a server: a connection and, if there is a target that would answer, a stream through it that ends with the
// first bytes of the answer. On the wire it is a short stream like any other.
internal import NIOCore
internal import SSCommon
internal import SSNetwork

struct ServerCheck: Sendable {
    let servers: ServerSet
    let dialer: ServerDialer

    /// How long an answer may take.
    private static let patience = TimeAmount.seconds(8)

    /// Checks `server` and tells the set what came of it.
    func run(_ server: UpstreamServer, _ target: RecentTargets.Target?, on eventLoop: any EventLoop) {
        let start = ContinuousClock.now
        let connected = dialer.connector.dial(server.address, on: eventLoop).afterThisTurn()
        connected.assumeIsolated().whenComplete { result in
            switch result {
            case .failure(let error):
                servers.failed(server, DialError(error))
                servers.checkEnded(server, target, nil)
            case .success(let channel):
                let time = ContinuousClock.now - start
                if let target {
                    servers.note(.connected(after: time), about: server.id)
                    ask(target, through: server, on: channel)
                } else {
                    channel.close(promise: nil)
                    servers.checkEnded(server, nil, .checkConnected(after: time))
                }
            }
        }
    }

    private func ask(_ target: RecentTargets.Target, through server: UpstreamServer, on channel: any Channel) {
        var random = SystemRandomNumberGenerator()
        let question = target.question.bytes(for: target.address, random: &random)
        let answer = channel.eventLoop.makePromise(of: ServerEvidence.self)
        answer.futureResult.assumeIsolated().whenComplete { result in
            servers.checkEnded(server, target, (try? result.get()) ?? .checkUnanswered)
        }
        do {
            let handler = CheckHandler(question, patience: Self.patience, answer)
            try dialer.attach(
                channel, server.credential, target.address, CheckOwner(server), dialer.loops[channel.eventLoop])
            try channel.pipeline.syncOperations.addHandler(handler)
            channel.pipeline.fireChannelActive()
            handler.ask()
            try channel.syncOptions?.setOption(.autoRead, value: true)
        } catch {
            channel.close(promise: nil)
            answer.succeed(.checkUnanswered)
        }
    }
}

/// A check's stream counts among its server's, and says what is wrong with an answer.
private final class CheckOwner: ClientStreamOwner {
    private let server: UpstreamServer

    init(_ server: UpstreamServer) { self.server = server }

    func streamOpened() { server.streamOpened() }
    func streamClosed() { server.streamClosed() }
    func serverAnswered() { server.noteAnswer() }
    func serverAnswerRefused(_ fault: StreamFault) { server.serverAnswerRefused(fault) }
    func serverClosedSilently() {}
    func requestSent(_ first: ByteBuffer) {}
}

/// Last handler of a check's stream: asks, waits for a byte, and closes.
private final class CheckHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let question: [UInt8]
    private let patience: TimeAmount
    private var answer: EventLoopPromise<ServerEvidence>?
    private var context: ChannelHandlerContext?
    private var asked = ContinuousClock.now
    private var limit: Scheduled<Void>?

    init(_ question: [UInt8], patience: TimeAmount, _ answer: EventLoopPromise<ServerEvidence>) {
        self.question = question
        self.patience = patience
        self.answer = answer
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(.checkUnanswered)
        self.context = nil
    }

    /// Sends the question; the clock runs from here.
    func ask() {
        guard let context else { return }
        asked = .now
        limit = context.eventLoop.assumeIsolated().scheduleTask(in: patience) { self.end(.checkUnanswered) }
        if !question.isEmpty { context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: question)), promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { end(.answered(after: .now - asked)) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The server could not reach the target, or does not understand us; which, only several targets show.
        if event is StreamBroken || event as? ChannelEvent == .inputClosed { end(.checkUnanswered) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(.checkUnanswered)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func end(_ evidence: ServerEvidence) {
        limit?.cancel()
        limit = nil
        guard let answer = answer.take() else { return }
        answer.succeed(evidence)
        context?.close(promise: nil)
    }
}
