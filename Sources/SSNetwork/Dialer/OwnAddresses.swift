// The addresses of this machine's interfaces, for the rule that the relay does not lead back into the machine
// it runs on. They change (DHCP, IPv6 privacy addresses, a VPN coming up), so they are read again now and then.
package import SSCommon

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

package enum OwnAddresses {
    /// How often to call `current` again, in seconds.
    package static let refreshInterval = 30

    /// Whether there is any address that leads out of this machine.
    package static var hasNetwork: Bool {
        current().contains { address in
            switch address {
            case .v4(let address): address.value >> 24 != 127 && address.value >> 16 != 169 << 8 | 254
            // Neither ::1 nor fe80::/10.
            case .v6(let address): address.high >> 54 != 0x3fa && (address.high, address.low) != (0, 1)
            }
        }
    }

    /// A snapshot from getifaddrs(3); empty if the system gives none. Takes some ten microseconds.
    package static func current() -> Set<IPAddress> {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var addresses: Set<IPAddress> = []
        var entry = list
        // The list is the C library's, ends in null and lives until `freeifaddrs` above.
        while let current = entry {
            if let endpoint = Endpoint(current.pointee.ifa_addr) { addresses.insert(endpoint.address.folded) }
            entry = current.pointee.ifa_next
        }
        return addresses
    }
}
