// The machine's own addresses and the ports this server listens on: a client that reaches them through the
// relay gets round the firewall, or round and round.

package import SSCommon

/// A snapshot, sorted so that a look is a binary search.
package struct OwnEndpoints: Hashable, Sendable {
    private let v4: [UInt32]
    private let v6: [UInt128]
    private let listenerPorts: Set<UInt16>

    package init(addresses: some Sequence<IPAddress> = [], listenerPorts: Set<UInt16> = []) {
        var v4: Set<UInt32> = []
        var v6: Set<UInt128> = []
        for address in addresses {
            switch address.folded {
            case .v4(let address): v4.insert(address.value)
            case .v6(let address): v6.insert(address.number)
            }
        }
        self.v4 = v4.sorted()
        self.v6 = v6.sorted()
        self.listenerPorts = listenerPorts
    }

    func contains(_ address: IPAddress) -> Bool {
        switch address {
        case .v4(let address): Self.contains(address.value, in: v4)
        case .v6(let address): Self.contains(address.number, in: v6)
        }
    }

    private static func contains<Number: FixedWidthInteger>(_ number: Number, in sorted: [Number]) -> Bool {
        var range = 0..<sorted.count
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            if sorted[middle] == number { return true }
            range = sorted[middle] < number ? middle + 1..<range.upperBound : range.lowerBound..<middle
        }
        return false
    }

    /// True for a listener's port on an address that leads back here: the machine's own, loopback, unspecified.
    func isListener(_ address: IPAddress, _ port: UInt16) -> Bool {
        guard listenerPorts.contains(port) else { return false }
        switch address {
        case .v4(let v4) where v4.value >> 24 == 127 || v4.value == 0: return true
        case .v6(let v6) where v6.high == 0 && v6.low <= 1: return true
        case .v4, .v6: return contains(address)
        }
    }
}

extension IPv6Address {
    fileprivate var number: UInt128 { UInt128(high) << 64 | UInt128(low) }
}
