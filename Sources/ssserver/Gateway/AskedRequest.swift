// A request as it was read from a client's stream, with what the cache makes of it.
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

/// An object, since it goes from hand to hand: a copy would touch each of its parts.
final class AskedRequest {
    let request: HTTPRequest
    let cached: CacheRequest
    /// Nil where Host says something else than where the stream leads: passed on, and never kept.
    let key: CacheKey?
    let path: [UInt8]
    let authority: HTTPAuthority
    /// Nil where nobody is told.
    let began: ContinuousClock.Instant?

    /// Nil for what only the two ends can make something of: requests to a proxy, offers to change the protocol, HTTP/1.0
    /// without Host, TRACE.
    init?(_ request: HTTPRequest, at place: CachePlace, isTimed: Bool) {
        guard case .origin(let path) = request.target, let host = request.host, request.wantsUpgrade == nil,
            !request.isMethod("TRACE")
        else { return nil }
        self.request = request
        self.path = path
        began = isTimed ? .now : nil
        authority = host
        cached = CacheRequest(request)
        key = place.key(host: host, path: path)
    }

    /// What the origin gets. With `stored`, it is asked whether that is still good, in place of what the client asked of its
    /// own copy.
    func outgoing(asking stored: StoredResponse?) -> [UInt8] {
        guard let stored else {
            return ForwardedRequest.encode(request, authority: authority, path: path, via: nil)
        }
        return ForwardedRequest.encode(
            request, authority: authority, path: path, via: nil, more: stored.head.conditions,
            without: ["if-none-match", "if-modified-since", "if-range", "range"])
    }
}
