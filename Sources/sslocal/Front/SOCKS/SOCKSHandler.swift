// SOCKS on a client connection: feeds the machine, dials, answers with the right code, and gives the two channels
// to the relay. Success is told only after the dial has succeeded. Nothing is read while dialling; what came with
// the request goes along as early data.
import Logging
import NIOCore
import SSCommon
import SSNetwork

final class SOCKSHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Phase {
        /// The request is not whole yet.
        case handshake
        /// A stream or an association is being opened.
        case opening
        /// The connection only stands for its UDP association now.
        case association
        /// Nothing is to be done any more.
        case over
    }

    private let configuration: FrontConfiguration
    private let version: FrontProtocol
    private var version5: SOCKS5Handshake
    private var phase = Phase.handshake
    private var input = ByteBuffer()
    private var inputClosed = false
    private var deadline: Deadline?

    /// `version` is `.socks5` or `.socks4`.
    init(_ configuration: FrontConfiguration, _ version: FrontProtocol) {
        self.configuration = configuration
        self.version = version
        version5 = SOCKS5Handshake(users: configuration.users)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let deadline = Deadline(on: context.eventLoop)
        self.deadline = deadline
        deadline.set(configuration.limits.handshake) { context.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { deadline?.clear() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch phase {
        case .handshake:
            input.receive(unwrapInboundIn(data))
            advance(context)
        case .opening: input.receive(unwrapInboundIn(data))
        case .association, .over: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        switch phase {
        case .handshake, .association: context.read()
        case .opening, .over: break
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .inputClosed? = event as? ChannelEvent else { return context.fireUserInboundEventTriggered(event) }
        inputClosed = true
        switch phase {
        // Half a request is no request, and an association lives as long as its connection (RFC 1928 section 6).
        case .handshake, .association: context.close(promise: nil)
        case .opening, .over: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        phase = .over
        deadline?.clear()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func advance(_ context: ChannelHandlerContext) {
        while case .handshake = phase {
            switch step() {
            case .needMore: return context.flush()
            case .send(let bytes, let consumed):
                input.moveReaderIndex(forwardBy: consumed)
                context.write(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
            case .request(let request, let consumed):
                input.moveReaderIndex(forwardBy: consumed)
                context.flush()
                phase = .opening
                deadline?.clear()
                open(request, context)
            case .refuse(let bytes, let fault):
                configuration.logger.debug("SOCKS request refused", metadata: ["reason": "\(fault.rawValue)"])
                refuse(bytes, context)
            }
        }
    }

    private func step() -> SOCKSStep {
        let bytes = input
        switch version {
        case .socks4: return SOCKS4Request.next(bytes.readableBytesSpan, users: configuration.users)
        case .socks5, .http: return version5.next(bytes.readableBytesSpan)
        }
    }

    private func open(_ request: SOCKSRequest, _ context: ChannelHandlerContext) {
        switch request {
        case .connect(let target):
            configuration.dial(target, on: context.eventLoop) { [self] result in
                dialled(result, target: target, context)
            }
        case .associate(let hint):
            guard let open = configuration.openAssociation else {
                return refuse(SOCKSReply.version5(.commandUnsupported), context)
            }
            open(context.channel, hint).hop(to: context.eventLoop).assumeIsolated().whenComplete { [self] result in
                associated(result, context)
            }
        }
    }

    private func dialled(
        _ result: Result<any Channel, DialError>, target: TargetAddress, _ context: ChannelHandlerContext
    ) {
        switch result {
        case .failure(let error):
            configuration.logger.debug(
                "dial failed", metadata: ["target": "\(target)", "reason": "\(error.word)"])
            guard case .opening = phase else { return }
            refuse(reply(error), context)
        case .success(let upstream):
            guard case .opening = phase, upstream.isActive else {
                upstream.close(promise: nil)
                if case .opening = phase { refuse(reply(.failed("closed at once")), context) }
                return
            }
            let success =
                version == .socks4 ? SOCKSReply.version4(granted: true) : SOCKSReply.version5(.succeeded)
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: success)), promise: nil)
            // The flush may have found the client gone.
            guard case .opening = phase else { return upstream.close(promise: nil) }
            phase = .over
            let client = context.channel
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
            configuration.handOver(
                client: client, clientEnded: inputClosed, upstream: upstream, upstreamEnded: false, early: input)
        }
    }

    private func associated(_ result: Result<Endpoint, any Error>, _ context: ChannelHandlerContext) {
        guard case .opening = phase else { return }
        switch result {
        case .failure(let error): refuse(reply(error as? DialError ?? .failed("association failed")), context)
        case .success(let bound):
            phase = .association
            input.clear()
            let reply = SOCKSReply.version5(.succeeded, bound: bound)
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: reply)), promise: nil)
            if inputClosed { return context.close(promise: nil) }
            context.read()
        }
    }

    private func reply(_ error: DialError) -> [UInt8] {
        version == .socks4 ? SOCKSReply.version4(granted: false) : SOCKSReply.version5(error.socks5Code)
    }

    private func refuse(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
        phase = .over
        deadline?.clear()
        let channel = context.channel
        context.write(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
        LingeringClose.begin(on: channel, limits: configuration.limits, inputClosed: inputClosed)
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }
}
