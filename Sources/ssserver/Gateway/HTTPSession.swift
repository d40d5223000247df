// One stream of a client to a port where HTTP is spoken: each request is judged, answered from what is kept or from its origin,
// in order, and the connection lives on between them. What is not HTTP goes through as if nobody had looked: all that was
// read and not used is handed to a relay.
internal import NIOCore
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

/// Whose stream it is.
protocol HTTPSessionOwner: AnyObject {
    /// It is no HTTP, or none that one could stand in the middle of. `early` was read and not used; `called` is a connection to the
    /// target, where there is one already.
    func becomeOpaque(early: ByteBuffer, isInputEnded: Bool, called: HTTPUpstream?)
    /// A rule refuses a request, or what it shows; what it is answered.
    func refused(_ request: HTTPRequest, by rule: DecidingRule, _ shown: ShownTarget?) -> [UInt8]
    /// The stream is over.
    func sessionEnded(_ status: ConnectionStatus)
}

final class HTTPSession: ChannelDuplexHandler, RemovableChannelHandler, Expiring, CuttableStream {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Phase {
        /// The head of the next request is awaited.
        case head(HTTPHeadParser)
        /// The disk is asked.
        case looking
        /// Something kept is sent.
        case kept(KeptTransfer)
        /// An answer is awaited, or passes.
        case flight(FlightTransfer)
        /// The last answer is out.
        case closing
        /// The stream is gone, or somebody else's.
        case over
    }

    /// Bytes of requests that are kept while one is answered.
    private static let maximumInput = 64 * 1024
    /// How long it is waited for a client to speak before the target is called, which may be the one to speak first.
    private static let firstWait = TimeAmount.milliseconds(200)
    private static let farewellTime = TimeAmount.seconds(10)
    /// Requests answered before the loop's other channels get their turn.
    private static let requestsPerTurn = 32
    private static let smallestPiece = 16 * 1024
    private static let largestPiece = 256 * 1024
    /// So many pieces of one size have to be taken at once before the next are larger: the first that a slow client does not
    /// take lies in memory for as long as it is slow.
    private static let piecesOfOneSize = 8
    /// A longest pause for a user's rate.
    private static let longestPause = TimeAmount.milliseconds(500)

    let gateway: HTTPGateway
    let loop: LoopContext
    let target: TargetAddress
    private var place: (place: CachePlace, isUsersOwn: Bool)?
    let account: UserAccount?
    let client: Endpoint?
    private let stream: ServerStreamHandler
    private let timeouts: RelayTimeouts
    private var owner: (any HTTPSessionOwner)?
    var context: ChannelHandlerContext?
    var input: ByteBuffer
    private(set) var isInputEnded: Bool
    var phase = Phase.head(HTTPHeadParser(.request))
    private var isFirst = true
    /// To the target, while neither side has said anything.
    private var called: HTTPUpstream?
    private var isReadHeld = false
    private var isPaced = false
    private var isClogged = false
    private var isAdvancing = false
    private var mustAdvanceAgain = false
    private var hasUnflushed = false
    /// Bytes of a body that are sealed at a time: more for a client that takes them quickly, so that sealing costs less; few for
    /// a slow one, so that it holds no memory.
    private(set) var pieceSize = HTTPSession.smallestPiece
    /// Bytes that the client has taken in pieces of this size.
    private var takenInPieces = 0
    private var lastActivity: UInt32
    var deadlineSlot: Int?

    init(
        _ gateway: HTTPGateway, _ loop: LoopContext, _ stream: ServerStreamHandler, target: TargetAddress,
        account: UserAccount?, client: Endpoint?, timeouts: RelayTimeouts, early: ByteBuffer?, isInputEnded: Bool,
        owner: any HTTPSessionOwner
    ) {
        self.gateway = gateway
        self.loop = loop
        self.stream = stream
        self.target = target.canonical
        self.account = account
        self.client = client
        self.timeouts = timeouts
        self.owner = owner
        self.isInputEnded = isInputEnded
        input = early ?? ByteBuffer()
        lastActivity = loop.deadlines.now
    }

    /// To be called when it is in the pipeline.
    func begin() {
        loop.deadlines.add(self)
        lastActivity = loop.deadlines.now
        stream.takeShortWay(self)
        if input.readableBytes > 0 { charge(up: input.readableBytes) }
        loop.eventLoop.assumeIsolated().scheduleTask(in: Self.firstWait) { self.firstWaitEnded() }
        advance()
    }

    /// In some protocols the server speaks first; and browsers connect before they know what for. Whoever speaks first says which.
    private func firstWaitEnded() {
        guard isSilent else { return }
        gateway.call(target, RequestJudge(gateway.policy, target, user: account?.name), on: loop) { result in
            switch result {
            case .failure: if self.isSilent { self.becomeOpaque() }
            case .success(let upstream):
                self.called = upstream
                guard self.isSilent else { return self.hangUp() }
                upstream.exchange = ServerGreeting(upstream) { [weak self] in self?.serverSpoke() }
                upstream.channel.read()
            }
        }
    }

    private var isSilent: Bool {
        guard case .head = phase else { return false }
        return isFirst && input.readableBytes == 0
    }

    private func serverSpoke() {
        if isSilent { becomeOpaque() } else { hangUp() }
    }

    /// The connection is good for a request.
    private func hangUp() {
        guard let upstream = called.take() else { return }
        upstream.exchange = nil
        guard upstream.isReusable else { return upstream.close() }
        gateway.pool(of: loop.eventLoop).put(upstream, OriginPool.Key(target: target, user: account?.name))
    }

    // MARK: Pipeline

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { received(unwrapInboundIn(data)) }

    func received(_ buffer: ByteBuffer) {
        switch phase {
        case .closing, .over: return
        case .head, .looking, .kept, .flight: break
        }
        // The buffer is the loop's, and will be written into again.
        if input.readableBytes == 0 { input.clear() } else { input.discardReadBytes() }
        input.writeImmutableBuffer(buffer)
        lastActivity = loop.deadlines.now
        charge(up: buffer.readableBytes)
    }

    func channelReadComplete(context: ChannelHandlerContext) { advance() }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        lastActivity = loop.deadlines.now
        advance()
    }

    /// Somebody else ends the channel: the program stops.
    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        switch phase {
        case .looking, .kept, .flight:
            guard case .all = mode else { break }
            context.channel.closeFuture.cascade(to: promise)
            return cut()
        case .head, .closing, .over: break
        }
        context.close(mode: mode, promise: promise)
    }

    func read(context: ChannelHandlerContext) { if wantsMore() { context.read() } }

    func wantsMore() -> Bool {
        switch phase {
        case .closing, .over: return true
        case .head, .looking, .kept, .flight: break
        }
        if input.readableBytes < Self.maximumInput, !isPaced { return true }
        isReadHeld = true
        return false
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed:
            isInputEnded = true
            if case .closing = phase { closeWhenFlushed(context) } else { advance() }
        case is StreamBroken:
            over()
            context.close(promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        over()
        owner.take()?.sessionEnded(.ok)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func expire(now: UInt32) {
        guard account?.refusal == nil else { return cut() }
        if case .flight(let transfer) = phase, transfer.isTired(now) {
            leave(transfer)
            fetch(transfer.asked, transfer.reason, mayShare: false)
            return
        }
        let isBetween = if case .head = phase { input.readableBytes == 0 && !isFirst } else { false }
        if loop.deadlines.isDraining, isBetween { return cut() }
        if case .closing = phase {
            if now &- lastActivity >= timeouts.halfClosed { context?.channel.close(promise: nil) }
            return
        }
        // Bytes that leave count as activity: what is written is noticed when there is room for more.
        if now &- lastActivity >= timeouts.idle { cut() }
    }

    /// Ends the stream, with a failure where an answer is not complete.
    func cut() {
        let isUnfinished =
            switch phase {
            case .looking, .kept, .flight: true
            case .head, .closing, .over: false
            }
        over()
        if isUnfinished { context?.channel.abort() } else { context?.close(promise: nil) }
    }

    /// Lets go of everything; the channel is somebody else's to close.
    private func over() {
        if case .flight(let transfer) = phase { leave(transfer) }
        phase = .over
        hangUp()
        loop.deadlines.remove(self)
    }

    // MARK: Moving

    /// Moves what can be moved. A call from within makes the round begin again instead of nesting.
    func advance() {
        mustAdvanceAgain = true
        if isAdvancing { return }
        isAdvancing = true
        var turns = 0
        while mustAdvanceAgain, context != nil {
            mustAdvanceAgain = false
            turns += 1
            if turns > Self.requestsPerTurn {
                loop.eventLoop.assumeIsolated().execute { self.advance() }
                break
            }
            switch phase {
            case .head(let parser): readHead(parser)
            case .kept(let transfer): send(transfer)
            case .flight(let transfer): send(transfer)
            case .looking, .closing, .over: break
            }
        }
        flush()
        isAdvancing = false
        releaseRead()
    }

    /// There is something to be sent: now, or when the round that is under way begins again.
    func mustSendMore() { if isAdvancing { mustAdvanceAgain = true } else { advance() } }

    private func flush() {
        guard hasUnflushed else { return }
        hasUnflushed = false
        stream.flush()
    }

    private func releaseRead() {
        guard isReadHeld, !isPaced, input.readableBytes < Self.maximumInput else { return }
        isReadHeld = false
        context?.read()
    }

    private func readHead(_ parser: HTTPHeadParser) {
        guard canSend else { return }
        guard input.readableBytes > 0 else {
            if isInputEnded { isFirst ? becomeOpaque() : close() }
            return
        }
        var parser = parser
        let bytes = input
        switch RequestScreen.isRequest(bytes.readableBytesSpan) {
        case nil: return isInputEnded ? becomeOpaque() : ()
        case false?: return becomeOpaque()
        case true?: break
        }
        do throws(HTTPFault) {
            guard let (head, consumed) = try parser.parse(bytes.readableBytesSpan) else {
                phase = .head(parser)
                return isInputEnded ? becomeOpaque() : ()
            }
            let isTimed = gateway.log.minimum <= .debug
            guard let asked = AskedRequest(try HTTPRequest(head), at: currentPlace(), isTimed: isTimed) else {
                return becomeOpaque()
            }
            input.moveReaderIndex(forwardBy: consumed)
            isFirst = false
            hangUp()
            handle(asked)
            mustAdvanceAgain = true
        } catch {
            becomeOpaque()
        }
    }

    /// By the settings of now.
    private func currentPlace() -> CachePlace {
        let keepsUsersApart = gateway.cache.keepsUsersApart
        if let place, place.isUsersOwn == keepsUsersApart { return place.place }
        let new = CachePlace(target, user: keepsUsersApart ? account?.name ?? "" : nil)
        place = (new, keepsUsersApart)
        return new
    }

    /// Whether bytes may be written now.
    var canSend: Bool {
        guard let context, !isPaced, !isClogged else { return false }
        if context.channel.isWritable { return true }
        flush()
        return context.channel.isWritable
    }

    /// To be called after each piece of a body, of so many bytes.
    func sent(piece count: Int) {
        flush()
        takenInPieces += count
        if let context, (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0 > 0 {
            pieceSize = Self.smallestPiece
            takenInPieces = 0
            waitUntilTaken(context)
        } else if takenInPieces >= pieceSize * Self.piecesOfOneSize, pieceSize < Self.largestPiece {
            pieceSize *= 2
            takenInPieces = 0
        }
    }

    /// What the socket has not taken lies in memory: nothing more is put to it before it has.
    private func waitUntilTaken(_ context: ChannelHandlerContext) {
        isClogged = true
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in
            self.isClogged = false
            self.lastActivity = self.loop.deadlines.now
            self.advance()
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer) {
        stream.send(bytes)
        hasUnflushed = true
        lastActivity = loop.deadlines.now
        guard let account else { return }
        pause(account.moved(down: bytes.count, now: NIODeadline.now().uptimeNanoseconds), account)
    }

    func write(_ bytes: [UInt8]) { bytes.withUnsafeBytes { write($0) } }

    private func charge(up bytes: Int) {
        guard let account else { return }
        pause(account.moved(up: bytes, now: NIODeadline.now().uptimeNanoseconds), account)
    }

    /// Whoever is ahead of their rate waits.
    private func pause(_ wait: UInt64, _ account: UserAccount) {
        if account.refusal != nil, !isPaced {
            // Nothing more is sent.
            isPaced = true
            loop.eventLoop.assumeIsolated().execute { self.cut() }
            return
        }
        guard wait > 0, !isPaced else { return }
        isPaced = true
        hold(until: .now() + .nanoseconds(Int64(clamping: wait)), account.rate, account)
    }

    private func hold(until due: NIODeadline, _ rate: UInt64?, _ account: UserAccount) {
        let next = min(due, .now() + Self.longestPause)
        loop.eventLoop.assumeIsolated().scheduleTask(deadline: next) {
            self.lastActivity = self.loop.deadlines.now
            if next < due, account.rate == rate, self.context != nil { return self.hold(until: due, rate, account) }
            self.isPaced = false
            self.advance()
        }
    }

    // MARK: The end

    /// The answer is out; whether another request may follow.
    func answered(persists: Bool) {
        guard persists, !loop.deadlines.isDraining else { return close() }
        phase = .head(HTTPHeadParser(.request))
        mustAdvanceAgain = true
    }

    /// What was written is what the client gets, and then the end.
    func close() {
        if case .flight(let transfer) = phase { leave(transfer) }
        phase = .closing
        hasUnflushed = false
        input.clear()
        guard let context else { return }
        context.flush()
        if isInputEnded {
            closeWhenFlushed(context)
        } else {
            let channel = context.channel
            let loop = loop.eventLoop
            // What is queued leaves first, however long the client takes for it.
            context.close(mode: .output).assumeIsolated().whenComplete { _ in
                loop.assumeIsolated().scheduleTask(in: Self.farewellTime) { channel.close(promise: nil) }
            }
        }
        if isReadHeld {
            isReadHeld = false
            context.read()
        }
    }

    /// NIO would drop what is queued if it were only asked to close.
    private func closeWhenFlushed(_ context: ChannelHandlerContext) {
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in
            channel.close(promise: nil)
        }
    }

    /// An answer broke off, and a close in good order would pass for its end.
    func breakOff() {
        over()
        flush()
        context?.channel.abort()
    }

    /// A relay takes over, with what was read.
    private func becomeOpaque() {
        guard let context, let owner = owner.take() else { return }
        phase = .over
        let called = called.take()
        loop.deadlines.remove(self)
        flush()
        let early = input
        input = ByteBuffer()
        stream.takeShortWay(nil)
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        owner.becomeOpaque(early: early, isInputEnded: isInputEnded, called: called)
    }

    func refuse(_ request: HTTPRequest, by rule: DecidingRule, _ shown: ShownTarget? = nil) {
        guard let owner else { return }
        write(owner.refused(request, by: rule, shown))
        close()
    }
}

/// Listens for a server's first word.
private final class ServerGreeting: HTTPUpstreamUser {
    private let upstream: HTTPUpstream
    private let spoke: () -> Void

    init(_ upstream: HTTPUpstream, _ spoke: @escaping () -> Void) {
        self.upstream = upstream
        self.spoke = spoke
    }

    func advance() { if upstream.input.readableBytes > 0 || upstream.ended { spoke() } }
}

extension HTTPSession: StreamTap {
    func receivedAll() { advance() }
}

extension HTTPSession: RequestBodySource {
    func readMore() { releaseRead() }
}
