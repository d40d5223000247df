// The egress policy as the dialer and the datagram path ask for it: from any event loop, with the machine's
// addresses as they are now. The decision itself is `EgressPolicy`'s.
import NIOCore
import SSCommon
import SSNetwork
import SSServerCore
internal import NIOConcurrencyHelpers

/// A policy shared by all event loops that can be renewed under them.
final class EgressGuard: Sendable {
    private let policy: NIOLockedValueBox<EgressPolicy>
    private let listenerPorts: NIOLockedValueBox<Set<UInt16>>
    private let denied: NIOLockedValueBox<[IPPrefix]>

    /// `listenerPorts` are this server's own, TCP and UDP; `denied` ranges are refused whatever else is open.
    init(
        access: EgressPolicy.PrivateAccess, denyPorts: Set<UInt16>, denied: [IPPrefix] = [], listenerPorts: Set<UInt16>
    ) {
        self.denied = NIOLockedValueBox(denied)
        self.listenerPorts = NIOLockedValueBox(listenerPorts)
        let own = OwnEndpoints(addresses: OwnAddresses.current(), listenerPorts: listenerPorts)
        policy = NIOLockedValueBox(EgressPolicy(access: access, denyPorts: denyPorts, own: own))
    }

    /// Looks at the interfaces again every `OwnAddresses.refreshInterval` until the task is cancelled.
    func keepFresh(on eventLoop: any EventLoop) -> RepeatedTask {
        let interval = TimeAmount.seconds(Int64(OwnAddresses.refreshInterval))
        return eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { [self] _ in refresh() }
    }

    /// Another configuration's policy, for what is dialled from now on.
    func change(access: EgressPolicy.PrivateAccess, denyPorts: Set<UInt16>, denied: [IPPrefix]) {
        self.denied.withLockedValue { $0 = denied }
        let ports = listenerPorts.withLockedValue { $0 }
        let own = OwnEndpoints(addresses: OwnAddresses.current(), listenerPorts: ports)
        policy.withLockedValue { $0 = EgressPolicy(access: access, denyPorts: denyPorts, own: own) }
    }

    /// A port has become, or is no more, one of this server's own.
    func setListener(_ port: UInt16, isOpen: Bool) {
        listenerPorts.withLockedValue { if isOpen { $0.insert(port) } else { $0.remove(port) } }
        refresh()
    }

    func refresh() {
        let ports = listenerPorts.withLockedValue { $0 }
        let own = OwnEndpoints(addresses: OwnAddresses.current(), listenerPorts: ports)
        policy.withLockedValue { $0 = $0.replacing(own: own) }
    }

    func verdict(_ address: IPAddress, _ port: UInt16) -> EgressPolicy.Verdict {
        if denied.withLockedValue({ $0.contains { $0.contains(address) } }) { return .denied(.privateAddress) }
        return policy.withLockedValue { $0.verdict(address, port) }
    }

    /// A host that is no name fails in the resolver, so it is none of the policy's business.
    func verdict(_ host: HostName) -> EgressPolicy.Verdict {
        guard let name = try? DomainName(host) else { return .allowed }
        return policy.withLockedValue { $0.verdict(name) }
    }

    /// A dialer that reaches only what the policy allows.
    func dialer(resolver: any NameResolver, options: RacingDialer.Options) -> RacingDialer {
        RacingDialer(resolver: resolver, options: options) { [self] address, port in
            verdict(address, port).dialError
        } refusingNames: { [self] host in
            verdict(host).dialError
        }
    }
}

extension EgressPolicy.Verdict {
    /// Nil if allowed.
    var dialError: DialError? {
        switch self {
        case .allowed: nil
        case .denied: .notAllowed
        }
    }
}
