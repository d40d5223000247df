// What a firewall is told to drop packets from: an IPv4 host or network, an IPv6 /64 or wider. Nothing wider than the limits here,
// whoever asks: a slip of the finger must not shut out a country.
package import SSCommon

package struct BanPrefix: Hashable, Sendable {
    /// Of IPv4: the smallest that is routed by itself.
    package static let widestIPv4 = 24
    /// Of IPv6: one customer's.
    package static let widestIPv6 = 48
    /// Whoever has one address of IPv6 has all of its /64.
    package static let narrowestIPv6 = 64

    /// Why something cannot be banned.
    package enum Fault: Error, Hashable {
        /// Neither an address nor a prefix.
        case unreadable
        /// It is more than may be banned at once.
        case tooWide
    }

    /// 24...32 bits of IPv4, 48...64 of IPv6; never an IPv4-mapped one.
    package let range: IPPrefix

    /// What `source` is counted by.
    package init(_ source: BanSource) {
        // The lower half of the address of such a source is zero.
        range = IPPrefix(source.address, length: source.isIPv6 ? Self.narrowestIPv6 : 32)!
    }

    /// Reads `203.0.113.9`, `203.0.113.0/24`, `2001:db8::1` (its /64) and `2001:db8::/56`.
    package init(_ text: some StringProtocol) throws(Fault) {
        guard let range = IPPrefix(text) else { throw .unreadable }
        switch range.address {
        case .v4:
            guard range.length >= Self.widestIPv4 else { throw .tooWide }
            self.init(range: range)
        case .v6(let address):
            guard range.length >= Self.widestIPv6 else { throw .tooWide }
            if range.length > Self.narrowestIPv6 {
                self.init(BanSource(.v6(address)))
            } else {
                self.init(range: range)
            }
        }
    }

    private init(range: IPPrefix) { self.range = range }

    package var address: IPAddress { range.address }
    package var length: Int { range.length }
    package var isIPv6: Bool { address.isIPv6 }

    /// One source, and no network of several.
    package var isNarrow: Bool { length == (isIPv6 ? Self.narrowestIPv6 : 32) }

    /// Whether any address is in both.
    package func overlaps(_ other: IPPrefix) -> Bool { range.contains(other.address) || other.contains(range.address) }

    package func contains(_ source: BanSource) -> Bool { range.contains(source.address) }
}

extension BanPrefix: CustomStringConvertible {
    /// `203.0.113.9`, `203.0.113.0/24` or `2001:db8:1:2::/64`.
    package var description: String { isIPv6 || length < 32 ? "\(range)" : "\(address)" }
}
