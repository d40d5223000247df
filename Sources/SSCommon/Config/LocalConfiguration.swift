// What sslocal is to do, after every check that needs no file and no socket.

package struct LocalConfiguration: Hashable, Sendable {
    /// The servers to go through; at least one.
    package var servers: [EndpointConfiguration]
    /// What to offer on the laptop; at least one.
    package var locals: [LocalListener]
    package var settings: CommonSettings
    /// What to run when no server can be reached: a program and its arguments; never empty.
    package var onUnreachable: [String]?
    /// Where the list of servers is published.
    package var online: OnlineConfiguration?

    package init(
        servers: [EndpointConfiguration], locals: [LocalListener], settings: CommonSettings = CommonSettings(),
        onUnreachable: [String]? = nil, online: OnlineConfiguration? = nil
    ) {
        self.servers = servers
        self.locals = locals
        self.settings = settings
        self.onUnreachable = onUnreachable
        self.online = online
    }
}

/// A SIP008 document that is fetched again and again.
package struct OnlineConfiguration: Hashable, Sendable {
    package var address: HTTPSAddress
    /// Between two times, about.
    package var interval: Duration
    /// Round the tunnel and not through it.
    package var isDirect: Bool

    /// Unless the configuration says otherwise.
    package static let usualInterval = Duration.seconds(3600)

    package init(_ address: HTTPSAddress, interval: Duration = usualInterval, isDirect: Bool = false) {
        self.address = address
        self.interval = interval
        self.isDirect = isDirect
    }
}

/// An address on the laptop and what is spoken there.
package struct LocalListener: Hashable, Sendable {
    package enum Service: Hashable, Sendable {
        /// SOCKS5, SOCKS4, SOCKS4a and HTTP, told apart by the first byte.
        case mixed
        /// SOCKS5, SOCKS4 and SOCKS4a.
        case socks
        /// An HTTP proxy (RFC 9110, CONNECT included).
        case http
        /// Everything goes to one target.
        case tunnel(TargetAddress)
    }

    package var service: Service
    package var address: TargetAddress
    package var mode: RelayMode
    /// Who may use it (RFC 1929, RFC 7617); empty for everyone who can reach it.
    package var users: [LocalUser]

    package init(
        _ service: Service, at address: TargetAddress, mode: RelayMode = .tcpAndUDP, users: [LocalUser] = []
    ) {
        self.service = service
        self.address = address
        self.mode = mode
        self.users = users
    }
}

/// A name and its password at the laptop's own proxy.
package struct LocalUser: Hashable, Sendable {
    package var name: String
    package var password: String

    package init(name: String, password: String) {
        self.name = name
        self.password = password
    }
}

extension LocalUser: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "\(TerminalText.quote(name)) ••••••••" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(reflecting: description) }
}
