// Until when a stored answer may be used, and on what terms (RFC 9111 4.2): worked out once, when it comes.
package import SSCommon

package struct StoredTerms: Hashable, Sendable {
    /// Where the lifetime is from.
    package enum Source: UInt8, Hashable, Sendable, CaseIterable {
        /// A field of RFC 9213.
        case targeted
        /// s-maxage.
        case sharedMaxAge
        case maxAge
        case expires
        /// The field that `ttl_header` names.
        case ttlHeader
        /// A tenth of the time since the last change (RFC 9111 4.2.2).
        case heuristic
        /// `default_ttl`.
        case configured
        /// The answer must be asked for anew each time.
        case none
    }

    package var source: Source
    /// When it was received, by our clock.
    package var received: UnixSeconds
    /// Its age then, in seconds.
    package var initialAge: UInt64
    /// Seconds of age up to which it is fresh.
    package var lifetime: UInt64
    /// Seconds beyond.
    package var staleWhileRevalidate: UInt64
    package var staleIfError: UInt64
    /// no-cache: good only once the origin has said so again.
    package var mustAsk: Bool
    /// must-revalidate, proxy-revalidate or s-maxage: never used when stale.
    package var mustNotBeStale: Bool

    /// Kept before.
    package init(
        source: Source, received: UnixSeconds, initialAge: UInt64, lifetime: UInt64, staleWhileRevalidate: UInt64,
        staleIfError: UInt64, mustAsk: Bool, mustNotBeStale: Bool
    ) {
        self.source = source
        self.received = received
        self.initialAge = initialAge
        self.lifetime = lifetime
        self.staleWhileRevalidate = staleWhileRevalidate
        self.staleIfError = staleIfError
        self.mustAsk = mustAsk
        self.mustNotBeStale = mustNotBeStale
    }

    /// RFC 9111 4.2.3.
    package func age(at now: UnixSeconds) -> UInt64 {
        min(initialAge + (now - min(received, now)), CacheDirectives.maximumSeconds)
    }

    /// RFC 9111 4.2.2: no longer than a day, whatever was not changed for years.
    static let longestHeuristic: UInt64 = 86_400
    /// Seconds that a failing origin is covered for if it has said nothing about that itself.
    static let usualStaleIfError: UInt64 = 86_400

    /// Of an answer that came at `received` to what was sent at `asked`.
    init(
        _ head: HTTPHead, _ request: CacheRequest, status: Int, host: String, asked: UnixSeconds,
        received: UnixSeconds, _ settings: CacheSettings
    ) {
        let now = Int64(clamping: received)
        let date = head.values(.date).first.flatMap { HTTPDate.seconds($0, now: now) } ?? now
        let (control, isTargeted) = Self.control(head, settings)
        self.received = received
        initialAge = Self.initialAge(head, date: date, asked: asked, received: received)
        mustAsk = control.noCache.isAll
        mustNotBeStale =
            control.mustRevalidate || control.proxyRevalidate || control.sharedMaxAge != nil || control.noCache.isAll
        staleWhileRevalidate = control.staleWhileRevalidate ?? 0
        staleIfError = control.staleIfError ?? Self.usualStaleIfError
        (lifetime, source) = Self.lifetime(
            head, control, isTargeted: isTargeted, request, status: status, date: date, now: now, host: host, settings)
    }

    /// Cache-Control, or the targeted field in its place.
    static func control(_ head: HTTPHead, _ settings: CacheSettings) -> (CacheDirectives, isTargeted: Bool) {
        for name in settings.targeted {
            if let directives = CacheDirectives(targeted: head.values(named: name[...])) { return (directives, true) }
        }
        return (CacheDirectives(head.values(named: "cache-control")), false)
    }

    private static func initialAge(
        _ head: HTTPHead, date: Int64, asked: UnixSeconds, received: UnixSeconds
    ) -> UInt64 {
        let told = head.values(named: "age").first.flatMap { HTTPHead.members($0).first }
        let age = told.flatMap { $0.allSatisfy(\.isDigit) ? CacheDirectives.seconds($0) : nil } ?? 0
        let apparent = UInt64(max(0, Int64(clamping: received) - date))
        let corrected = age + (received - min(asked, received))
        return min(max(apparent, corrected), CacheDirectives.maximumSeconds)
    }

    private static func lifetime(
        _ head: HTTPHead, _ control: CacheDirectives, isTargeted: Bool, _ request: CacheRequest, status: Int,
        date: Int64, now: Int64, host: String, _ settings: CacheSettings
    ) -> (UInt64, Source) {
        if let seconds = control.sharedMaxAge { return (seconds, isTargeted ? .targeted : .sharedMaxAge) }
        if let seconds = control.maxAge { return (seconds, isTargeted ? .targeted : .maxAge) }
        let expires = head.values(named: "expires")
        if !expires.isEmpty, !isTargeted {
            let at = expires.count == 1 ? HTTPDate.seconds(expires[0], now: now) : nil
            return (UInt64(max(0, (at ?? date) - date)), .expires)
        }
        guard !control.noCache.isAll else { return (0, .none) }
        if let name = settings.ttlHeader, let value = head.values(named: name[...]).first,
            let seconds = CacheDirectives.seconds(value)
        {
            return (seconds, .ttlHeader)
        }
        let lastModified = head.value(named: "last-modified").flatMap { HTTPDate.seconds($0, now: now) }
        // What was fetched with a cookie may be somebody's own; an origin that means otherwise says how long it is good.
        let mayGuess = !request.hasCookie && (Self.isHeuristic(status) || control.isPublic)
        if let lastModified {
            guard mayGuess, lastModified < date else { return (0, .none) }
            return (min(UInt64(date - lastModified) / 10, longestHeuristic), .heuristic)
        }
        let hasValidator = head.value(named: "etag").flatMap { EntityTag($0) } != nil
        let ttl = settings.ttl(of: host)
        guard !hasValidator, ttl > 0, mayGuess else { return (0, .none) }
        return (ttl, .configured)
    }

    /// RFC 9110 15.1.
    static func isHeuristic(_ status: Int) -> Bool {
        switch status {
        case 200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501: true
        default: false
        }
    }
}
