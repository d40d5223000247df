// Which address a new server's link should name. The machine knows its own addresses only; behind a NAT none of them is the
// one that laptops reach, and then that is said instead of guessed.
package import SSCommon

package struct PublicAddress: Hashable, Sendable {
    package enum Reach: Hashable, Sendable {
        /// An address of the public internet.
        case everywhere
        /// A public IPv6 address, and no public IPv4 one: laptops without IPv6 do not reach it.
        case overIPv6
        /// A private address: only the network it stands in reaches it.
        case privateNetwork
        /// Loopback; the machine has no other.
        case nowhere
    }

    package let address: IPAddress
    package let reach: Reach

    private init(_ address: IPAddress, _ reach: Reach) {
        self.address = address
        self.reach = reach
    }

    /// `outward` are the addresses of the interfaces with the default routes, `own` all of the machine.
    package init(outward: [IPAddress], own: Set<IPAddress>) {
        let known = outward.map(\.folded).filter { !Self.isLocal($0) }
        if let ipv4 = known.first(where: { !$0.isIPv6 && Self.isPublic($0) }) {
            self.init(ipv4, .everywhere)
        } else if let ipv6 = known.first(where: Self.isPublic) {
            self.init(ipv6, .overIPv6)
        } else if let address = known.first ?? Self.best(of: own) {
            self.init(address, .privateNetwork)
        } else {
            self.init(.v4(IPv4Address(127, 0, 0, 1)), .nowhere)
        }
    }

    /// Whether anybody on the internet could reach it.
    package static func isPublic(_ address: IPAddress) -> Bool {
        EgressPolicy(denyPorts: []).verdict(address, 1) == .allowed
    }

    /// Without a default route: IPv4 before IPv6, and always the same one.
    private static func best(of own: Set<IPAddress>) -> IPAddress? {
        own.map(\.folded).filter { !isLocal($0) }
            .min { ($0.isIPv6 ? 1 : 0, $0.description) < ($1.isIPv6 ? 1 : 0, $1.description) }
    }

    /// Loopback, and link-local IPv6, which means nothing without the name of an interface.
    private static func isLocal(_ address: IPAddress) -> Bool {
        switch address {
        case .v4(let address): address.value >> 24 == 127 || address.value == 0
        case .v6(let address): address.high >> 54 == 0x3fa || address.high == 0 && address.low <= 1
        }
    }
}
