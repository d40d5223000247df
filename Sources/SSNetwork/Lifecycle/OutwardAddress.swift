// Which of its addresses this machine speaks from.
package import SSCommon

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

package enum OutwardAddress {
    /// Of the interface with the default route of each family; without a packet, by what a datagram would get. Empty
    /// without a route.
    package static func current() -> [IPAddress] {
        // Addresses of documentation (RFC 5737, RFC 3849): of nobody, and reached by no other route.
        let elsewhere: [IPAddress] = [
            .v4(IPv4Address(192, 0, 2, 1)), .v6(IPv6Address(high: 0x2001_0db8_0000_0000, low: 1)),
        ]
        return elsewhere.compactMap(source)
    }

    private static func source(of elsewhere: IPAddress) -> IPAddress? {
        let endpoint = Endpoint(elsewhere, 9)
        #if canImport(Glibc)
            let descriptor = socket(endpoint.family, CInt(SOCK_DGRAM.rawValue), 0)
        #else
            let descriptor = socket(endpoint.family, SOCK_DGRAM, 0)
        #endif
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard endpoint.withSocketAddress({ connect(descriptor, $0, $1) }) == 0 else { return nil }
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { storage in
            // A storage has room for every address structure; the kernel fills in the family's own.
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                getsockname(descriptor, address, &length) == 0 ? Endpoint(address)?.address.folded : nil
            }
        }
    }
}
