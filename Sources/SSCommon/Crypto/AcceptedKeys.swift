// Whom a port of the server serves: everybody with one key, or users with a key each.

/// A user of a port, or everybody.
package struct Accepted: Sendable {
    /// Nil where the port has no users.
    package let user: String?
    package let credential: Credential

    package init(user: String? = nil, credential: Credential) {
        self.user = user
        self.credential = credential
    }
}

package struct AcceptedKeys: Sendable {
    enum Kind: Sendable {
        /// One key for all.
        case shared(Accepted)
        /// SIP023: the port's own key, under which each client names the user it is.
        case identified(SecretKey, [UserIdentity: Accepted])
    }

    package let method: CipherMethod
    let kind: Kind

    /// One key for all.
    package init(_ credential: Credential) {
        method = credential.method
        kind = .shared(Accepted(credential: credential))
    }

    /// SIP023: `port` is the port's own key; each of `users` has one of its own, all different.
    package init(port: Credential, users: [Accepted]) {
        precondition(port.method.hasIdentityHeaders, "\(port.method.rawValue) names nobody")
        method = port.method
        kind = .identified(
            port.key,
            Dictionary(
                users.map { (UserIdentity(of: $0.credential.key), $0) }, uniquingKeysWith: { first, _ in first }))
    }

    /// Bytes between a stream's salt and its first sealed piece.
    var identityLength: Int {
        switch kind {
        case .shared: 0
        case .identified: UserIdentity.length
        }
    }

    /// Whose stream begins with `salt` and `identity` (`identityLength` bytes); nil if nobody's.
    func owner(salt: Salt, identity: RawSpan) -> Accepted? {
        switch kind {
        case .shared(let accepted): accepted
        case .identified(let key, let users): users[StreamIdentity.open(identity, key: key, salt: salt)]
        }
    }

    /// Whom `identity` names; nil for nobody.
    func owner(named identity: UserIdentity?) -> Accepted? {
        switch kind {
        case .shared(let accepted): accepted
        case .identified(_, let users): identity.flatMap { users[$0] }
        }
    }

    /// The port's own key: everybody's, or the one under which users name themselves.
    var portCredential: Credential {
        switch kind {
        case .shared(let accepted): accepted.credential
        case .identified(let key, _): Credential(method: method, key: key)
        }
    }
}
