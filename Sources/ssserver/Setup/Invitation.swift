// Who can be given a link: a port and the key that opens it. A port without users is open to who has its key; on one with
// users (SIP023) each has a key of their own, and users may come from several places.
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

/// A way in for one laptop.
struct Invitation: Sendable {
    let endpoint: EndpointConfiguration
    /// Nil on a port without users.
    let user: String?
    /// What "password" has to be on the laptop.
    let password: String

    func link(at place: HostPort) -> ServerLink {
        let name = user.map { user in endpoint.name.map { "\($0)-\(user)" } ?? user }
        return ServerLink(endpoint, at: place, password: password, name: name)
    }
}

/// Where users of a port are looked up.
struct UserSource: Sendable {
    /// The names of a port's users, in order.
    let names: @Sendable (EndpointConfiguration) throws -> [String]
    /// What "password" has to be on a user's laptop; nil for a stranger.
    let password: @Sendable (EndpointConfiguration, _ name: String) throws -> String?

    /// Those that stand in the configuration.
    static let configuration = UserSource(names: { endpoint in
        endpoint.method.hasUsers ? endpoint.users.map(\.name) : []
    }) { endpoint, name in
        guard endpoint.method.hasUsers, let user = endpoint.users.first(where: { $0.name == name }) else { return nil }
        let own = try ConfigurationSource.text(of: user.password)
        guard endpoint.method.hasIdentityHeaders else { return own }
        return "\(try ConfigurationSource.text(of: endpoint.password)):\(own)"
    }

    /// Those of the server that runs, which commands may have changed; nil if none does.
    static func running(_ client: AdminClient) -> UserSource? {
        guard let users = try? client.request(.get, "/api/v1/users").json?["users"]?.elements else { return nil }
        let served = users.filter { $0["state"]?.text != "removed" }.compactMap { user -> (port: Int, name: String)? in
            guard let port = user["port"]?.integer, let name = user["name"]?.text else { return nil }
            return (port, name)
        }
        return UserSource(names: { endpoint in
            served.filter { $0.port == Int(endpoint.address.port) }.map(\.name)
        }) { endpoint, name in
            let port = endpoint.address.port
            guard served.contains(where: { $0.port == Int(port) && $0.name == name }) else { return nil }
            return try client.request(.get, "/api/v1/users/\(PercentCoding.encode(name))/key?port=\(port)")
                .json?["password"]?.text
        }
    }
}

extension CipherMethod {
    /// Whether ports of it can have users.
    fileprivate var hasUsers: Bool { edition == .sip004 || hasIdentityHeaders }
}

/// The ways in that a configuration offers.
struct Invitations {
    private let configuration: ServerConfiguration
    private let users: UserSource

    init(_ configuration: ServerConfiguration, users: UserSource = .configuration) {
        self.configuration = configuration
        self.users = users
    }

    /// All users, each once.
    func names() throws -> [String] {
        var names: [String] = []
        for endpoint in configuration.listeners {
            for name in try users.names(endpoint) where !names.contains(name) { names.append(name) }
        }
        return names
    }

    /// To the ports that whoever has their key may use.
    func forEveryone() throws -> [Invitation] {
        try configuration.listeners.filter { !$0.hasUsers || !$0.method.hasIdentityHeaders }.map { endpoint in
            Invitation(endpoint: endpoint, user: nil, password: try ConfigurationSource.text(of: endpoint.password))
        }
    }

    /// To the ports that know this user; none for a stranger.
    func of(_ name: String) throws -> [Invitation] {
        try configuration.listeners.compactMap { endpoint in
            try users.password(endpoint, name).map { Invitation(endpoint: endpoint, user: name, password: $0) }
        }
    }
}
