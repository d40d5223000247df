// The egress policy where it is asked: by the dialer for every address it is about to connect to, by the datagrams
// for every one that is about to leave. The machine's own addresses are looked at anew from time to time.
internal import NIOCore
internal import SSCommon
internal import SSNetwork
internal import SSServerCore
internal import Synchronization

/// The policy of a running server.
final class EgressGuard: DatagramPolicy {
    private let policy: Mutex<EgressPolicy>
    private let denied: [IPPrefix]
    private let resolver: any NameResolver
    private let listenerPorts: Set<UInt16>

    init(_ configuration: EgressConfiguration, listenerPorts: Set<UInt16>, resolver: any NameResolver) {
        let access: EgressPolicy.PrivateAccess =
            switch configuration.allowPrivate {
            case .none: .none
            case .all: .all
            case .only(let ranges): .ranges(ranges)
            }
        denied = configuration.denied
        self.resolver = resolver
        self.listenerPorts = listenerPorts
        policy = Mutex(EgressPolicy(access: access, denyPorts: Set(configuration.denyPorts)))
        refreshOwnAddresses()
    }

    /// Looks at the machine's interfaces again.
    func refreshOwnAddresses() {
        let own = OwnEndpoints(addresses: OwnAddresses.current(), listenerPorts: listenerPorts)
        policy.withLock { $0 = $0.replacing(own: own) }
    }

    /// Why an address must not be connected to; nil if it may.
    func refusal(_ address: IPAddress, _ port: UInt16) -> DialError? {
        allows(Endpoint(address, port)) ? nil : .notAllowed
    }

    /// Why a name must not be looked up; nil if it may.
    func refusal(_ name: HostName) -> DialError? {
        guard let domain = try? DomainName(name) else { return .nameNotFound }
        return policy.withLock { $0.verdict(domain) } == .allowed ? nil : .notAllowed
    }

    func allows(_ destination: Endpoint) -> Bool {
        if denied.contains(where: { $0.contains(destination.address) }) { return false }
        return policy.withLock { $0.verdict(destination.address, destination.port) } == .allowed
    }

    func resolve(_ name: HostName, on eventLoop: any EventLoop) -> EventLoopFuture<[IPAddress]> {
        if let refusal = refusal(name) { return eventLoop.makeFailedFuture(refusal) }
        return resolver.resolve(name, on: eventLoop)
    }
}
