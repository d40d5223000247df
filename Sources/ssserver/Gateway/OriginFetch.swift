// One request to an origin and its answer: on a connection that was kept if there is one, else on a new one. The answer grows in
// a flight, no faster than those who read it want. On one loop.
internal import NIOCore
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

/// Who has a request's body, where there is one.
protocol RequestBodySource: AnyObject {
    /// Bytes that came and were not used.
    var input: ByteBuffer { get set }
    var isInputEnded: Bool { get }
    /// More is wanted.
    func readMore()
}

final class OriginFetch: HTTPUpstreamUser, Expiring {
    private enum Phase {
        /// The head of the next answer, interim or final, is awaited.
        case head(HTTPHeadParser)
        case body(HTTPBodyReader, HTTPResponse)
        /// It is no HTTP, and passes as it is.
        case raw
        case over
    }

    private let loop: LoopContext
    private let gateway: HTTPGateway
    private let pool: OriginPool
    private let key: OriginPool.Key
    private let judge: RequestJudge?
    private let request: HTTPRequest
    private let outgoing: [UInt8]
    private var fill: CacheFill?
    let flight: Flight
    private weak var source: (any RequestBodySource)?
    private var requestBody: HTTPBodyReader
    private(set) var isRequestRead = false
    /// Counted among those that nobody waits for; to be set before the start.
    var isBackground = false
    private var upstream: HTTPUpstream?
    private var isReused = false
    private var anyAnswer = false
    private var phase = Phase.head(HTTPHeadParser(.response))
    private var expected: Int?
    /// Bytes have come that readers do not know of.
    private var hasNews = false
    private var isAdvancing = false
    private var mustAdvanceAgain = false
    private var lastActivity: UInt32
    var deadlineSlot: Int?

    /// Seconds for which nobody has read, and for which somebody has held up all others.
    private var unread = 0
    private var stalled = 0
    /// Interim answers so far.
    private var interims = 0
    /// Whether all is there and some of it not yet on disk.
    private var isLanding = false
    /// Whether there was no room for what the last read brought.
    private var hasWaited = false

    private static let shortPatience: UInt32 = 10
    private static let unreadPatience = 30
    private static let stallPatience = 5
    private static let maximumInterims = 16

    /// `source` has the request's body.
    init(
        _ request: HTTPRequest, _ outgoing: [UInt8], to key: OriginPool.Key, fill: CacheFill?, flight: Flight,
        _ judge: RequestJudge?, source: (any RequestBodySource)?, _ gateway: HTTPGateway, on loop: LoopContext
    ) {
        self.request = request
        self.outgoing = outgoing
        self.key = key
        self.fill = fill
        self.flight = flight
        self.judge = judge
        self.source = source
        self.gateway = gateway
        self.loop = loop
        pool = gateway.pool(of: loop.eventLoop)
        requestBody = HTTPBodyReader(request.framing, tolerant: false)
        lastActivity = loop.deadlines.now
    }

    func start() {
        loop.deadlines.add(self)
        lastActivity = loop.deadlines.now
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        flight.onRoom { bound.execute { $0.advance() } }
        flight.onIdle { bound.execute { $0.abandon() } }
        if request.isReplayable, let idle = pool.take(key), isAllowed(idle) {
            isReused = true
            use(idle)
            advance()
        } else {
            dial()
        }
    }

    /// What may be reached can have changed while a connection was open.
    private func isAllowed(_ idle: HTTPUpstream) -> Bool {
        guard let origin = idle.channel.peerEndpoint?.address else { return false }
        let isAllowed =
            gateway.egress.verdict(origin, key.target.port) == .allowed
            && judge?.refusal(of: origin, port: key.target.port) == nil
        if !isAllowed { idle.close() }
        return isAllowed
    }

    /// Nobody wants the answer any more.
    func abandon() {
        guard isOpen else { return }
        finish(reusing: false)
        flight.fail(.noAnswer)
    }

    /// The rule that has refused the origin's addresses.
    var refusal: DecidingRule? { judge?.refusal }

    private var isOpen: Bool {
        if case .over = phase { false } else { true }
    }

    private func finish(reusing: Bool) {
        if isBackground { gateway.cache.endBackground() }
        isBackground = false
        phase = .over
        loop.deadlines.remove(self)
        fill?.drop()
        if let fill, !isLanding { gateway.cache.landed(fill.key, flight) }
        guard let upstream = upstream.take() else { return }
        upstream.exchange = nil
        if reusing { pool.put(upstream, key) } else { upstream.close() }
    }

    private func fail(_ failure: FlightFailure) {
        guard isOpen else { return }
        // What is forbidden is not shown from here either.
        let cover = anyAnswer || failure == .dial(.notAllowed) ? nil : fill?.cover
        finish(reusing: false)
        if let (stored, status) = cover {
            flight.answered(by: stored, isShared: true, status)
        } else {
            flight.fail(failure)
        }
    }

    func expire(now: UInt32) {
        unread = flight.hasReaders ? 0 : unread + 1
        if unread > Self.unreadPatience { return abandon() }
        // Whoever reads slowly is bounded by their own clock.
        guard flight.canTakeMore || !anyAnswer else {
            lastActivity = now
            stalled += 1
            if stalled > Self.stallPatience { flight.dropLaggards() }
            return
        }
        stalled = 0
        // Where something kept can stand in nobody need wait for long.
        let patience = anyAnswer || fill?.cover == nil ? gateway.patience : Self.shortPatience
        guard now &- lastActivity >= patience else { return }
        fail(.noAnswer)
    }

    // MARK: The connection

    private func use(_ upstream: HTTPUpstream) {
        self.upstream = upstream
        let origin = upstream.channel.peerEndpoint?.address
        flight.comes(from: origin)
        fill?.origin = origin
        upstream.exchange = self
        upstream.channel.write(ByteBuffer(bytes: outgoing), promise: nil)
    }

    private func dial() {
        gateway.call(key.target, judge, on: loop) { result in
            switch result {
            case .failure(let error): self.fail(.dial(error))
            case .success(let upstream):
                guard self.isOpen else { return upstream.close() }
                self.use(upstream)
                self.advance()
            }
        }
    }

    /// The origin is gone before the head of an answer. One that was kept may have been closed while nothing was asked; that is
    /// tried again, once.
    private func upstreamDied() {
        guard upstream?.input.readableBytes == 0 else { return answerIsBad(.truncated) }
        guard isReused, !anyAnswer else { return fail(.noAnswer) }
        isReused = false
        upstream?.close()
        upstream = nil
        dial()
    }

    // MARK: Moving

    /// Moves what can be moved.
    func advance() {
        if isAdvancing {
            mustAdvanceAgain = true
            return
        }
        isAdvancing = true
        repeat {
            mustAdvanceAgain = false
            if isOpen { sendUp() }
            if isOpen { receive() }
            upstream?.channel.flush()
        } while mustAdvanceAgain && isOpen
        isAdvancing = false
    }

    private func sendUp() {
        while !isRequestRead, let upstream, upstream.channel.isActive, upstream.channel.isWritable {
            guard request.framing != .none else {
                isRequestRead = true
                return
            }
            guard let source else { return fail(.noAnswer) }
            do throws(HTTPFault) {
                let bytes = source.input
                switch try requestBody.next(bytes.readableBytesSpan) {
                case .needMore:
                    if source.isInputEnded { throw .truncated }
                    source.readMore()
                    return
                case .framing(let count): source.input.moveReaderIndex(forwardBy: count)
                case .data(let count):
                    guard let piece = source.input.readSlice(length: count) else { return }
                    HTTPChunks.write(piece, isChunked: request.framing == .chunked, to: upstream.channel)
                case .end(let trailers, let consumed):
                    source.input.moveReaderIndex(forwardBy: consumed)
                    isRequestRead = true
                    if request.framing == .chunked {
                        upstream.channel.write(ByteBuffer(bytes: HTTPTrailers.lastChunk(trailers)), promise: nil)
                    }
                }
                lastActivity = loop.deadlines.now
            } catch {
                return fail(.badAnswer(error))
            }
        }
    }

    private func receive() {
        defer { if hasNews { announce() } }
        do throws(HTTPFault) {
            while let upstream, isOpen {
                switch phase {
                case .head(var parser):
                    let bytes = upstream.input
                    let result = try parser.parse(bytes.readableBytesSpan)
                    phase = .head(parser)
                    guard let (head, consumed) = result else {
                        if upstream.ended { upstreamDied() } else { upstream.channel.read() }
                        return
                    }
                    upstream.input.moveReaderIndex(forwardBy: consumed)
                    try answered(HTTPResponse(head, toHEAD: request.isMethod("HEAD")), upstream)
                case .body(var reader, let response):
                    guard hasRoom() else { return }
                    let bytes = upstream.input
                    let piece = try reader.next(bytes.readableBytesSpan)
                    phase = .body(reader, response)
                    if !take(piece, reader, response, upstream) { return }
                case .raw:
                    guard hasRoom(), passRaw(upstream) else { return }
                case .over: return
                }
                lastActivity = loop.deadlines.now
            }
        } catch {
            answerIsBad(error)
        }
    }

    private func hasRoom() -> Bool {
        let hasRoom = flight.canTakeMore
        if !hasRoom { hasWaited = true }
        return hasRoom
    }

    /// Reads are small where somebody has held up what the last one brought: it would only lie in memory.
    private func read(_ upstream: HTTPUpstream) {
        upstream.isSlowed = hasWaited
        hasWaited = false
        upstream.channel.read()
    }

    private func announce() {
        hasNews = false
        flight.announce()
    }

    /// What is no HTTP from its first byte on is for whoever has asked: they may know what it is.
    private func answerIsBad(_ fault: HTTPFault) {
        guard let upstream, !anyAnswer, isRequestRead, !upstream.beginsLikeHTTP else {
            return fail(.badAnswer(fault))
        }
        anyAnswer = true
        fill?.drop()
        if let fill { gateway.cache.landed(fill.key, flight) }
        fill = nil
        flight.answeredRaw()
        phase = .raw
        receive()
    }

    private func passRaw(_ upstream: HTTPUpstream) -> Bool {
        let count = upstream.input.readableBytes
        guard count > 0 else {
            if upstream.ended {
                finish(reusing: false)
                flight.end(upstream.broken ? .broken : .whole(trailers: nil))
            } else {
                read(upstream)
            }
            return false
        }
        _ = upstream.input.withUnsafeReadableBytes { flight.append($0, expected: nil) }
        upstream.input.moveReaderIndex(forwardBy: count)
        hasNews = true
        return true
    }

    private func answered(_ response: HTTPResponse, _ upstream: HTTPUpstream) throws(HTTPFault) {
        anyAnswer = true
        if response.isInterim {
            phase = .head(HTTPHeadParser(.response))
            interims += 1
            guard interims <= Self.maximumInterims else { throw .badStatusLine }
            flight.interim(response)
            return
        }
        // Nobody offered to change the protocol: such requests are not sent from here.
        if response.status == 101 { throw .badStatusLine }
        if case .length(let length) = response.framing { expected = Int(clamping: length) }
        phase = .body(HTTPBodyReader(response.framing, tolerant: true), response)
        guard fill != nil else {
            var status = CacheStatus(.forwarded(.bypass))
            status.status = response.status
            flight.answered(response, keepsAll: false, isShared: false, nil, status)
            return
        }
        switch fill?.judge(response) {
        case .keep(let variant, let status, let mayShare):
            // Whoever asks from now on gets what is fresh, or asks anew.
            if !mayShare || fill?.isFresh == false, let fill { gateway.cache.landed(fill.key, flight) }
            flight.answered(response, keepsAll: true, isShared: mayShare, variant, status)
        case .pass(let status): flight.answered(response, keepsAll: false, isShared: false, nil, status)
        case .use(let stored, let status, let mayShare):
            let isWhole = response.framing == .none && response.leavesConnectionUsable && isRequestRead
            finish(reusing: isWhole && upstream.isReusable)
            flight.answered(by: stored, isShared: mayShare, status)
        case nil: break
        }
        // What was only asked for to renew what is kept, and cannot be kept, is of no use.
        if flight.isUnwanted { abandon() }
    }

    /// False where it has become too much to be kept.
    private func grew(to bytes: Int) -> Bool {
        if fill?.grew(to: bytes, expected: expected, flight) ?? true {
            if fill?.isSpooling == true { writeMore() }
            return true
        }
        flight.keepNoMore()
        if let fill { gateway.cache.landed(fill.key, flight) }
        if flight.isUnwanted { abandon() }
        return false
    }

    private func writeMore() { if let disk = gateway.cache.disk { flight.writeMore(on: disk) } }

    /// Handles a piece of the body; false if there is nothing more to take for now.
    private func take(
        _ piece: HTTPBodyReader.Piece, _ reader: HTTPBodyReader, _ response: HTTPResponse, _ upstream: HTTPUpstream
    ) -> Bool {
        switch piece {
        case .needMore:
            guard upstream.ended else {
                read(upstream)
                return false
            }
            let isWhole = reader.endsAtClose && !upstream.broken
            if isWhole { keep() } else { fill?.brokeOff() }
            finish(reusing: false)
            flight.end(isWhole ? .whole(trailers: nil) : .broken)
            return false
        case .framing(let count): upstream.input.moveReaderIndex(forwardBy: count)
        case .data(let count):
            let total = upstream.input.withUnsafeReadableBytes { bytes in
                flight.append(
                    UnsafeRawBufferPointer(rebasing: bytes[..<count]),
                    expected: fill?.isKeeping == true ? expected : nil)
            }
            gateway.cache.counters.fetched(bytes: count)
            hasNews = true
            upstream.input.moveReaderIndex(forwardBy: count)
            if fill?.isKeeping == true { _ = grew(to: total) }
        case .end(let trailers, let consumed):
            upstream.input.moveReaderIndex(forwardBy: consumed)
            keep()
            finish(reusing: response.leavesConnectionUsable && isRequestRead && upstream.isReusable)
            flight.end(.whole(trailers: trailers))
            return false
        }
        return true
    }

    private func keep() {
        guard fill?.isKeeping == true else { return }
        // Others join what is on its way until it is there.
        if fill?.isSpooling == true {
            fill?.keepSpooled(flight)
            isLanding = true
        } else {
            fill?.keep(flight.body)
        }
    }
}

extension NIOLoopBound {
    /// On the loop, at once if this is it.
    fileprivate func execute(_ body: @escaping @Sendable (Value) -> Void) where Value: AnyObject {
        if eventLoop.inEventLoop { body(value) } else { eventLoop.execute { body(self.value) } }
    }
}
