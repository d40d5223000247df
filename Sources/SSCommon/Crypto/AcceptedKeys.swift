// Whom a port of the server serves: everybody with one key, users with a key each, or both. Users of the 2022 methods name
// themselves (SIP023); those of the classic ones are found by trying their keys, so there may not be many.

/// A user of a port, or everybody with the port's own key.
package struct Accepted: Sendable {
    package let credential: Credential
    /// Nil for who has the port's own key.
    package let account: UserAccount?

    package init(credential: Credential, account: UserAccount? = nil) {
        self.credential = credential
        self.account = account
    }

    package init(user: String, credential: Credential) {
        self.init(credential: credential, account: UserAccount(name: user))
    }

    package var user: String? { account?.name }
}

package struct AcceptedKeys: Sendable {
    /// Users of a classic port: each connection that nobody's key opens costs as many tries.
    package static let maximumTried = 100

    package let method: CipherMethod
    /// Whoever has the port's own key; nil where they would have to say who they are.
    let shared: Accepted?
    /// SIP023: the key under which users name themselves.
    private let identityKey: SecretKey?
    private let named: [UserIdentity: Accepted]
    /// SIP004 with users: everybody, to be tried in this order.
    let tried: [Accepted]

    /// One key for all, who share an account if there is one.
    package init(_ credential: Credential, account: UserAccount? = nil) {
        method = credential.method
        shared = Accepted(credential: credential, account: account)
        identityKey = nil
        named = [:]
        tried = []
    }

    /// SIP023: users name themselves under `identityKey`; each has a key of their own, all different. Those who have
    /// the key of `shared` need not.
    package init(method: CipherMethod, identityKey: SecretKey, users: [Accepted], shared: Credential? = nil) {
        precondition(method.hasIdentityHeaders, "\(method.rawValue) names nobody")
        self.method = method
        self.shared = shared.map { Accepted(credential: $0) }
        self.identityKey = identityKey
        named = Dictionary(
            users.map { (UserIdentity(of: $0.credential.key), $0) }, uniquingKeysWith: { first, _ in first })
        tried = []
    }

    /// SIP023: `port` is the port's own key, with which alone nobody is served.
    package init(port: Credential, users: [Accepted]) {
        self.init(method: port.method, identityKey: port.key, users: users)
    }

    /// SIP004: whoever has one of so many keys, all different; at most `maximumTried`.
    package init(trying users: [Accepted], shared: Credential) {
        precondition(shared.method.edition == .sip004, "only classic keys are found by trying")
        method = shared.method
        self.shared = Accepted(credential: shared)
        identityKey = nil
        named = [:]
        tried = users.isEmpty ? [] : users + [Accepted(credential: shared)]
    }

    /// Bytes that may be an identity between a stream's salt and its first sealed piece.
    var identityLength: Int { identityKey == nil ? 0 : UserIdentity.length }

    /// SIP022: whose stream begins with `salt` and then `identity` (`identityLength` bytes), and whether those name them;
    /// nil if it is nobody's.
    func owner(salt: Salt, identity: RawSpan) -> (accepted: Accepted, isNamed: Bool)? {
        if let identityKey, let user = named[StreamIdentity.open(identity, key: identityKey, salt: salt)] {
            return (user, true)
        }
        return shared.map { ($0, false) }
    }

    /// Whom `identity` names; nil for nobody.
    func owner(named identity: UserIdentity?) -> Accepted? { identity.flatMap { named[$0] } }

    /// SIP004: whose stream begins with `salt` and the sealed length of its first chunk; nil if it is nobody's.
    func owner(salt: Salt, firstPiece: RawSpan) -> Accepted? {
        guard !tried.isEmpty else { return shared }
        return tried.first { candidate in
            var chunks = ChunkOpener(
                candidate.credential.context(.open, salt: salt), maximumPayload: method.maximumChunkPayload)
            return chunks.canBegin(with: firstPiece)
        }
    }

    /// SIP023: the first block of a datagram, and the one that names its user, are under this key; nil without users.
    var identityCredential: Credential? { identityKey.map { Credential(method: method, key: $0) } }
}
