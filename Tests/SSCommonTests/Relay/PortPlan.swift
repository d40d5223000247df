// Ports that serve users in every way there is, and who may come and who may not.
@testable import SSCommon

struct PortPlan: Sendable, CustomStringConvertible {
    /// Somebody with what their client has as "password".
    struct Client: Sendable {
        /// Nil for who has the port's own key.
        let user: String?
        let credential: Credential
    }

    enum Kind: CaseIterable {
        /// Everybody has the port's own key.
        case shared
        /// SIP023: users who name themselves under the port's own key, and nobody else.
        case named
        /// Users who name themselves under a key of their own, and whoever has the port's.
        case both
        /// SIP004: so many users who are found by trying, and whoever has the port's password.
        case oneTried, twoTried, hundredTried

        var tried: Int {
            switch self {
            case .shared, .named, .both: 0
            case .oneTried: 1
            case .twoTried: 2
            case .hundredTried: 100
            }
        }
    }

    let method: CipherMethod
    let kind: Kind
    let keys: AcceptedKeys
    /// Some of those who are served: the first, the last, the port's own.
    let clients: [Client]
    /// None of them is.
    let strangers: [Credential]

    var description: String { "\(method.rawValue), \(kind)" }

    /// Every method with every kind it has.
    static let all: [PortPlan] = CipherMethod.allCases.flatMap { method in
        Kind.allCases.compactMap { kind in
            switch kind {
            case .shared: PortPlan(method, kind)
            case .named, .both: method.hasIdentityHeaders ? PortPlan(method, kind) : nil
            case .oneTried, .twoTried, .hundredTried: method.edition == .sip004 ? PortPlan(method, kind) : nil
            }
        }
    }

    private init(_ method: CipherMethod, _ kind: Kind) {
        self.method = method
        self.kind = kind
        let port = Self.fresh(method)
        let identity = Self.fresh(method).key
        let users = (0..<max(3, kind.tried)).map {
            Accepted(user: "user \($0)", credential: Self.fresh(method))
        }
        let own = Client(user: nil, credential: port)
        var strangers = [Self.fresh(method)]
        switch kind {
        case .shared:
            keys = AcceptedKeys(port)
            clients = [own]
            if method.hasIdentityHeaders { strangers.append(Self.client(port.key, users[0])) }
        case .named:
            keys = AcceptedKeys(port: port, users: users)
            clients = users.map { Client(user: $0.user, credential: Self.client(port.key, $0)) }
            strangers += [port, users[0].credential]
            strangers += Self.wrong(port.key, users, Self.fresh(method))
        case .both:
            keys = AcceptedKeys(method: method, identityKey: identity, users: users, shared: port)
            clients = users.map { Client(user: $0.user, credential: Self.client(identity, $0)) } + [own]
            strangers += [users[0].credential, Self.client(port.key, users[0])]
            strangers += Self.wrong(identity, users, Self.fresh(method))
        case .oneTried, .twoTried, .hundredTried:
            let users = Array(users.prefix(kind.tried))
            keys = AcceptedKeys(trying: users, shared: port)
            clients =
                [users[0], users[users.count - 1]].map { Client(user: $0.user, credential: $0.credential) } + [own]
        }
        self.strangers = strangers
    }

    /// What a user's client has.
    private static func client(_ identity: SecretKey, _ user: Accepted) -> Credential {
        Credential(method: user.credential.method, key: user.credential.key, servers: [identity])
    }

    /// Almost right: somebody unknown, another port's key in front, another server on the way, the port itself named.
    private static func wrong(_ identity: SecretKey, _ users: [Accepted], _ other: Credential) -> [Credential] {
        let user = users[0].credential
        return [
            Credential(method: user.method, key: other.key, servers: [identity]),
            Credential(method: user.method, key: user.key, servers: [other.key]),
            Credential(method: user.method, key: user.key, servers: [identity, other.key]),
            Credential(method: user.method, key: user.key, servers: [other.key, identity]),
            Credential(method: user.method, key: identity, servers: [identity]),
        ]
    }

    private static func fresh(_ method: CipherMethod) -> Credential {
        Credential(method: method, key: SecretKey(Sodium.random(method.keyLength)))
    }
}
