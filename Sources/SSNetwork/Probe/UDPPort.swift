// Whether a machine says of itself that nothing listens on a UDP port (ICMP port unreachable). Most say nothing, and then
// nothing is known.
internal import NIOPosix
package import SSCommon

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

package enum UDPPort {
    /// True if `endpoint` sent back, within `milliseconds`, that the port is closed. Sends it random bytes.
    package static func isRefused(_ endpoint: Endpoint, milliseconds: CInt) async -> Bool {
        let noise = (0..<64).map { _ in UInt8.random(in: .min ... .max) }
        let answer = try? await NIOThreadPool.singleton.runIfActive { wait(endpoint, noise, milliseconds) }
        return answer ?? false
    }

    private static func wait(_ endpoint: Endpoint, _ bytes: [UInt8], _ milliseconds: CInt) -> Bool {
        #if canImport(Glibc)
            let descriptor = socket(endpoint.family, CInt(SOCK_DGRAM.rawValue), 0)
        #else
            let descriptor = socket(endpoint.family, SOCK_DGRAM, 0)
        #endif
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        guard endpoint.withSocketAddress({ connect(descriptor, $0, $1) }) == 0,
            send(descriptor, bytes, bytes.count, 0) >= 0
        else { return errno == ECONNREFUSED }
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&request, 1, milliseconds) > 0 else { return false }
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, 0) < 0 && errno == ECONNREFUSED
    }
}
