// Why a program could not start, in words for a person.
internal import NIOCore
package import SSCommon

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

package struct StartFailure: Error, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }

    /// A port that cannot be listened on.
    package init(_ endpoint: Endpoint, _ transport: String, _ error: any Error) {
        let reason: String
        switch (error as? IOError)?.errnoCode {
        case EADDRINUSE:
            reason = "the port is in use by another program; stop it (ss -lnp shows which) or choose another port"
        case EADDRNOTAVAIL:
            reason = "this machine has no such address"
        case EACCES:
            reason = "ports below 1024 need root or CAP_NET_BIND_SERVICE"
        case EAFNOSUPPORT:
            reason = "this machine has no IPv6"
        case let code?:
            reason = String(cString: strerror(code))
        case nil:
            reason = "\(error)"
        }
        self.init("cannot listen on \(endpoint) (\(transport)): \(reason)")
    }
}
