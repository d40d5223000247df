// A configured port as the users of it see it.
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

struct ServedPort: Sendable {
    let port: UInt16
    let credential: Credential
    /// Nobody is served with the port's own key alone: the configuration has "users", be it an empty list.
    let isForUsersOnly: Bool
    let users: [UserConfiguration]
    /// What the port's listeners judge by.
    let ring: KeyRing

    /// `ring` is that of a port that is open already; its keys stay until `accept` changes them.
    init(_ endpoint: EndpointConfiguration, _ credential: Credential, ring: KeyRing? = nil) {
        port = endpoint.address.port
        self.credential = credential
        isForUsersOnly = endpoint.hasUsers && credential.method.hasIdentityHeaders
        users = endpoint.users
        self.ring =
            ring
            ?? KeyRing(isForUsersOnly ? AcceptedKeys(port: credential, users: []) : AcceptedKeys(credential))
    }

    var method: CipherMethod { credential.method }

    /// Whether its users name themselves under a key of their own.
    var needsIdentity: Bool { method.hasIdentityHeaders && !isForUsersOnly }

    /// Whether users may be added.
    var takesUsers: Bool { method.edition == .sip004 || method.hasIdentityHeaders }

    /// The key of a user of the configuration, as it stands there.
    func configuredSecret(_ name: String) -> String? {
        guard case .text(let text) = users.first(where: { $0.name == name })?.password else { return nil }
        return text
    }

    /// Accepts `users` from now on. `identity` is the key under which they name themselves unless it is the port's own.
    func accept(_ users: [Accepted], identity: SecretKey?) {
        ring.change(to: keys(users, identity: identity))
    }

    private func keys(_ users: [Accepted], identity: SecretKey?) -> AcceptedKeys {
        if isForUsersOnly { return AcceptedKeys(port: credential, users: users) }
        guard !users.isEmpty else { return AcceptedKeys(credential) }
        if method.edition == .sip004 { return AcceptedKeys(trying: users, shared: credential) }
        guard let identity else { preconditionFailure("users without a key to name themselves under") }
        return AcceptedKeys(method: method, identityKey: identity, users: users, shared: credential)
    }
}
