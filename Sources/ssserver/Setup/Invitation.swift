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
    /// The key of a user of a port; nil for a stranger.
    let key: @Sendable (EndpointConfiguration, _ name: String) throws -> PasswordSource?

    /// Those that stand in the configuration.
    static let configuration = UserSource(
        names: { $0.users.map(\.name) }, key: { endpoint, name in endpoint.users.first { $0.name == name }?.password })
}

/// The ways in that a configuration offers.
struct Invitations {
    private let configuration: ServerConfiguration
    private let sources: [UserSource]

    init(_ configuration: ServerConfiguration, sources: [UserSource] = [.configuration]) {
        self.configuration = configuration
        self.sources = sources
    }

    /// All users, each once.
    func names() throws -> [String] {
        var names: [String] = []
        for endpoint in configuration.listeners {
            for name in try self.names(of: endpoint) where !names.contains(name) { names.append(name) }
        }
        return names
    }

    /// To the ports that have no users.
    func forEveryone() throws -> [Invitation] {
        try configuration.listeners.filter { try names(of: $0).isEmpty }.map { endpoint in
            Invitation(endpoint: endpoint, user: nil, password: try ConfigurationSource.text(of: endpoint.password))
        }
    }

    /// To the ports that know this user; none for a stranger.
    func of(_ name: String) throws -> [Invitation] {
        try configuration.listeners.compactMap { endpoint in
            guard endpoint.method.hasIdentityHeaders, let key = try key(of: name, endpoint) else { return nil }
            let port = try ConfigurationSource.text(of: endpoint.password)
            return Invitation(
                endpoint: endpoint, user: name, password: "\(port):\(try ConfigurationSource.text(of: key))")
        }
    }

    /// None on a port whose method knows no users, whatever is written there.
    private func names(of endpoint: EndpointConfiguration) throws -> [String] {
        endpoint.method.hasIdentityHeaders ? try sources.flatMap { try $0.names(endpoint) } : []
    }

    private func key(of name: String, _ endpoint: EndpointConfiguration) throws -> PasswordSource? {
        for source in sources {
            if let key = try source.key(endpoint, name) { return key }
        }
        return nil
    }
}
