// A document by HTTPS: one GET in HTTP/1.1, over whatever dialer is given, the tunnel's or the direct one. Whoever answers is
// a stranger until the certificate is checked, and not much more afterwards: sizes, times and redirects are bounded.
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import SSCommon
internal import SSNetwork

struct HTTPSFetch: Sendable {
    /// Why there is no document, in words for a person; never with more of the address than its host.
    struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        let description: String
    }

    let dialer: any StreamDialer
    let eventLoop: any EventLoop
    /// Whose certificates are trusted.
    var roots = NIOSSLTrustRoots.default
    /// For everything, redirects included; commands that wait for it have more.
    var patience = TimeAmount.seconds(25)

    /// Of the body, in bytes.
    static let maximumBody = 1 << 20
    private static let maximumRedirects = 3

    /// The body of a 200.
    func get(_ address: HTTPSAddress) async throws(Failure) -> [UInt8] {
        var address = address
        let deadline = NIODeadline.now() + patience
        for _ in 0...Self.maximumRedirects {
            switch try await exchange(address, deadline) {
            case .body(let bytes): return bytes
            case .redirect(let location):
                do throws(HTTPSAddress.Fault) {
                    address = try address.redirected(to: location)
                } catch {
                    throw Failure(description: "\(address) leads elsewhere, and \(error)")
                }
            }
        }
        throw Failure(description: "\(address) leads elsewhere again and again")
    }

    private func exchange(_ address: HTTPSAddress, _ deadline: NIODeadline) async throws(Failure) -> HTTPSAnswer {
        let context: NIOSSLContext
        do {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.trustRoots = roots
            configuration.applicationProtocols = ["http/1.1"]
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw Failure(description: "this system's certificates cannot be read")
        }
        let answer = eventLoop.makePromise(of: HTTPSAnswer.self)
        let limit = eventLoop.scheduleTask(deadline: deadline) {
            answer.fail(Failure(description: "\(address) did not answer in time"))
        }
        let host = "\(address.host)"
        let dialled = dialer.dial(address.target, on: eventLoop) { channel in
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: host))
            try pipeline.addHandler(HTTPRequestEncoder())
            try pipeline.addHandler(ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes)))
            try pipeline.addHandler(HTTPSClientHandler(address, answer))
        }
        dialled.whenFailure { error in
            let reason = (error as? DialError ?? .failed("")).sentence
            answer.fail(Failure(description: "\(address) cannot be reached: \(reason)"))
        }
        answer.futureResult.whenComplete { _ in
            limit.cancel()
            dialled.whenSuccess { $0.close(promise: nil) }
        }
        do {
            return try await answer.futureResult.get()
        } catch {
            throw error as? Failure ?? Failure(description: "\(address) cannot be fetched")
        }
    }
}

enum HTTPSAnswer: Hashable, Sendable {
    case body([UInt8])
    case redirect(String)
}

/// Last handler of such a connection.
final class HTTPSClientHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let address: HTTPSAddress
    private let answer: EventLoopPromise<HTTPSAnswer>
    private var body: [UInt8]?

    init(_ address: HTTPSAddress, _ answer: EventLoopPromise<HTTPSAnswer>) {
        self.address = address
        self.answer = answer
    }

    func channelActive(context: ChannelHandlerContext) {
        var head = HTTPRequestHead(version: .http1_1, method: .GET, uri: address.path)
        head.headers = [
            "Host": address.authority, "Accept": "application/json", "Accept-Encoding": "identity",
            "Connection": "close",
        ]
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): receive(head, context)
        case .body(let part):
            guard body != nil else { return }
            body? += part.readableBytesView
            if body?.count ?? 0 > HTTPSFetch.maximumBody {
                fail("the document at \(address) is longer than \(HTTPSFetch.maximumBody >> 10) KiB", context)
            }
        case .end:
            guard let body = body.take() else { return }
            answer.succeed(.body(body))
            context.close(promise: nil)
        }
    }

    private func receive(_ head: HTTPResponseHead, _ context: ChannelHandlerContext) {
        switch head.status.code {
        case 200:
            let coding = head.headers["Content-Encoding"].first { $0.lowercased() != "identity" }
            if coding != nil { return fail("\(address) answers in a coding nobody asked for", context) }
            body = []
        case 301, 302, 303, 307, 308:
            guard let location = head.headers.first(name: "Location") else {
                return fail("\(address) leads elsewhere and does not say where", context)
            }
            answer.succeed(.redirect(location))
            context.close(promise: nil)
        // RFC 9110 15.2: another head follows.
        case 100..<200: break
        case let code: fail("\(address) answers with status \(code)", context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let what: String
        switch error {
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError:
            what = "\(address) cannot prove who it is, or speaks no TLS"
        case is HTTPParserError: what = "\(address) does not speak HTTP"
        default: what = "the connection to \(address) broke"
        }
        fail(what, context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail("\(address) ended the connection before it had answered", context)
        context.fireChannelInactive()
    }

    /// After an answer this changes nothing.
    private func fail(_ reason: String, _ context: ChannelHandlerContext) {
        body = nil
        answer.fail(HTTPSFetch.Failure(description: reason))
        context.close(promise: nil)
    }
}
