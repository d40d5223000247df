// One connection to the admin API: a request is collected within bounds, answered, and the next one read.
internal import NIOCore
internal import NIOHTTP1

final class AdminHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// security.md 6.7.
    static let maximumBody = 64 * 1024
    /// For a request to be there as a whole, and between requests.
    private static let patience = TimeAmount.seconds(10)
    /// No script, no outside reference, no frame.
    private static let contentPolicy =
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

    private enum Phase {
        /// Waiting for a request.
        case idle
        /// Its body is coming.
        case reading(HTTPRequestHead, [UInt8])
        /// It has more body than we take; the rest is thrown away.
        case refusing(HTTPRequestHead)
        /// Being answered. The pipeline holds back what follows.
        case answering
    }

    private let routes: AdminRoutes
    private var phase = Phase.idle
    private var timer: Scheduled<Void>?

    init(_ routes: AdminRoutes) {
        self.routes = routes
    }

    func channelActive(context: ChannelHandlerContext) {
        startTimer(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    private func startTimer(_ context: ChannelHandlerContext) {
        timer?.cancel()
        let channel = context.channel
        timer = context.eventLoop.scheduleTask(in: Self.patience) { channel.close(promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), phase) {
        case (.head(let head), _):
            if head.headers.contains(name: "expect") {
                context.write(
                    wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
                context.flush()
            }
            phase = .reading(head, [])
        case (.body(let part), .reading(let head, var body)):
            body += part.readableBytesView
            phase = body.count > Self.maximumBody ? .refusing(head) : .reading(head, body)
        case (.end, .reading(let head, let body)):
            let refusal = AdminVisitor.refusal(
                host: head.headers["host"], origin: head.headers["origin"], fetchSite: head.headers["sec-fetch-site"])
            if let refusal { respond(refusal.response, to: head, context) } else { answer(head, body, context) }
        case (.end, .refusing(let head)):
            respond(AdminFailure(413, "a body has at most \(Self.maximumBody / 1024) KiB").response, to: head, context)
        case (.body, _), (.end, _):
            break
        }
    }

    private func answer(_ head: HTTPRequestHead, _ body: [UInt8], _ context: ChannelHandlerContext) {
        phase = .answering
        timer?.cancel()
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let (eventLoop, routes) = (context.eventLoop, routes)
        let (method, target) = (head.method.rawValue, head.uri)
        Task {
            let response = await routes.answer(method, target, body: body)
            eventLoop.execute {
                let (handler, context) = bound.value
                handler.respond(response, to: head, context)
            }
        }
    }

    private func respond(_ response: AdminResponse, to head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        var headers = HTTPHeaders()
        if response.status != 204 {
            headers.add(name: "Content-Type", value: response.contentType)
            headers.add(name: "Content-Length", value: "\(response.body.count)")
        }
        headers.add(name: "Cache-Control", value: "no-store")
        headers.add(name: "X-Content-Type-Options", value: "nosniff")
        headers.add(name: "Content-Security-Policy", value: Self.contentPolicy)
        headers.add(name: "Referrer-Policy", value: "no-referrer")
        let status = HTTPResponseStatus(statusCode: response.status)
        context.write(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))),
            promise: nil)
        if head.method != .HEAD, !response.body.isEmpty {
            context.write(
                wrapOutboundOut(.body(.byteBuffer(context.channel.allocator.buffer(bytes: response.body)))),
                promise: nil)
        }
        let channel = context.channel
        let ended = context.writeAndFlush(wrapOutboundOut(.end(nil)))
        phase = .idle
        if head.isKeepAlive { startTimer(context) } else { ended.whenComplete { _ in channel.close(promise: nil) } }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // What is no HTTP has been answered 400 by the handler in front.
        context.close(promise: nil)
    }
}
