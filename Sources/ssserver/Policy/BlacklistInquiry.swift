// Which rule decides about an address: asked as a client's request would be, without connecting to anything.
internal import NIOCore
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

struct BlacklistInquiry: Sendable {
    let policy: PolicyInForce
    let egress: EgressGuard
    let resolver: any NameResolver
    let group: any EventLoopGroup

    struct Answer: Sendable {
        var isRefused = false
        /// The one that decided; one that allows, if nothing refuses.
        var rule: DecidingRule?
        /// The address that it is about, where a name was asked for.
        var address: IPAddress?
        /// Why, where it was no rule.
        var reason: String?
        var note: String?
    }

    func answer(_ question: BlockedQuestion, user: String?) async -> Answer {
        let blacklist = policy.current.blacklist
        var answer = Answer()
        if question.hasHiddenPath { answer.note = "the path of an https address cannot be seen; only its host counts" }
        var permission = Permission()
        if let rule = blacklist.refusal(client: nil, user: user) { return refused(answer, rule) }
        switch question.host {
        case .address(let address):
            if let refusal = refusal(of: address, question, user, blacklist, permission) {
                return merged(answer, refusal)
            }
            _ = blacklist.refusal(of: address, port: question.port, for: user, &permission)
        case .name(let name):
            if let rule = blacklist.refusal(of: name, port: question.port, for: user, &permission) {
                return refused(answer, rule)
            }
            if let refusal = await refusal(of: name, question, user, blacklist, permission) {
                return merged(answer, refusal)
            }
        }
        if let path = question.path,
            let rule = blacklist.refusal(of: question.host, path: path, for: user, &permission)
        {
            return refused(answer, rule)
        }
        answer.rule = permission.rule
        return answer
    }

    private func refused(_ answer: Answer, _ rule: DecidingRule, _ address: IPAddress? = nil) -> Answer {
        var answer = answer
        (answer.isRefused, answer.rule, answer.address) = (true, rule, address)
        return answer
    }

    private func merged(_ answer: Answer, _ refusal: Answer) -> Answer {
        var refusal = refusal
        refusal.note = answer.note
        return refusal
    }

    /// What refuses a name before or after it is looked up, if all of its addresses are refused.
    private func refusal(
        of name: DomainName, _ question: BlockedQuestion, _ user: String?, _ blacklist: Blacklist,
        _ permission: Permission
    ) async -> Answer? {
        guard let host = HostName(name.bytes) else { return nil }
        if egress.verdict(host) != .allowed {
            return Answer(
                isRefused: true, reason: "the egress policy refuses names of this machine and of metadata services")
        }
        guard let addresses = try? await resolver.resolve(host, on: group.next()).get() else { return nil }
        var last: Answer?
        for address in addresses {
            guard var refusal = refusal(of: address, question, user, blacklist, permission) else { return nil }
            refusal.address = address
            last = last ?? refusal
        }
        return last
    }

    private func refusal(
        of address: IPAddress, _ question: BlockedQuestion, _ user: String?, _ blacklist: Blacklist,
        _ permission: Permission
    ) -> Answer? {
        if egress.verdict(address, question.port) != .allowed {
            return Answer(
                isRefused: true,
                reason: "the egress policy refuses \(TargetAddress(.ip(address), port: question.port))")
        }
        var permission = permission
        return blacklist.refusal(of: address, port: question.port, for: user, &permission).map {
            Answer(isRefused: true, rule: $0)
        }
    }
}
