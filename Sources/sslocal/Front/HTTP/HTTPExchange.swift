// One forwarded request and its response: the body up, the answer down, each only as fast as the other side takes
// it. Bytes of the client stay in the client's buffer until the upstream has room, and the other way round, so at
// most one read's worth waits on either side. Everything runs on the client's event loop.
import Logging
import NIOCore
import SSCommon
import SSNetwork

final class HTTPExchange: HTTPUpstreamUser {
    private enum ResponsePhase {
        /// The head of the next response, interim or final, is awaited.
        case head(HTTPHeadParser)
        /// The final response's body passes.
        case body(HTTPBodyReader, HTTPResponse, ForwardedResponse)
    }

    /// How it ended, for the client's connection.
    enum End {
        /// The response is out, and the connection may take another request.
        case next(reusable: HTTPUpstream?)
        /// Close: the response is out, or broke off and its framing shows that to the client.
        case close
        /// Close with RST: the response broke off, and a close in good order would pass for its end.
        case abort
        /// Nothing of a final response is out: show this. `clean` says whether the request was read to its end.
        case answer(HTTPLocalResponse, clean: Bool)
        /// 101: both connections change protocol.
        case switched(HTTPUpstream)
    }

    private let client: HTTPProxyHandler
    let request: HTTPRequest
    private let target: TargetAddress
    private let outgoingHead: [UInt8]
    private var upstream: HTTPUpstream?
    private var upstreamIsReused = false
    private var hasRetried = false
    private var dialling = false
    private var requestBody: HTTPBodyReader
    private var requestIsRead = false
    private var anyResponse = false
    private var response = ResponsePhase.head(HTTPHeadParser(.response))
    private var end: End?
    private var isAdvancing = false
    private var advanceAgain = false
    private let deadline: Deadline

    private var configuration: FrontConfiguration { client.configuration }

    init(
        _ request: HTTPRequest, authority: HTTPAuthority, path: [UInt8], target: TargetAddress,
        client: HTTPProxyHandler, deadline: Deadline
    ) {
        self.client = client
        self.request = request
        self.target = target
        self.deadline = deadline
        requestBody = HTTPBodyReader(request.framing, tolerant: false)
        outgoingHead = ForwardedRequest.encode(
            request, authority: authority, path: path, via: client.configuration.via)
    }

    /// Sends the request, on `idle` if that is alive and the request could be repeated should it die.
    func start(idle: HTTPUpstream?) {
        if let idle, idle.target == target, idle.isReusable, request.isReplayable {
            upstreamIsReused = true
            use(idle)
        } else {
            idle?.close()
        }
        advance()
    }

    /// The client's connection is gone.
    func abandon() {
        end = end ?? .close
        upstream?.close()
        upstream = nil
    }

    /// Moves what can be moved. Called whenever bytes, room or an end appeared on either side; a call from within
    /// (a write may report at once that there is no more room) makes the round begin again.
    func advance() {
        if isAdvancing {
            advanceAgain = true
            return
        }
        isAdvancing = true
        repeat {
            advanceAgain = false
            if end == nil { sendUp() }
            if end == nil { sendDown() }
            upstream?.channel.flush()
            client.flush()
        } while advanceAgain && end == nil
        isAdvancing = false
        if let end { finish(end) } else { setDeadline() }
    }

    private func finish(_ end: End) {
        switch end {
        case .next, .switched: break
        case .close, .abort, .answer: upstream?.close()
        }
        upstream?.exchange = nil
        upstream = nil
        client.exchangeEnded(self, end)
    }

    private func setDeadline() {
        let awaitingClient = upstream?.channel.isWritable == true && !requestIsRead || upstream == nil && !dialling
        let limit = awaitingClient ? configuration.limits.bodyIdle : configuration.limits.responseIdle
        deadline.set(limit) { [weak self] in
            guard let self, end == nil else { return }
            fail(awaitingClient ? .tooSlow : .answerTooSlow)
            advance()
        }
    }
}

// Opening the upstream.
extension HTTPExchange {
    private func use(_ upstream: HTTPUpstream) {
        self.upstream = upstream
        upstream.exchange = self
        upstream.channel.write(ByteBuffer(bytes: outgoingHead), promise: nil)
    }

    private func dial() {
        dialling = true
        configuration.dial(target, on: client.eventLoop) { [self] result in
            dialling = false
            dialled(result)
        }
    }

    private func dialled(_ result: Result<any Channel, DialError>) {
        switch result {
        case .failure(let error):
            guard end == nil else { return }
            configuration.logger.debug("dial failed", metadata: ["target": "\(target)", "reason": "\(error.word)"])
            fail(ErrorPage(error, reach: configuration.reach))
        case .success(let channel):
            guard end == nil else { return channel.close(promise: nil) }
            let upstream = HTTPUpstream(channel, target: target)
            do {
                try channel.pipeline.syncOperations.addHandler(upstream)
                use(upstream)
            } catch {
                channel.close(promise: nil)
                fail(.noAnswer)
            }
        }
        advance()
    }

    /// The upstream is gone before a whole response head. A connection that was kept may simply have been closed
    /// by the origin while idle; that one case is tried again, once.
    private func upstreamDied() {
        let nothingCame = upstream?.input.readableBytes == 0 && !anyResponse
        guard upstreamIsReused, !hasRetried, nothingCame, request.isReplayable else { return fail(.noAnswer) }
        hasRetried = true
        upstreamIsReused = false
        upstream?.close()
        upstream = nil
        advanceAgain = true
    }
}

// The request's way up.
extension HTTPExchange {
    private func sendUp() {
        do throws(HTTPFault) {
            if upstream == nil, !dialling, try mayDial() { dial() }
            while !requestIsRead, let upstream, upstream.channel.isActive, upstream.channel.isWritable {
                let bytes = client.input
                let piece = try requestBody.next(bytes.readableBytesSpan)
                if !moveUp(piece, to: upstream) { return }
            }
        } catch {
            refuse(error)
        }
    }

    /// Whether the body received so far is in order, so that a request whose first chunk is malformed reaches no
    /// origin. Of a chunked body at least the first size must be there, unless the client waits for 100 (Continue).
    private func mayDial() throws(HTTPFault) -> Bool {
        if hasRetried { return true }
        var reader = requestBody
        var rest = client.input
        var seen = request.framing != .chunked || request.head.fields.contains { $0.kind == .expect }
        while true {
            switch try reader.next(rest.readableBytesSpan) {
            case .needMore:
                if !seen || client.inputClosed { try awaitClient() }
                return seen
            case .framing(let count), .data(let count):
                seen = true
                rest.moveReaderIndex(forwardBy: count)
            case .end: return true
            }
        }
    }

    /// Handles a piece of the client's body; false if there is nothing more to take for now.
    private func moveUp(_ piece: HTTPBodyReader.Piece, to upstream: HTTPUpstream) -> Bool {
        switch piece {
        case .needMore:
            do throws(HTTPFault) { try awaitClient() } catch { refuse(error) }
            return false
        case .framing(let count):
            client.input.moveReaderIndex(forwardBy: count)
        case .data(let count):
            guard let bytes = client.input.readSlice(length: count) else { return false }
            HTTPChunks.write(bytes, isChunked: request.framing == .chunked, to: upstream.channel)
        case .end(let trailers, let consumed):
            client.input.moveReaderIndex(forwardBy: consumed)
            requestIsRead = true
            if request.framing == .chunked {
                upstream.channel.write(ByteBuffer(bytes: HTTPTrailers.lastChunk(trailers)), promise: nil)
            }
        }
        return true
    }

    private func awaitClient() throws(HTTPFault) {
        if client.inputClosed { throw .truncated }
        client.read()
    }

    private func refuse(_ fault: HTTPFault) {
        configuration.logger.debug("HTTP request refused", metadata: ["reason": "\(fault.rawValue)"])
        fail(ErrorPage(fault))
    }

    /// Ends the exchange with a page, or by breaking off where a response has begun.
    private func fail(_ page: ErrorPage) {
        switch response {
        case .head:
            let id = configuration.requestID()
            configuration.logger.debug(
                "HTTP request failed", metadata: ["request": "\(id)", "status": "\(page.status)"])
            let nothingOwed = requestIsRead || request.framing == .none
            end = .answer(HTTPLocalResponse(page, requestID: id), clean: nothingOwed)
        case .body(_, _, let forwarded): end = Self.brokenOff(forwarded)
        }
    }

    /// How a response ends that will not come to its end. A client that counts bytes or chunks notices, and may make
    /// use of what it got; one that waits for the close would take it for the whole (RFC 9112 8).
    private static func brokenOff(_ forwarded: ForwardedResponse) -> End {
        switch forwarded.body {
        case .none, .counted, .chunked: .close
        case .untilClose: .abort
        }
    }

    /// Whether a close now would make the response look whole.
    var isDelimitedByClose: Bool {
        switch response {
        case .head: false
        case .body(_, _, let forwarded): end == nil && forwarded.body == .untilClose
        }
    }
}

// The response's way down.
extension HTTPExchange {
    private func sendDown() {
        do throws(HTTPFault) {
            while end == nil, let upstream, client.channel.isWritable {
                let bytes = upstream.input
                switch response {
                case .head(var parser):
                    let result = try parser.parse(bytes.readableBytesSpan)
                    response = .head(parser)
                    guard let (head, consumed) = result else { return awaitUpstream(upstream) }
                    upstream.input.moveReaderIndex(forwardBy: consumed)
                    try respond(HTTPResponse(head, toHEAD: request.isMethod("HEAD")), from: upstream)
                case .body(var reader, let received, let forwarded):
                    let piece = try reader.next(bytes.readableBytesSpan)
                    response = .body(reader, received, forwarded)
                    if !moveDown(piece, reader, received, forwarded, from: upstream) { return }
                }
            }
        } catch {
            configuration.logger.debug("HTTP response refused", metadata: ["reason": "\(error.rawValue)"])
            fail(.badAnswer)
        }
    }

    private func awaitUpstream(_ upstream: HTTPUpstream) {
        if upstream.ended { upstreamDied() } else { upstream.channel.read() }
    }

    private func respond(_ received: HTTPResponse, from upstream: HTTPUpstream) throws(HTTPFault) {
        anyResponse = true
        if received.isInterim {
            response = .head(HTTPHeadParser(.response))
            // An HTTP/1.0 client knows no interim responses (RFC 9110 15.2).
            if request.minorVersion >= 1 {
                client.write(ForwardedResponse.interim(received, via: configuration.via))
            }
        } else if received.status == 101 {
            guard request.wantsUpgrade != nil else { throw .badStatusLine }
            client.write(ForwardedResponse.switching(received, via: configuration.via))
            end = .switched(upstream)
        } else {
            let forwarded = try ForwardedResponse(
                received, to: request, via: configuration.via, date: HTTPDate.text(configuration.now()),
                mayPersist: requestIsRead)
            client.write(forwarded.bytes)
            response = .body(
                HTTPBodyReader(received.framing, tolerant: true), received, forwarded)
        }
    }

    /// Handles a piece of the origin's body; false if there is nothing more to take for now.
    private func moveDown(
        _ piece: HTTPBodyReader.Piece, _ reader: HTTPBodyReader, _ received: HTTPResponse,
        _ forwarded: ForwardedResponse, from upstream: HTTPUpstream
    ) -> Bool {
        let isChunked = forwarded.body == .chunked
        switch piece {
        case .needMore:
            if !upstream.ended {
                upstream.channel.read()
            } else {
                let isWhole = reader.endsAtClose && !upstream.broken
                if !isWhole { configuration.logger.debug("HTTP response broke off") }
                end = isWhole ? .close : Self.brokenOff(forwarded)
            }
            return false
        case .framing(let count):
            upstream.input.moveReaderIndex(forwardBy: count)
        case .data(let count):
            guard let bytes = upstream.input.readSlice(length: count) else { return false }
            HTTPChunks.write(bytes, isChunked: isChunked, to: client.channel)
        case .end(let trailers, let consumed):
            upstream.input.moveReaderIndex(forwardBy: consumed)
            if isChunked { client.write(HTTPTrailers.lastChunk(trailers)) }
            let reusable = received.leavesConnectionUsable && requestIsRead && upstream.isReusable
            if !reusable { upstream.close() }
            end = forwarded.persists && requestIsRead ? .next(reusable: reusable ? upstream : nil) : .close
        }
        return true
    }
}
