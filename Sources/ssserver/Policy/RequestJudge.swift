// One request before the owner's rules, from the name it asks for to what it says inside. What of it was refused is kept for
// the log and for the page.
internal import NIOConcurrencyHelpers
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

final class RequestJudge: TargetJudge {
    private struct State {
        /// The one that was in force when the request came, until it is settled where it goes: a long stream must not keep
        /// the lists of long ago.
        var policy: Policy?
        var permission = Permission()
        var refusal: DecidingRule?
    }

    private let inForce: PolicyInForce
    private let target: TargetAddress
    private let user: String?
    private let state: NIOLockedValueBox<State>

    /// Nil where there are no rules.
    init?(_ inForce: PolicyInForce, _ target: TargetAddress, user: String?) {
        let policy = inForce.current
        guard policy.hasRules else { return nil }
        self.inForce = inForce
        state = NIOLockedValueBox(State(policy: policy))
        self.target = target.canonical
        self.user = user
    }

    private var blacklist: Blacklist { (state.withLockedValue(\.policy) ?? inForce.current).blacklist }

    /// It goes where it asked to go.
    func settle() { state.withLockedValue { $0 = State() } }

    /// What has refused it.
    var refusal: DecidingRule? { state.withLockedValue { $0.refusal } }

    /// Whether what it asks for, or who asks, is refused before anything is looked up.
    func refusal(client: IPAddress?) -> DecidingRule? {
        if let rule = blacklist.refusal(client: client, user: user) { return rule }
        switch target.host {
        case .name(let name): _ = refusal(of: name, port: target.port)
        case .ip(let address): _ = refusal(of: address, port: target.port)
        }
        return refusal
    }

    func refusal(of host: HostName, port: UInt16) -> DialError? {
        // A host that is no name fails in the resolver.
        guard let name = try? DomainName(host) else { return nil }
        let blacklist = blacklist
        return note { blacklist.refusal(of: name, port: port, for: user, &$0) }
    }

    func refusal(of address: IPAddress, port: UInt16) -> DialError? {
        let blacklist = blacklist
        // Each address is judged by what was said of the name.
        return note { permission in
            var own = permission
            return blacklist.refusal(of: address, port: port, for: user, &own)
        }
    }

    private func note(_ body: (inout Permission) -> DecidingRule?) -> DialError? {
        state.withLockedValue { state in
            guard let rule = body(&state.permission) else { return nil }
            state.refusal = rule
            return .notAllowed
        }
    }

    // MARK: What it says inside

    /// By the rules as they are then.
    func refusal(of shown: ShownTarget) -> DecidingRule? {
        let policy = inForce.current
        guard policy.hasRules, policy.sniffs else { return nil }
        switch shown {
        case .tlsName(let name):
            var permission = Permission()
            return refusal(of: .name(name), policy.blacklist, &permission)
        case .request(let host, let path):
            var permission = Permission()
            let named = host ?? asked
            if let named, let rule = refusal(of: named, policy.blacklist, &permission) { return rule }
            guard policy.hasPaths else { return nil }
            for host in Set([named, asked].compactMap { $0 }) {
                var own = permission
                if let rule = policy.blacklist.refusal(of: host, path: path, for: user, &own) { return rule }
            }
            return nil
        }
    }

    /// What was asked for, as rules know it.
    private var asked: RequestHost? {
        switch target.host {
        case .name(let host): (try? DomainName(host)).map { .name($0) }
        case .ip(let address): .address(address.folded)
        }
    }

    /// Another name than was asked for must pass by itself; where an address was asked for, what allows that counts too.
    private func refusal(of host: RequestHost, _ blacklist: Blacklist, _ permission: inout Permission) -> DecidingRule?
    {
        if case .ip(let address) = target.host {
            _ = blacklist.refusal(of: address, port: target.port, for: user, &permission)
        }
        switch host {
        case .name(let name): return blacklist.refusal(of: name, port: target.port, for: user, &permission)
        case .address(let address): return blacklist.refusal(of: address, port: target.port, for: user, &permission)
        }
    }

    /// Whether it would be refused now, by who asks or by what was asked for.
    func isRefusedNow(by policy: Policy, client: IPAddress?) -> DecidingRule? {
        if let rule = policy.blacklist.refusal(client: client, user: user) { return rule }
        var permission = Permission()
        switch asked {
        case .name(let name): return policy.blacklist.refusal(of: name, port: target.port, for: user, &permission)
        case .address(let address):
            return policy.blacklist.refusal(of: address, port: target.port, for: user, &permission)
        case nil: return nil
        }
    }
}
