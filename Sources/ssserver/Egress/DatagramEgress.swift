// The egress policy for datagrams: asked again for every one, because an association sends anywhere.
internal import NIOCore
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

struct DatagramEgress: DatagramPolicy {
    let egress: EgressGuard
    let resolver: any NameResolver
    let policy: PolicyInForce

    func allows(_ destination: Endpoint, from sender: DatagramSender) -> Bool {
        guard egress.verdict(destination.address, destination.port) == .allowed else { return false }
        let target = TargetAddress(.ip(destination.address), port: destination.port)
        guard let judge = RequestJudge(policy, target, user: sender.user) else { return true }
        return isAllowed(target, judge, sender)
    }

    func resolve(
        _ name: HostName, port: UInt16, from sender: DatagramSender, on eventLoop: any EventLoop
    ) -> EventLoopFuture<[IPAddress]> {
        guard egress.verdict(name) == .allowed else { return eventLoop.makeFailedFuture(DialError.notAllowed) }
        let target = TargetAddress(.name(name), port: port)
        let judge = RequestJudge(policy, target, user: sender.user)
        if let judge, !isAllowed(target, judge, sender) { return eventLoop.makeFailedFuture(DialError.notAllowed) }
        return resolver.resolve(name, on: eventLoop).map { [egress, policy] addresses in
            let allowed = addresses.filter { address in
                egress.verdict(address, port) == .allowed && judge?.refusal(of: address, port: port) == nil
            }
            if allowed.isEmpty, let rule = judge?.refusal {
                policy.refusals.note(target, peer: Endpoint(folding: sender.client), user: sender.user, rule)
            }
            return allowed
        }
    }

    private func isAllowed(_ target: TargetAddress, _ judge: RequestJudge, _ sender: DatagramSender) -> Bool {
        let client = Endpoint(folding: sender.client)
        guard let rule = judge.refusal(client: client?.address) else { return true }
        policy.refusals.note(target, peer: client, user: sender.user, rule)
        return false
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
