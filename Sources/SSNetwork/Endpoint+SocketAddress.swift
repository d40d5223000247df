// Between our addresses and the C structures, without text on the way: this runs for every datagram. The
// structures are read and written by their layout (RFC 3493 3.3, the same on Linux and Darwin but for the first
// two bytes), because several modules claim their members as seen from Swift.
package import NIOCore
package import SSCommon

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension SocketAddress {
    package init(_ endpoint: Endpoint) {
        let port = endpoint.port.bigEndian
        // With a host given, NIO does not print the address to make one up: 300 ns.
        // `unsafeBitCast` traps where the sizes differ; the members lie in the order of the tuples, unpadded.
        switch endpoint.address {
        case .v4(let address):
            let raw = (CFamily.v4, port, address.value.bigEndian, UInt64(0))
            self.init(unsafeBitCast(raw, to: sockaddr_in.self), host: "")
        case .v6(let address):
            let raw = (CFamily.v6, port, UInt32(0), address.high.bigEndian, address.low.bigEndian, UInt32(0))
            self.init(unsafeBitCast(raw, to: sockaddr_in6.self), host: "")
        }
    }
}

extension Endpoint {
    /// Nil for a Unix socket. IPv4-mapped IPv6 addresses stay as they are; a zone is dropped.
    package init?(_ socketAddress: SocketAddress) {
        guard let endpoint = socketAddress.withSockAddr({ raw, _ in Endpoint(raw) }) else { return nil }
        self = endpoint
    }

    /// The same with an IPv4-mapped address turned into the IPv4 one: how peers are named in logs and compared.
    package init?(folding socketAddress: SocketAddress) {
        self.init(socketAddress)
        address = address.folded
    }

    /// Nil for null and for families other than IPv4 and IPv6. The structure must be as long as its family
    /// says, which holds for those of the kernel, the C library and NIO.
    init?(_ structure: UnsafePointer<sockaddr>?) {
        guard let structure else { return nil }
        let raw = UnsafeRawPointer(structure)
        let port = UInt16(bigEndian: raw.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        switch raw.loadUnaligned(as: UInt16.self) & CFamily.mask {
        case CFamily.v4 & CFamily.mask:
            let value = UInt32(bigEndian: raw.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
            self.init(.v4(IPv4Address(value)), port)
        case CFamily.v6 & CFamily.mask:
            let high = UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            let low = UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
            self.init(.v6(IPv6Address(high: high, low: low)), port)
        default:
            return nil
        }
    }
}

extension Channel {
    /// The other end of a connection, an IPv4-mapped address turned into the IPv4 one; nil where there is none.
    package var peerEndpoint: Endpoint? {
        #if os(Linux)
            if let channel = self as? StreamChannel {
                return Endpoint(channel.peer.address.folded, channel.peer.port)
            }
        #endif
        return remoteAddress.flatMap(Endpoint.init(folding:))
    }
}

extension Endpoint {
    /// AF_INET or AF_INET6.
    var family: CInt {
        switch address {
        case .v4: AF_INET
        case .v6: AF_INET6
        }
    }

    /// The C structure and its length, for the time of the call.
    func withSocketAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        SocketAddress(self).withSockAddr { body($0, socklen_t($1)) }
    }
}

/// The first two bytes of a socket address: the family alone on Linux, length and family on Darwin.
private enum CFamily {
    #if canImport(Glibc)
        static let v4 = UInt16(AF_INET)
        static let v6 = UInt16(AF_INET6)
        static let mask: UInt16 = 0xffff
    #else
        static let v4 = UInt16(littleEndian: UInt16(MemoryLayout<sockaddr_in>.size) | UInt16(AF_INET) << 8)
        static let v6 = UInt16(littleEndian: UInt16(MemoryLayout<sockaddr_in6>.size) | UInt16(AF_INET6) << 8)
        static let mask = UInt16(littleEndian: 0xff00)
    #endif
}
