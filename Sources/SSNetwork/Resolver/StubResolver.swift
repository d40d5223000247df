// The `nameserver` key: asks the named servers itself, over UDP from a fresh port each time and over TCP where
// an answer is cut. It knows the TTL of what it finds, needs no threads, and never looks into /etc/hosts or
// resolv.conf: for those there is `SystemResolver`.
package import NIOCore
package import SSCommon

package final class StubResolver: AddressLookup {
    private let servers: [Nameserver]
    private let group: any EventLoopGroup

    /// `servers` are asked in this order, one a round; there must be one.
    package init(_ servers: [Nameserver], group: any EventLoopGroup) {
        precondition(!servers.isEmpty, "a stub resolver has a server")
        self.servers = servers
        self.group = group
    }

    package func start(_ name: DomainName, done: @escaping @Sendable (TimedResolution) -> Void) {
        let eventLoop = group.any()
        let servers = servers
        eventLoop.execute {
            let lookup = StubLookup(
                name, transports: servers.map(\.transport),
                // The system's generator: ids nobody can foresee (RFC 5452 9.2).
                ids: (UInt16.random(in: .min ... .max), UInt16.random(in: .min ... .max)))
            StubExchange(lookup, servers: servers.map(\.endpoint), on: eventLoop, done: done).start()
        }
    }
}
