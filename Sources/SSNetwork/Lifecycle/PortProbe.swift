// Whether a port of this machine can be listened on, found out by doing so for an instant.
package import SSCommon

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

package enum PortProbe {
    package enum Transport: String, CaseIterable, Sendable {
        case tcp = "TCP"
        case udp = "UDP"
    }

    /// Why it cannot be.
    package struct Obstacle: Error, Hashable, Sendable, CustomStringConvertible {
        package let transport: Transport
        let code: CInt

        /// Another program has it.
        package var isTaken: Bool { code == EADDRINUSE }
        /// The kind of address is unknown to this machine.
        package var isUnknownFamily: Bool { code == EAFNOSUPPORT || code == EADDRNOTAVAIL }

        package var description: String {
            switch code {
            case EADDRINUSE: "another program uses it for \(transport.rawValue) (sudo ss -lnp shows which)"
            case EACCES: "ports below 1024 need root"
            default: "\(transport.rawValue): \(String(cString: strerror(code)))"
            }
        }
    }

    /// What stands in the way of listening at `address` with these transports; nil if nothing does.
    package static func obstacle(
        _ address: IPAddress, _ port: UInt16, _ transports: [Transport] = Transport.allCases
    ) -> Obstacle? {
        for transport in transports {
            let code = attempt(Endpoint(address, port), transport)
            if code != 0 { return Obstacle(transport: transport, code: code) }
        }
        return nil
    }

    /// A port from `range` that nothing uses; nil after a hundred that something does.
    package static func freePort(
        at address: IPAddress, _ transports: [Transport] = Transport.allCases, in range: ClosedRange<UInt16>
    ) -> UInt16? {
        for _ in 0..<100 {
            let port = UInt16.random(in: range)
            if obstacle(address, port, transports) == nil { return port }
        }
        return nil
    }

    /// The error number; 0 for none.
    private static func attempt(_ endpoint: Endpoint, _ transport: Transport) -> CInt {
        let descriptor = makeSocket(endpoint.family, transport)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        if transport == .tcp {
            // As the listener does, so that connections of the last minutes do not count.
            var on: CInt = 1
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<CInt>.size))
        }
        guard endpoint.withSocketAddress({ bind(descriptor, $0, $1) }) == 0 else { return errno }
        if transport == .tcp, listen(descriptor, 1) != 0 { return errno }
        return 0
    }

    private static func makeSocket(_ family: CInt, _ transport: Transport) -> CInt {
        #if canImport(Glibc)
            let (stream, datagram) = (CInt(SOCK_STREAM.rawValue), CInt(SOCK_DGRAM.rawValue))
        #else
            let (stream, datagram) = (SOCK_STREAM, SOCK_DGRAM)
        #endif
        return socket(family, transport == .tcp ? stream : datagram, 0)
    }
}
