// The machine's own addresses and the ports this server listens on: a client that reaches them through the
// relay gets round the firewall, or round and round.

package import SSCommon

/// A snapshot.
package struct OwnEndpoints: Hashable, Sendable {
    private let v4: SortedNumbers<UInt32>
    private let v6: SortedNumbers<UInt128>
    private let listenerPorts: SortedNumbers<UInt16>

    package init(addresses: some Sequence<IPAddress> = [], listenerPorts: Set<UInt16> = []) {
        var v4: Set<UInt32> = []
        var v6: Set<UInt128> = []
        for address in addresses {
            switch address.folded {
            case .v4(let address): v4.insert(address.value)
            case .v6(let address): v6.insert(address.number)
            }
        }
        self.v4 = SortedNumbers(v4)
        self.v6 = SortedNumbers(v6)
        self.listenerPorts = SortedNumbers(listenerPorts)
    }

    func contains(_ address: IPAddress) -> Bool {
        switch address {
        case .v4(let address): v4.contains(address.value)
        case .v6(let address): v6.contains(address.number)
        }
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
