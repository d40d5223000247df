// Whom a line is about, as far as bans go: one IPv4 host, or the /64 that an IPv6 host has all addresses of.
package import SSCommon

package struct BanSource: Hashable, Sendable {
    /// An IPv4 address, or the upper half of an IPv6 one.
    package let number: UInt64
    package let isIPv6: Bool

    /// IPv4-mapped addresses are the IPv4 hosts they stand for.
    package init(_ address: IPAddress) {
        switch address.folded {
        case .v4(let address): (number, isIPv6) = (UInt64(address.value), false)
        case .v6(let address): (number, isIPv6) = (address.high, true)
        }
    }

    /// Of this process alone: nobody can choose addresses of one hash.
    private static let seed = (UInt64.random(in: 0...UInt64.max), UInt64.random(in: 0...UInt64.max) | 1)

    /// For tables that are looked into for each line.
    var tableHash: Int {
        let product = (number ^ Self.seed.0 &+ (isIPv6 ? 1 : 0)).multipliedFullWidth(by: Self.seed.1)
        return Int(truncatingIfNeeded: product.high ^ product.low)
    }

    /// The lowest address of it.
    package var address: IPAddress {
        isIPv6
            ? .v6(IPv6Address(high: number, low: 0))
            : .v4(IPv4Address(UInt32(truncatingIfNeeded: number)))
    }
}

extension BanSource: CustomStringConvertible {
    /// `203.0.113.9` or `2001:db8:1:2::/64`.
    package var description: String { isIPv6 ? "\(address)/64" : "\(address)" }
}
