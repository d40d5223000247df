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
    /// What to do about it.
    package let help: String?
    /// Whether it is something the configuration names that is wrong.
    package let isBadConfiguration: Bool

    package init(_ description: String, help: String? = nil, isBadConfiguration: Bool = false) {
        self.description = description
        self.help = help
        self.isBadConfiguration = isBadConfiguration
    }

    /// A port that cannot be listened on.
    package init(_ endpoint: Endpoint, _ transport: String, _ error: any Error) {
        let reason: String
        var help: String?
        switch (error as? IOError)?.errnoCode {
        case EADDRINUSE:
            reason = "the port is in use by another program"
            help = "stop it (sudo ss -lnp shows which), or choose another port"
        case EADDRNOTAVAIL:
            reason = "this machine has no such address"
            help = Self.ownAddress
        case EACCES:
            reason = "this user may not"
            help = "ports below 1024 need root or CAP_NET_BIND_SERVICE; or choose a higher port"
        case EAFNOSUPPORT:
            reason = "this machine has no IPv6"
            help = "write 0.0.0.0 instead of ::"
        case let code?:
            reason = String(cString: strerror(code))
        case nil:
            reason = "\(error)"
        }
        self.init("cannot listen on \(endpoint) (\(transport)): \(reason)", help: help)
    }

    /// For who names an address that is another machine's, or of a router in front.
    static let ownAddress = "name an address of this machine (ip addr shows them), or :: for all of them"
}
