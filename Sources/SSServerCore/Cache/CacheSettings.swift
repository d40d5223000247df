// What an owner may say about the cache, as its rules need it.

/// What becomes of answers that set a cookie (RFC 9111 7.3 leaves it to us): whoever shares the server shares the cache.
package enum CookiePolicy: String, Hashable, Sendable, CaseIterable {
    /// Kept whole, as RFC 9111 allows; whoever asks next gets the cookie too.
    case store
    /// Kept without the cookie.
    case strip
    /// Not kept.
    case bypass
}

package struct CacheSettings: Hashable, Sendable {
    /// Seconds that an answer with neither freshness nor validator is used for; 0 for none.
    package var defaultTTL: UInt64 = 0
    /// The same for hosts and what is below them, in lower case.
    package var hostTTLs: [String: UInt64] = [:]
    /// A response field, in lower case, with seconds that are an answer's lifetime where the origin gave none.
    package var ttlHeader: [UInt8]?
    package var cookies = CookiePolicy.bypass
    /// Fields that count instead of Cache-Control where an answer has them, the first first (RFC 9213 2.2); lower case.
    package var targeted: [[UInt8]] = []
    /// Whether what one user has fetched is for that user alone.
    package var keepsUsersApart = false

    package init() {}

    /// The lifetime of an answer of `host` that says nothing of its own.
    package func ttl(of host: String) -> UInt64 {
        var rest = host[...]
        while !rest.isEmpty {
            if let seconds = hostTTLs[String(rest)] { return seconds }
            guard let dot = rest.firstIndex(of: ".") else { break }
            rest = rest[rest.index(after: dot)...]
        }
        return defaultTTL
    }
}
