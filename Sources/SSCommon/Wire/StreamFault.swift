// Why bytes from a peer are not a Shadowsocks stream. What happens next depends on who reads: a server falls
// silent (and looks the same for every case), a client closes and says which.

package enum StreamFault: Error, Hashable, Sendable {
    /// A tag does not fit: wrong key, wrong method, or altered on the way.
    case notAuthentic
    /// The salt was seen before.
    case replayed
    /// No salt can be remembered any more, so none is taken.
    case memoryFull
    /// A chunk announces no payload, or more than the method allows.
    case badChunkLength
    /// The address header is none (RFC 1928 section 5).
    case malformedAddress
    /// The stream ended inside a chunk or before the header was complete.
    case truncated
    /// SIP023: the identity header names nobody.
    case unknownUser
    /// SIP022: authentic, but of another type, or with neither payload nor padding, or with more padding than there is.
    case badHeader
    /// SIP022: authentic, and this many seconds ahead of our clock (behind it: negative).
    case stale(seconds: Int64)
    /// SIP022: an authentic answer to another request.
    case foreignAnswer
}
