// HTTP proxy on a client connection: takes one request after the other, in order, decides what becomes of each,
// and keeps the connection alive between them. Requests that were pipelined wait in the buffer (or in the kernel)
// until the one before them is answered (RFC 9112 9.3.2).
import Logging
import NIOCore
import SSCommon
import SSNetwork

final class HTTPProxyHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Phase {
        /// The head of the next request is awaited.
        case head(HTTPHeadParser)
        /// A request is being forwarded.
        case exchange(HTTPExchange)
        /// The target of a CONNECT is being dialled.
        case dialling
        /// The connection is closing, gone, or somebody else's.
        case over
    }

    /// How many pipelined requests are handled before the event loop's other connections get their turn.
    private static let requestsPerTurn = 32

    let configuration: FrontConfiguration
    /// Received and not consumed. Only what is needed next is ever asked for.
    var input = ByteBuffer()
    /// The client sends no more. What it has asked for is still answered.
    private(set) var inputClosed = false
    private var phase = Phase.head(HTTPHeadParser(.request))
    private var headHasBegun = false
    private var idleUpstream: HTTPUpstream?
    private var router: HTTPRouter
    let channel: any Channel
    private var context: ChannelHandlerContext?
    private var isAdvancing = false
    private var advanceAgain = false
    private var deadline: Deadline?
    private var isAborting = false

    init(_ configuration: FrontConfiguration, channel: any Channel) {
        self.configuration = configuration
        self.channel = channel
        router = HTTPRouter(users: configuration.users, via: configuration.via, ownAddress: nil)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        deadline = Deadline(on: context.eventLoop)
        router.ownAddress = context.channel.localAddress.flatMap(Endpoint.init(folding:))
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.clear()
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .over = phase { return }
        input.receive(unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) { advance() }

    func channelWritabilityChanged(context: ChannelHandlerContext) { advance() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .inputClosed? = event as? ChannelEvent else { return context.fireUserInboundEventTriggered(event) }
        inputClosed = true
        advance()
    }

    func channelInactive(context: ChannelHandlerContext) {
        let last = phase
        phase = .over
        deadline?.clear()
        if case .exchange(let exchange) = last { exchange.abandon() }
        idleUpstream?.close()
        idleUpstream = nil
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// Somebody else ends the connection, as the program does when it stops.
    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard !isAborting, case .exchange(let exchange) = phase, exchange.isDelimitedByClose else {
            return context.close(mode: mode, promise: promise)
        }
        context.channel.closeFuture.cascade(to: promise)
        abort(context)
    }

    private func abort(_ context: ChannelHandlerContext) {
        isAborting = true
        context.channel.abort()
    }

    /// Moves what can be moved. A call from within makes the round begin again instead of nesting, so a thousand
    /// pipelined requests that are all answered at once need no deeper stack than one.
    private func advance() {
        advanceAgain = true
        if isAdvancing { return }
        isAdvancing = true
        var turn = 0
        while advanceAgain, let context {
            if turn == Self.requestsPerTurn {
                context.eventLoop.assumeIsolated().execute { [weak self] in self?.advance() }
                break
            }
            turn += 1
            advanceAgain = false
            switch phase {
            case .head(let parser): readHead(parser, context)
            case .exchange(let exchange): exchange.advance()
            case .dialling, .over: break
            }
        }
        isAdvancing = false
    }

    private func readHead(_ parser: HTTPHeadParser, _ context: ChannelHandlerContext) {
        // A client that asks without reading the answers gets no more of them.
        guard context.channel.isWritable else { return context.flush() }
        var parser = parser
        let bytes = input
        do throws(HTTPFault) {
            let result = try parser.parse(bytes.readableBytesSpan)
            phase = .head(parser)
            guard let (head, consumed) = result else { return awaitHead(context, begun: parser.begun) }
            input.moveReaderIndex(forwardBy: consumed)
            handle(try HTTPRequest(head), context)
        } catch {
            configuration.logger.debug("HTTP request refused", metadata: ["reason": "\(error.rawValue)"])
            answer(.fault(error), to: nil)
        }
    }

    private func awaitHead(_ context: ChannelHandlerContext, begun: Bool) {
        context.flush()
        if inputClosed { return begun ? answer(.fault(.truncated), to: nil) : close() }
        if begun && !headHasBegun {
            headHasBegun = true
            deadline?.set(configuration.limits.head) { [weak self] in self?.headTimedOut() }
        } else if !begun {
            deadline?.set(configuration.limits.keepAliveIdle) { [weak self] in self?.close() }
        }
        context.read()
    }

    private func headTimedOut() {
        guard case .head = phase else { return }
        send(HTTPLocalResponse(.tooSlow, requestID: configuration.requestID()), to: nil, persists: false)
    }

    private func handle(_ request: HTTPRequest, _ context: ChannelHandlerContext) {
        headHasBegun = false
        deadline?.clear()
        switch router.route(request) {
        case .tunnel(let target): tunnel(to: target, context)
        case .forward(let authority, let path, let target):
            guard let deadline else { return }
            let exchange = HTTPExchange(
                request, authority: authority, path: path, target: target, client: self, deadline: deadline)
            phase = .exchange(exchange)
            let idle = idleUpstream
            idleUpstream = nil
            exchange.start(idle: idle)
        case .answer(let local): answer(local, to: request)
        }
    }
}

// What the exchange uses.
extension HTTPProxyHandler {
    var eventLoop: any EventLoop { channel.eventLoop }

    func read() { context?.read() }

    func flush() { context?.flush() }

    func write(_ bytes: [UInt8]) {
        context?.write(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
    }

    func exchangeEnded(_ exchange: HTTPExchange, _ end: HTTPExchange.End) {
        guard case .exchange(let current) = phase, current === exchange else { return }
        deadline?.clear()
        phase = .head(HTTPHeadParser(.request))
        switch end {
        case .next(let reusable):
            idleUpstream = reusable
            reusable?.rest()
            advance()
        case .close: close()
        case .abort:
            phase = .over
            if let context { abort(context) }
        case .answer(let response, let clean):
            send(response, to: exchange.request, persists: clean && exchange.request.persists)
        case .switched(let upstream):
            let early = upstream.input
            if early.readableBytes > 0 { context?.writeAndFlush(wrapOutboundOut(early), promise: nil) }
            upstream.channel.pipeline.syncOperations.removeHandler(upstream, promise: nil)
            handOver(to: upstream.channel, ended: upstream.ended)
        }
    }
}

// CONNECT.
extension HTTPProxyHandler {
    private func tunnel(to target: TargetAddress, _ context: ChannelHandlerContext) {
        phase = .dialling
        idleUpstream?.close()
        idleUpstream = nil
        configuration.dial(target, on: context.eventLoop) { [self] result in
            guard case .dialling = phase else {
                if case .success(let upstream) = result { upstream.close(promise: nil) }
                return
            }
            switch result {
            case .failure(let error):
                configuration.logger.debug(
                    "dial failed", metadata: ["target": "\(target)", "reason": "\(error.word)"])
                send(ErrorPage(error, reach: configuration.reach), persists: false)
            case .success(let upstream): tunnelOpened(upstream)
            }
        }
    }

    private func tunnelOpened(_ upstream: any Channel) {
        guard upstream.isActive else { return send(.noAnswer, persists: false) }
        // No Content-Length and no Transfer-Encoding: a CONNECT that succeeds has no body (RFC 9110 9.3.6).
        write([UInt8]("HTTP/1.1 200 Connection established\r\n\r\n".utf8))
        flush()
        // The flush may have found the client gone.
        guard case .dialling = phase else { return upstream.close(promise: nil) }
        handOver(to: upstream, ended: false)
    }

    private func handOver(to upstream: any Channel, ended: Bool) {
        guard let context else { return upstream.close(promise: nil) }
        phase = .over
        let client = context.channel
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        configuration.handOver(
            client: client, clientEnded: inputClosed, upstream: upstream, upstreamEnded: ended, early: input)
    }
}

// Answers from here.
extension HTTPProxyHandler {
    private func answer(_ answer: HTTPLocalAnswer, to request: HTTPRequest?) {
        let id = configuration.requestID()
        let response: HTTPLocalResponse =
            switch answer {
            case .help(let address):
                HTTPLocalResponse(
                    .local, status: 200, html: HelpPage.html(address: address, socks: configuration.mode != .http))
            case .options:
                HTTPLocalResponse(.local, status: 200, html: "", fields: [("Allow", "OPTIONS, CONNECT, GET, HEAD")])
            case .authenticate:
                HTTPLocalResponse(
                    .authenticate, requestID: id, fields: [("Proxy-Authenticate", "Basic realm=\"sslocal\"")])
            case .traceRefused:
                HTTPLocalResponse(
                    .traceRefused, requestID: id, fields: [("Allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS")])
            case .notFound: HTTPLocalResponse(.notFound, requestID: id)
            case .notAProxyRequest: HTTPLocalResponse(.notAProxyRequest, requestID: id)
            case .loop: HTTPLocalResponse(.loop, requestID: id)
            case .fault(let fault): HTTPLocalResponse(ErrorPage(fault), requestID: id)
            }
        // Only a request without a body leaves the stream at the beginning of the next one; after a CONNECT, what
        // follows may be meant for the tunnel that was not made.
        let clean = request.map { $0.framing == .none && $0.persists && !$0.isMethod("CONNECT") } ?? false
        send(response, to: request, persists: clean)
    }

    private func send(_ page: ErrorPage, persists: Bool) {
        send(HTTPLocalResponse(page, requestID: configuration.requestID()), to: nil, persists: persists)
    }

    private func send(_ response: HTTPLocalResponse, to request: HTTPRequest?, persists: Bool) {
        write(response.encode(to: request, persists: persists, date: HTTPDate.text(configuration.now())))
        if persists {
            phase = .head(HTTPHeadParser(.request))
            advance()
        } else {
            close()
        }
    }

    /// Ends the connection once everything written has reached the client.
    private func close() {
        guard let context else { return }
        phase = .over
        deadline?.clear()
        idleUpstream?.close()
        idleUpstream = nil
        let channel = context.channel
        LingeringClose.begin(on: channel, limits: configuration.limits, inputClosed: inputClosed)
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }
}

extension Endpoint {
    /// Nil for a Unix socket.
    fileprivate init?(_ address: SocketAddress) {
        guard let port = address.port.flatMap(UInt16.init(exactly:)),
            let ip = address.ipAddress.flatMap({ IPAddress($0) })
        else { return nil }
        self.init(ip.folded, port)
    }
}
