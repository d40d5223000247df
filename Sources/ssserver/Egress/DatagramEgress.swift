// The egress policy for datagrams: asked again for every one, because an association sends anywhere.
internal import NIOCore
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

struct DatagramEgress: DatagramPolicy {
    let egress: EgressGuard
    let resolver: any NameResolver

    func allows(_ destination: Endpoint) -> Bool {
        egress.verdict(destination.address, destination.port) == .allowed
    }

    func resolve(_ name: HostName, on eventLoop: any EventLoop) -> EventLoopFuture<[IPAddress]> {
        switch egress.verdict(name) {
        case .allowed: resolver.resolve(name, on: eventLoop)
        case .denied: eventLoop.makeFailedFuture(DialError.notAllowed)
        }
    }
}

extension EgressConfiguration {
    /// The configured holes as the policy takes them.
    var access: EgressPolicy.PrivateAccess {
        switch allowPrivate {
        case .none: .none
        case .all: .all
        case .only(let ranges): .ranges(ranges)
        }
    }
}
