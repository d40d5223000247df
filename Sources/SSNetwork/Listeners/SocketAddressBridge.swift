// Between NIO's socket addresses and our plain values. The C structures are built and read as bytes: family and
// port lie at the same offsets on Linux and Darwin, the IPv4 address at 4, the IPv6 one at 8.
package import NIOCore
package import SSCommon

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

private enum SocketAddressLayout {
    static let port = 2
    static let ipv4 = 4
    static let ipv6 = 8

    /// The first two bytes of a socket address.
    static func family(_ family: CInt, size: Int) -> UInt16 {
        #if canImport(Darwin)
            // One byte of length, one of family.
            UInt16(UInt8(size)).bigEndian | UInt16(family) << 8
        #else
            UInt16(family)
        #endif
    }
}

extension Endpoint {
    /// The address with an IPv4-mapped one folded to IPv4; nil for a Unix socket.
    package init?(_ socketAddress: SocketAddress) {
        switch socketAddress {
        case .v4(let address):
            self = withUnsafeBytes(of: address.address) { raw in
                let value = UInt32(
                    bigEndian: raw.loadUnaligned(fromByteOffset: SocketAddressLayout.ipv4, as: UInt32.self))
                return Endpoint(.v4(IPv4Address(value)), Self.port(raw))
            }
        case .v6(let address):
            self = withUnsafeBytes(of: address.address) { raw in
                let high = raw.loadUnaligned(fromByteOffset: SocketAddressLayout.ipv6, as: UInt64.self)
                let low = raw.loadUnaligned(fromByteOffset: SocketAddressLayout.ipv6 + 8, as: UInt64.self)
                let address = IPv6Address(high: UInt64(bigEndian: high), low: UInt64(bigEndian: low))
                return Endpoint(IPAddress.v6(address).folded, Self.port(raw))
            }
        case .unixDomainSocket:
            return nil
        }
    }

    private static func port(_ raw: UnsafeRawBufferPointer) -> UInt16 {
        UInt16(bigEndian: raw.loadUnaligned(fromByteOffset: SocketAddressLayout.port, as: UInt16.self))
    }

    /// The address as NIO takes it.
    package var socketAddress: SocketAddress {
        switch address {
        case .v4(let address):
            return SocketAddress(
                Self.raw(sockaddr_in.self, AF_INET, port) {
                    $0.storeBytes(of: address.value.bigEndian, toByteOffset: SocketAddressLayout.ipv4, as: UInt32.self)
                })
        case .v6(let address):
            return SocketAddress(
                Self.raw(sockaddr_in6.self, AF_INET6, port) {
                    $0.storeBytes(of: address.high.bigEndian, toByteOffset: SocketAddressLayout.ipv6, as: UInt64.self)
                    $0.storeBytes(
                        of: address.low.bigEndian, toByteOffset: SocketAddressLayout.ipv6 + 8, as: UInt64.self)
                })
        }
    }

    /// A C structure of only integers, for which any bytes are valid.
    private static func raw<T>(
        _ type: T.Type, _ family: CInt, _ port: UInt16, fill: (UnsafeMutableRawBufferPointer) -> Void
    ) -> T {
        withUnsafeTemporaryAllocation(byteCount: MemoryLayout<T>.size, alignment: MemoryLayout<T>.alignment) { raw in
            raw.initializeMemory(as: UInt8.self, repeating: 0)
            let family = SocketAddressLayout.family(family, size: MemoryLayout<T>.size)
            raw.storeBytes(of: family, as: UInt16.self)
            raw.storeBytes(of: port.bigEndian, toByteOffset: SocketAddressLayout.port, as: UInt16.self)
            fill(raw)
            return raw.load(as: T.self)
        }
    }
}
