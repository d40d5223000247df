// What becomes of one answer in the cache: whether it is kept, what it renews, what it makes void. On the loop of whoever
// fetches it.
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

struct CacheFill {
    let cache: HTTPCache
    let key: CacheKey
    let request: CacheRequest
    let head: HTTPHead
    /// The host of the target, in lower case.
    let host: String
    /// What is kept, and may stand in for an origin that fails.
    let stored: StoredResponse?
    /// Whether the origin is asked if that is still good.
    let isAsked: Bool
    let reason: ForwardReason
    let settings: CacheSettings
    let asked = WallClock.now()
    private let generation: UInt64
    private let began = ContinuousClock.now
    private var keeping: (terms: StoredTerms, head: StoredHead, variant: VariantKey?)?
    /// What the answer is a part of.
    private var part: PartialContent?
    private var reservation: Reservation?
    private var spool: DiskSpool?

    init(
        _ cache: HTTPCache, _ key: CacheKey, _ request: CacheRequest, _ head: HTTPHead, host: String,
        stored: StoredResponse?, isAsked: Bool, _ reason: ForwardReason
    ) {
        self.isAsked = isAsked
        self.cache = cache
        self.key = key
        self.request = request
        self.head = head
        self.host = host
        self.stored = stored
        self.reason = reason
        settings = cache.settings
        generation = cache.generation
    }

    /// Where the answer comes from.
    var origin: IPAddress?

    /// Whether the body that comes is to be kept.
    var isKeeping: Bool { keeping != nil }

    enum Verdict {
        /// Its body is to be kept; `mayShare` if all who wait may have all of it.
        case keep(VariantKey?, CacheStatus, mayShare: Bool)
        /// It is only passed on.
        case pass(CacheStatus)
        /// What is kept is the answer; `mayShare` as above.
        case use(StoredResponse, CacheStatus, mayShare: Bool)
    }

    mutating func judge(_ response: HTTPResponse) -> Verdict {
        let now = WallClock.now()
        var status = CacheStatus(.forwarded(reason))
        status.status = response.status
        if let stored {
            if response.status == 304, isAsked { return renew(stored, by: response, status, now) }
            if (500...504).contains(response.status), response.status != 501,
                stored.terms.mayCover(at: now, request.directives)
            {
                status.detail = "stale-if-error"
                return .use(stored, status, mayShare: true)
            }
        }
        switch request.method {
        case .get: break
        case .head:
            dropIfChanged(response)
            return .pass(status)
        case .safe: return .pass(status)
        case .unsafe:
            invalidate(response)
            return .pass(status)
        }
        switch keep(response, now) {
        case .success(let variant):
            status.isStored = true
            return .keep(variant, status, mayShare: mayShare(response))
        case .failure(let refusal):
            cache.refused(key, refusal.reason, now: now)
            // What the origin says now and may not be kept has taken the place of what was.
            if let stored, response.status < 400 { cache.forget(stored) }
            return .pass(status)
        }
    }

    /// Fields that are not kept are for whoever has asked, and for nobody else.
    private func mayShare(_ response: HTTPResponse) -> Bool {
        let dropped = Storability.dropped(response.head, settings)
        return !dropped.contains { !response.head.values(named: $0[...]).isEmpty }
    }

    /// Whether those who ask from now on may have the answer that comes, too.
    var isFresh: Bool {
        guard let (terms, _, _) = keeping else { return false }
        return !terms.mustAsk && terms.lifetime > terms.age(at: WallClock.now())
    }

    private mutating func keep(
        _ response: HTTPResponse, _ now: UnixSeconds
    ) -> Result<VariantKey?, Storability.Refusal> {
        part = PartialContent(response)
        if response.status == 206, part == nil || request.method != .get { return .failure(Storability.Refusal(.part)) }
        let terms: StoredTerms
        switch Storability.judge(response, to: request, host: host, asked: asked, received: now, settings) {
        case .failure(let refusal): return .failure(refusal)
        case .success(let result): terms = result
        }
        var variant: VariantKey?
        let vary = response.head.members(named: "vary")
        if !vary.isEmpty {
            variant = VariantKey(vary: vary, request: head)
            if variant == nil { return .failure(Storability.Refusal(.varies)) }
        }
        if case .length(let length) = response.framing, length > UInt64(cache.maximumObject) {
            return .failure(Storability.Refusal(.tooLarge))
        }
        let kept = StoredHead(
            response, dropped: Storability.dropped(response.head, settings), date: HTTPDate.text(Int64(clamping: now)))
        keeping = (terms, kept.ofWhole, variant)
        return .success(variant)
    }

    private func renew(
        _ stored: StoredResponse, by response: HTTPResponse, _ status: CacheStatus, _ now: UnixSeconds
    ) -> Verdict {
        var status = status
        let date = HTTPDate.text(Int64(clamping: now))
        // An answer to somebody in particular says nothing to others.
        guard request.method == .get, !request.hasAuthorization, !request.directives.noStore,
            !request.hasOriginCondition, let updated = stored.head.updated(by: response, date: date)
        else { return .use(stored, status, mayShare: false) }
        switch Storability.judge(updated, to: request, host: host, asked: asked, received: now, settings) {
        case .success(let terms):
            let head = StoredHead(
                updated, dropped: Storability.dropped(updated.head, settings), date: date)
            let renewed = stored.renewed(terms, head)
            cache.replace(stored, by: renewed, since: generation)
            status.isStored = true
            return .use(renewed, status, mayShare: true)
        case .failure:
            cache.forget(stored)
            return .use(stored, status, mayShare: false)
        }
    }

    /// RFC 9111 4.3.5: a HEAD that says something else than what is kept makes that void.
    private func dropIfChanged(_ response: HTTPResponse) {
        guard response.status == 200 else { return }
        for one in cache.kept(key) where one.matches(head) && isOther(response.head, one) { cache.forget(one) }
    }

    private func isOther(_ head: HTTPHead, _ stored: StoredResponse) -> Bool {
        if let length = head.values(.contentLength).first, let number = try? HTTPFraming.decimal(length),
            number != stored.length
        {
            return true
        }
        for name: StaticString in ["etag", "last-modified"] {
            if let value = head.value(named: name), let old = stored.head.value(named: name), value != old {
                return true
            }
        }
        return false
    }

    /// RFC 9111 4.4.
    private func invalidate(_ response: HTTPResponse) {
        guard (200..<400).contains(response.status) else { return }
        var gone = cache.forget(key)
        for name: StaticString in ["location", "content-location"] {
            guard let value = response.head.value(named: name), let other = sameOrigin(value) else { continue }
            gone += cache.forget(other)
        }
        if gone > 0 { cache.counters.add(.invalidated) }
    }

    /// The key of a URL of the same origin.
    private func sameOrigin(_ reference: ArraySlice<UInt8>) -> CacheKey? {
        guard let slash = key.bytes.firstIndex(of: UInt8(ascii: "/")) else { return nil }
        let origin = key.bytes[..<slash]
        if reference.first == UInt8(ascii: "/"), reference.dropFirst().first != UInt8(ascii: "/") {
            return CacheKey(bytes: Array(origin) + Array(reference))
        }
        guard case .absolute(let authority, let path)? = try? HTTPTarget(method: [], target: reference),
            let own = head.values(.host).first, let host = try? HTTPAuthority(own), host.host == authority.host,
            host.port ?? 80 == authority.port ?? 80
        else { return nil }
        return CacheKey(bytes: Array(origin) + path)
    }

    // MARK: The body

    /// So many bytes are there, of `expected` if that is known. False if it has become too much to be kept.
    mutating func grew(to bytes: Int, expected: Int?, _ flight: Flight) -> Bool {
        let count = max(bytes, expected ?? 0)
        let hasRoom: Bool
        if count > cache.maximumObject {
            cache.refused(key, .tooLarge, now: WallClock.now())
            drop()
            return false
        } else if let spool {
            hasRoom = !spool.isBroken && spool.reserve(bytes)
        } else if count > cache.spillSize, let new = beginSpool(expected) {
            spool = new
            reservation = nil
            flight.spill(to: new)
            hasRoom = true
        } else {
            hasRoom = count <= cache.memoryShare && reserve(bytes, flight)
        }
        guard hasRoom else {
            cache.refused(key, .noRoom, now: WallClock.now())
            drop()
            return false
        }
        return true
    }

    private mutating func reserve(_ bytes: Int, _ flight: Flight) -> Bool {
        if let reservation { return reservation.grow(to: bytes) }
        let new = Reservation(cache)
        reservation = new
        // As long as somebody reads what is on its way, it takes room.
        flight.hold(new)
        return new.grow(to: bytes)
    }

    private func beginSpool(_ expected: Int?) -> DiskSpool? {
        guard let (terms, head, variant) = keeping, part == nil else { return nil }
        return cache.disk?.spool(
            DiskSpool.Answer(key: key, variant: variant, terms: terms, head: head, origin: origin),
            expected: expected)
    }

    /// Whether the body goes to disk while it comes.
    var isSpooling: Bool { spool != nil }

    /// All of it is there: the rest is written, and then it is found by whoever asks.
    mutating func keepSpooled(_ flight: Flight) {
        let (cache, key, generation, began) = (cache, key, generation, began)
        guard let disk = cache.disk else { return }
        keeping = nil
        spool = nil
        flight.completeSpool(on: disk) { spool in
            let cost = UInt32(clamping: Int64((ContinuousClock.now - began) / .milliseconds(1)))
            if let stored = spool.finish(cost: cost) { cache.keepSpooled(stored, since: generation) }
            cache.landed(key, flight)
        }
    }

    /// All is there.
    mutating func keep(_ body: BlockBytes) {
        guard let (terms, head, variant) = keeping else { return }
        let cost = UInt32(clamping: Int64((ContinuousClock.now - began) / .milliseconds(1)))
        defer { drop() }
        guard let part else {
            cache.keep(
                StoredResponse(key, variant, terms, head, body, origin: origin, cost: cost), since: generation)
            return
        }
        guard UInt64(body.count) == UInt64(part.range.count) else { return }
        let isWhole = part.range == 0..<part.length
        let new = StoredResponse(
            key, variant, terms, head, body, part: isWhole ? nil : part.range, length: part.length, origin: origin,
            cost: cost)
        guard !isWhole, let kept = cache.match(key, self.head) else {
            return cache.keep(new, since: generation)
        }
        if let combined = new.combined(with: kept, limit: cache.maximumObject) {
            return cache.keep(combined, since: generation)
        }
        // Of two parts that do not touch the larger one stays, and the whole before any part of it.
        let isSame = kept.head.etag == new.head.etag && kept.length == new.length
        if !isSame || (kept.part != nil && kept.bodyCount <= new.bodyCount) {
            cache.keep(new, since: generation)
        }
    }

    /// What came is not all.
    mutating func brokeOff() {
        if keeping != nil { cache.refused(key, .incomplete, now: WallClock.now()) }
        drop()
    }

    /// It is not kept.
    mutating func drop() {
        keeping = nil
        reservation = nil
        spool?.stop()
        spool = nil
    }

    /// The answer that stands in for an origin that cannot be had (RFC 9111 4.2.4).
    var cover: (StoredResponse, CacheStatus)? {
        guard let stored, stored.terms.mayCover(at: WallClock.now(), request.directives) else { return nil }
        var status = CacheStatus(.forwarded(reason))
        status.detail = "stale-if-error"
        return (stored, status)
    }
}

/// Room for a body on its way, for as long as anybody has it.
private final class Reservation {
    private let cache: HTTPCache
    private var bytes = 0

    init(_ cache: HTTPCache) { self.cache = cache }

    deinit { cache.giveBack(bytes) }

    /// False if there is no more room.
    func grow(to wanted: Int) -> Bool {
        guard wanted > bytes else { return true }
        let step = max(wanted - bytes, 64 * 1024)
        guard cache.reserve(step) else { return false }
        bytes += step
        return true
    }
}
