// What a request is answered with: something kept, something kept that the origin is asked about first, or what the origin says
// (RFC 9111 4).
package import SSCommon

/// Why a request goes to the origin (RFC 9211 2.2).
package enum ForwardReason: String, Hashable, Sendable, CaseIterable {
    /// The cache has no part in it.
    case bypass
    case method
    case uriMiss = "uri-miss"
    case varyMiss = "vary-miss"
    /// The request does not take what is kept.
    case request
    case stale
    /// Only a part is kept.
    case partial
}

package enum CachePlan: Sendable {
    /// Kept and good. `refreshes` if the origin is to be asked meanwhile.
    case serve(StoredResponse, isStale: Bool, refreshes: Bool)
    /// Kept, and good if the origin says so.
    case validate(StoredResponse, ForwardReason)
    case fetch(ForwardReason)
    /// only-if-cached, and it is not.
    case refuse

    /// `kept` are the answers kept under the request's key.
    package init(_ request: CacheRequest, _ head: HTTPHead, kept: [StoredResponse], now: UnixSeconds) {
        guard request.method == .get || request.method == .head else {
            self = .fetch(.method)
            return
        }
        var found: StoredResponse?
        for one in kept where one.matches(head) {
            if let best = found, Self.date(one, now) < Self.date(best, now) { continue }
            found = one
        }
        guard let found else {
            self = request.directives.onlyIfCached ? .refuse : .fetch(kept.isEmpty ? .uriMiss : .varyMiss)
            return
        }
        self.init(request, found, now: now)
        if request.directives.onlyIfCached {
            switch self {
            case .serve: break
            case .validate, .fetch, .refuse: self = .refuse
            }
        }
    }

    /// Whether there is nothing kept to go by.
    package var isMiss: Bool {
        switch self {
        case .serve, .validate: false
        case .fetch(let reason): reason == .uriMiss || reason == .varyMiss
        case .refuse: true
        }
    }

    /// The latest one by Date counts (RFC 9111 4.1).
    private static func date(_ stored: StoredResponse, _ now: UnixSeconds) -> Int64 {
        stored.head.date(named: "date", now: now) ?? Int64(clamping: stored.terms.received)
    }

    private init(_ request: CacheRequest, _ stored: StoredResponse, now: UnixSeconds) {
        let terms = stored.terms
        let age = terms.age(at: now)
        let asked = request.directives
        guard asked.noCache.isAbsent else {
            self = Self.ask(stored, .request)
            return
        }
        let isFresh = terms.lifetime > age && !terms.mustAsk
        // max-age=0 is what browsers send for "ask again", and an age of 0 lasts a second.
        let takesAge = age <= asked.maxAge ?? .max && asked.maxAge != 0
        if isFresh, takesAge, terms.lifetime - age >= asked.minFresh ?? 0 {
            self = .serve(stored, isStale: false, refreshes: false)
            return
        }
        // Who names an age wants nothing stale, unless they say how stale (RFC 9111 5.2.1.1).
        if !isFresh, !terms.mustNotBeStale, takesAge, asked.minFresh == nil,
            asked.maxAge == nil || asked.maxStale != nil
        {
            let over = age - min(terms.lifetime, age)
            if let limit = asked.maxStale, over <= limit {
                self = .serve(stored, isStale: true, refreshes: false)
                return
            }
            // What was never fresh has nothing that could go on for a while.
            if asked.maxAge == nil, terms.staleWhileRevalidate > over, terms.source != .none,
                !request.hasRange || stored.part == nil
            {
                self = .serve(stored, isStale: true, refreshes: true)
                return
            }
        }
        self = Self.ask(stored, isFresh ? .request : .stale)
    }

    private static func ask(_ stored: StoredResponse, _ reason: ForwardReason) -> CachePlan {
        stored.head.conditions.isEmpty ? .fetch(reason) : .validate(stored, reason)
    }
}

extension StoredTerms {
    /// Whether it may be used though the origin cannot be had or answers 500, 502, 503 or 504 (RFC 9111 4.2.4, RFC 5861 4).
    package func mayCover(at now: UnixSeconds, _ request: CacheDirectives) -> Bool {
        guard !mustNotBeStale, !mustAsk, request.noCache.isAbsent else { return false }
        let age = age(at: now)
        guard request.maxAge == nil || request.maxStale != nil, age <= request.maxAge ?? .max else { return false }
        return age - min(lifetime, age) <= max(staleIfError, request.staleIfError ?? 0)
    }
}
