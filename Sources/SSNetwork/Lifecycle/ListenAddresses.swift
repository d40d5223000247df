// Configured listen addresses as endpoints: names are looked up once at start, "::" and "0.0.0.0" on one port share
// it by family.
package import NIOCore
package import SSCommon

package struct ListenAddress: Hashable, Sendable {
    package var endpoint: Endpoint
    /// "::" that must leave IPv4 to another listener.
    package var isIPv6Only: Bool

    package init(_ endpoint: Endpoint, isIPv6Only: Bool = false) {
        self.endpoint = endpoint
        self.isIPv6Only = isIPv6Only
    }

    /// Looks names up; every address of a name is listened on.
    package static func resolve(
        _ addresses: [TargetAddress], with resolver: any NameResolver, on eventLoop: any EventLoop
    ) async throws(StartFailure) -> [[ListenAddress]] {
        var result: [[Endpoint]] = []
        for address in addresses {
            switch address.host {
            case .ip(let ip):
                result.append([Endpoint(ip, address.port)])
            case .name(let name):
                do {
                    let found = try await resolver.resolve(name, on: eventLoop).get()
                    result.append(found.map { Endpoint($0, address.port) })
                } catch {
                    throw StartFailure(
                        "cannot listen on \(address): the name has no address", help: StartFailure.ownAddress)
                }
            }
        }
        let ipv4Ports = Set(result.joined().filter { $0.address == .v4(IPv4Address(0)) }.map(\.port))
        return result.map { endpoints in
            endpoints.map { endpoint in
                let isWildcard = endpoint.address == .v6(IPv6Address(high: 0, low: 0))
                return ListenAddress(endpoint, isIPv6Only: isWildcard && ipv4Ports.contains(endpoint.port))
            }
        }
    }
}
