// How a session answers: from what is kept, or from a flight that it or somebody else has begun.
internal import NIOCore
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

extension HTTPSession {
    /// A body of so many bytes leaves together with its head.
    private static let smallBody = 16 * 1024

    // MARK: Deciding

    /// Looks on disk, and begins again with what is found.
    private func look(_ asked: AskedRequest, _ key: CacheKey) {
        guard let disk = gateway.cache.disk else { return handle(asked, hasLooked: true) }
        phase = .looking
        let generation = gateway.cache.generation
        disk.find(key, on: loop.eventLoop).assumeIsolated().whenComplete { result in
            guard case .looking = self.phase else { return }
            if case .success(let found) = result { self.gateway.cache.adopt(found, since: generation) }
            self.handle(asked, hasLooked: true)
            self.advance()
        }
    }

    func handle(_ asked: AskedRequest, hasLooked: Bool = false) {
        let judge = RequestJudge(gateway.policy, target, user: account?.name)
        if let judge {
            if let rule = judge.refusal(client: client?.address) { return refuse(asked.request, by: rule) }
            for shown in RequestScreen.targets(asked.request) {
                if let rule = judge.refusal(of: shown) { return refuse(asked.request, by: rule, shown) }
            }
        }
        guard let key = asked.key else {
            gateway.cache.counters.add(.bypassed)
            return fetch(asked, .bypass, mayShare: false)
        }
        switch asked.cached.method {
        case .get, .head: break
        case .safe, .unsafe:
            gateway.cache.counters.add(.bypassed)
            return fetch(asked, .method, mayShare: false)
        }
        let now = WallClock.now()
        let plan = gateway.cache.plan(key, asked.cached, asked.request.head, now: now)
        if plan.isMiss, !hasLooked, gateway.cache.shouldLook(key) { return look(asked, key) }
        switch plan {
        case .serve(let stored, let isStale, let refreshes):
            // What has become forbidden since is not served from here either.
            if let origin = stored.origin, isForbidden(origin, judge) {
                gateway.cache.forget(stored)
                return fetch(asked, .bypass, mayShare: false)
            }
            gateway.cache.counters.add(isStale ? .stale : .hit)
            gateway.cache.usedAgain(stored)
            if refreshes { refresh(asked, stored) }
            var status = CacheStatus(.hit)
            status.ttl = Int64(stored.terms.lifetime) - Int64(stored.terms.age(at: now))
            serve(stored, to: asked, status, isHit: true, now: now)
        case .validate(let stored, let reason): fetch(asked, reason, asking: stored, mayShare: asked.cached.mayShare)
        case .fetch(let reason): fetch(asked, reason, mayShare: asked.cached.mayShare)
        case .refuse: refuseUncached(asked)
        }
    }

    private func isForbidden(_ origin: IPAddress, _ judge: RequestJudge?) -> Bool {
        gateway.egress.verdict(origin, target.port) != .allowed || judge?.refusal(of: origin, port: target.port) != nil
    }

    /// RFC 9111 5.2.1.7.
    private func refuseUncached(_ asked: AskedRequest) {
        var page = Page(title: "Not in the cache")
        page.heading("Not in the cache")
        page.paragraph("It was asked for with only-if-cached, and there is nothing here that may be used.")
        answer(asked, page)
    }

    // MARK: What is kept

    /// `isHit` if the origin had no part in it.
    private func serve(
        _ stored: StoredResponse, to asked: AskedRequest, _ status: CacheStatus, isHit: Bool, now: UInt64
    ) {
        guard let answer = KeptAnswer(stored, to: asked.cached, now: now) else {
            if asked.cached.directives.onlyIfCached { return refuseUncached(asked) }
            return fetch(asked, .partial, mayShare: asked.cached.mayShare)
        }
        if stored.file != nil, !answer.content.isEmpty { return open(stored, answer, asked, status, isHit: isHit) }
        serve(stored, answer, to: asked, status, isHit: isHit, now: now, reader: nil)
    }

    /// What is on disk has to be opened before anything of it is promised.
    private func open(
        _ stored: StoredResponse, _ answer: KeptAnswer, _ asked: AskedRequest, _ status: CacheStatus, isHit: Bool
    ) {
        guard let disk = gateway.cache.disk, let file = stored.file else {
            return fetch(asked, .uriMiss, mayShare: false)
        }
        phase = .looking
        disk.open(file, on: loop.eventLoop).assumeIsolated().whenComplete { result in
            guard case .looking = self.phase else { return }
            if let reader = try? result.get() {
                self.serve(stored, answer, to: asked, status, isHit: isHit, now: WallClock.now(), reader: reader)
            } else {
                self.gateway.cache.forget(stored)
                self.fetch(asked, .uriMiss, mayShare: asked.cached.mayShare)
            }
            self.advance()
        }
    }

    private func serve(
        _ stored: StoredResponse, _ answer: KeptAnswer, to asked: AskedRequest, _ status: CacheStatus, isHit: Bool,
        now: UInt64, reader: (any StoredFileReader)?
    ) {
        let persists = asked.request.persists && !asked.cached.hasBody
        let head = answer.head(of: stored, to: asked.request, now: now, persists: persists, more: status.line)
        let count = answer.content.count
        gateway.cache.counters.saved(bytes: count)
        if isHit { gateway.cache.counters.saved(milliseconds: UInt64(stored.cost)) }
        note(asked, isHit ? "hit" : "validated", answer.status, count)
        guard count <= Self.smallBody, let piece = stored.piece(at: answer.content.lowerBound, limit: count),
            piece.count == count
        else {
            write(head)
            let transfer = KeptTransfer(stored, answer.content, persists: persists, reader: reader)
            phase = .kept(transfer)
            mustSendMore()
            return
        }
        write(head, piece)
        answered(persists: persists)
    }

    private func write(_ head: [UInt8], _ piece: BodyPiece) {
        withUnsafeTemporaryAllocation(byteCount: head.count + piece.count, alignment: 16) { room in
            head.withUnsafeBytes { room.copyMemory(from: $0) }
            piece.withBytes { UnsafeMutableRawBufferPointer(rebasing: room[head.count...]).copyMemory(from: $0) }
            write(UnsafeRawBufferPointer(room))
        }
    }

    func send(_ transfer: KeptTransfer) {
        while transfer.position < transfer.end {
            guard canSend else {
                transfer.cursor?.letGo()
                return
            }
            guard let piece = transfer.piece(limit: pieceSize) else {
                guard let cursor = transfer.cursor, !cursor.isBroken else { return breakOff(transfer) }
                cursor.read(at: transfer.position, gateway.cache.disk, on: loop.eventLoop) { self.advance() }
                return
            }
            piece.withBytes { write($0) }
            transfer.position += piece.count
            sent(piece: piece.count)
        }
        answered(persists: transfer.persists)
    }

    private func breakOff(_ transfer: KeptTransfer) {
        gateway.cache.forget(transfer.stored)
        breakOff()
    }

    // MARK: What is fetched

    /// Asks the origin; with `stored`, whether that is still good. `mayShare` if others may wait for the same answer.
    func fetch(_ asked: AskedRequest, _ reason: ForwardReason, asking stored: StoredResponse? = nil, mayShare: Bool) {
        var flight = Flight(isShared: false, reason)
        var isOwn = true
        if mayShare, let key = asked.key {
            isOwn = false
            let shared = gateway.cache.flight(key, now: WallClock.now()) {
                isOwn = true
                return Flight(isShared: true, reason)
            }
            if isOwn {
                flight = shared
            } else if let id = shared.join(loop.eventLoop, wake: waker) {
                gateway.cache.counters.add(.collapsed)
                return wait(for: FlightTransfer(asked, shared, id, reason, nil, now: loop.deadlines.now))
            }
        }
        guard let id = flight.join(loop.eventLoop, leads: true, wake: waker) else { return breakOff() }
        let fetch = makeFetch(asked, reason, stored, flight, source: asked.cached.hasBody ? self : nil)
        wait(
            for: FlightTransfer(
                asked, flight, id, reason, fetch, isAboutKept: stored != nil, now: loop.deadlines.now))
        fetch.start()
    }

    private func makeFetch(
        _ asked: AskedRequest, _ reason: ForwardReason, _ stored: StoredResponse?, _ flight: Flight,
        source: (any RequestBodySource)?
    ) -> OriginFetch {
        let fill = asked.key.map { key in
            CacheFill(
                gateway.cache, key, asked.cached, asked.request.head, host: asked.authority.host,
                // What is old may stand in for an origin that fails, though there is nothing to ask by.
                stored: stored ?? (reason == .stale ? gateway.cache.match(key, asked.request.head) : nil),
                isAsked: stored != nil, reason)
        }
        return OriginFetch(
            asked.request, asked.outgoing(asking: stored),
            to: OriginPool.Key(target: target, user: account?.name), fill: fill, flight: flight,
            RequestJudge(gateway.policy, target, user: account?.name), source: source, gateway, on: loop)
    }

    /// stale-while-revalidate (RFC 5861 3): nobody waits for it.
    private func refresh(_ asked: AskedRequest, _ stored: StoredResponse) {
        guard let key = asked.key, asked.cached.mayShare, gateway.cache.beginBackground() else { return }
        var isOwn = false
        let flight = gateway.cache.flight(key, now: WallClock.now()) {
            isOwn = true
            return Flight(isShared: true, isRefresh: true, .stale)
        }
        guard isOwn else { return gateway.cache.endBackground() }
        let fetch = makeFetch(asked, .stale, stored.head.conditions.isEmpty ? nil : stored, flight, source: nil)
        fetch.isBackground = true
        fetch.start()
    }

    private func wait(for transfer: FlightTransfer) {
        phase = .flight(transfer)
        mustSendMore()
    }

    /// Wakes this session, from any thread.
    private var waker: @Sendable () -> Void {
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        return { bound.value.advance() }
    }

    func leave(_ transfer: FlightTransfer) { transfer.flight.leave(transfer.id) }

    func send(_ transfer: FlightTransfer) {
        transfer.fetch?.advance()
        // That may have ended it.
        guard case .flight(let current) = phase, current === transfer else { return }
        let view = transfer.flight.view(transfer.id)
        if transfer.body == nil {
            guard begin(transfer, view) else { return }
        }
        guard let body = transfer.body else { return }
        let wake = { [weak self] in if let self { self.advance() } }
        while canSend,
            let piece = transfer.piece(limit: pieceSize, gateway.cache.disk, on: loop.eventLoop, wake: wake)
        {
            send(piece, isChunked: body == .chunked)
            transfer.bytes += piece.count
            sent(piece: piece.count)
        }
        if !canSend { transfer.letGo() }
        guard let end = transfer.flight.end(for: transfer.id, view) else { return }
        switch end {
        case .open: break
        case .whole(let trailers):
            if body == .chunked { write(HTTPTrailers.lastChunk(trailers)) }
            finish(transfer)
        case .broken:
            note(transfer.asked, "broken", 0, transfer.bytes)
            body == .untilClose ? breakOff() : close()
        }
    }

    private func send(_ piece: BodyPiece, isChunked: Bool) {
        guard isChunked else { return piece.withBytes { write($0) } }
        write(Array((String(piece.count, radix: 16) + "\r\n").utf8))
        piece.withBytes { write($0) }
        write([13, 10])
    }

    /// Looks whether the answer's head is there; true once it has been passed on.
    private func begin(_ transfer: FlightTransfer, _ view: Flight.View) -> Bool {
        let request = transfer.asked.request
        if request.minorVersion >= 1 {
            for response in view.interim { write(ForwardedResponse.interim(response, via: nil)) }
        }
        switch view.head {
        case .pending: return false
        case .kept(let stored):
            leave(transfer)
            guard transfer.fetch != nil || mayJoin(view, request) && stored.matches(request.head) else {
                fetch(transfer.asked, transfer.reason, mayShare: false)
                return false
            }
            let isStale = view.status.status != 304
            gateway.cache.counters.add(isStale ? .stale : .validated)
            serve(stored, to: transfer.asked, view.status, isHit: false, now: WallClock.now())
            return false
        case .failed(let failure):
            leave(transfer)
            failed(transfer, failure)
            return false
        case .raw:
            guard view.isShared else {
                leave(transfer)
                fetch(transfer.asked, transfer.reason, mayShare: false)
                return false
            }
            transfer.body = .untilClose
            return true
        case .answered(let response):
            // What others cannot have each asks for by itself.
            guard transfer.fetch != nil || mayJoin(view, request) && view.variant?.matches(request.head) ?? true else {
                leave(transfer)
                fetch(transfer.asked, transfer.reason, mayShare: false)
                return false
            }
            return begin(transfer, response, view.status)
        }
    }

    /// Whether the answer to somebody else's question is for this one too.
    private func mayJoin(_ view: Flight.View, _ request: HTTPRequest) -> Bool {
        guard view.isShared else { return false }
        let judge = RequestJudge(gateway.policy, target, user: account?.name)
        return view.origin.map { !isForbidden($0, judge) } ?? true
    }

    private func begin(_ transfer: FlightTransfer, _ response: HTTPResponse, _ status: CacheStatus) -> Bool {
        var status = status
        status.isCollapsed = transfer.fetch == nil
        if transfer.fetch != nil, transfer.reason != .bypass, transfer.reason != .method {
            gateway.cache.counters.add(.miss)
        }
        do throws(HTTPFault) {
            let forwarded = try ForwardedResponse(
                response, to: transfer.asked.request, via: nil,
                date: HTTPDate.text(Int64(clamping: WallClock.now())),
                mayPersist: transfer.fetch?.isRequestRead ?? true, more: status.line)
            write(forwarded.bytes)
            transfer.body = forwarded.body
            transfer.persists = forwarded.persists
            return true
        } catch {
            leave(transfer)
            close()
            return false
        }
    }

    private func finish(_ transfer: FlightTransfer) {
        leave(transfer)
        note(transfer.asked, transfer.fetch == nil ? "collapsed" : transfer.reason.rawValue, 0, transfer.bytes)
        if transfer.fetch == nil { gateway.cache.counters.saved(bytes: transfer.bytes) }
        answered(persists: transfer.persists && transfer.fetch?.isRequestRead ?? true)
    }

    /// There is no answer. As without a cache, the client sees the stream's end.
    private func failed(_ transfer: FlightTransfer, _ failure: FlightFailure) {
        guard transfer.fetch != nil else { return fetch(transfer.asked, transfer.reason, mayShare: false) }
        let error: String
        switch failure {
        case .dial(.notAllowed):
            let judge = RequestJudge(gateway.policy, target, user: account?.name)
            if let rule = judge?.refusal(client: client?.address) ?? transfer.fetch?.refusal {
                return refuse(transfer.asked.request, by: rule)
            }
            error = "\(DialError.notAllowed)"
        case .dial(let dial): error = "\(dial)"
        case .noAnswer: error = "no answer"
        case .badAnswer(let fault): error = fault.rawValue
        }
        gateway.log.log(.debug, "target not reached", [("target", "\(target)"), ("error", error)])
        guard transfer.isAboutKept else { return close() }
        // RFC 9111 5.2.2.2: what must not be used without asking is not, and the client is told.
        answer(transfer.asked, Self.unreachable)
    }

    private static var unreachable: Page {
        var page = Page(title: "No answer")
        page.heading("The web site does not answer")
        page.paragraph("There is an older copy of the page, which the site does not want to be shown unasked.")
        return page
    }

    /// 504, in words.
    private func answer(_ asked: AskedRequest, _ page: Page) {
        let persists = asked.request.persists && !asked.cached.hasBody
        write(
            HTTPLocalResponse(.server, status: 504, html: page.html).encode(
                to: asked.request, persists: persists, date: HTTPDate.text(Int64(clamping: WallClock.now()))))
        answered(persists: persists)
    }

    /// One line a request, for whoever wants to see what the cache does.
    private func note(_ asked: AskedRequest, _ source: String, _ status: Int, _ bytes: Int) {
        guard gateway.log.minimum <= .debug, let began = asked.began else { return }
        let took = ContinuousClock.now - began
        gateway.log.log(
            .debug, "http",
            [
                ("target", "\(target)"), ("path", LogPath.text(asked.path)), ("source", source),
                ("bytes", "\(bytes)"), ("ms", "\(Int64(took / .milliseconds(1)))"),
            ])
    }
}

/// A path as a log may have it.
enum LogPath {
    private static let limit = 512

    static func text(_ path: [UInt8]) -> String {
        let shown = path.prefix(limit).map { (0x21...0x7e).contains($0) ? Character(UnicodeScalar($0)) : "?" }
        return String(shown) + (path.count > limit ? "…" : "")
    }
}
