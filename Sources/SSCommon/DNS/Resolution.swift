// What a lookup of a name came to, with how long it holds: what the cache keeps and the waiters get.

package enum Resolution: Hashable, Sendable {
    /// At least one address.
    case addresses([IPAddress])
    /// The name does not exist or has no address.
    case absent
    /// No server answered in time.
    case timedOut
    /// A server or the system said it could not tell; the text is for the log and holds no foreign bytes.
    case failed(String)

    /// The same with the addresses of one family in front of the other's; inside a family the order stays.
    package func preferring(ipv6 ipv6First: Bool) -> Resolution {
        guard case .addresses(let addresses) = self else { return self }
        let folded = addresses.map(\.folded)
        return .addresses(folded.filter { $0.isIPv6 == ipv6First } + folded.filter { $0.isIPv6 != ipv6First })
    }
}

/// A resolution with its time to live as its source gave it, in seconds; nil where the source does not say.
package struct TimedResolution: Hashable, Sendable {
    package var resolution: Resolution
    package var ttl: UInt32?

    package init(_ resolution: Resolution, ttl: UInt32?) {
        self.resolution = resolution
        self.ttl = ttl
    }
}
