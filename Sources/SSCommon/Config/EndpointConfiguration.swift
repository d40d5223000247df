// One Shadowsocks server: for ssserver a port to serve, for sslocal a server to go through.

package struct EndpointConfiguration: Hashable, Sendable {
    /// What the user calls it.
    package var name: String?
    /// ssserver: the address to listen on. sslocal: the server to connect to, perhaps by name.
    package var address: TargetAddress
    package var method: CipherMethod
    package var password: PasswordSource
    package var mode: RelayMode
    /// How long a connection may be idle.
    package var timeout: Duration
    /// Users of this port.
    package var users: [UserConfiguration]
    /// Whether "users" is there, be it an empty list.
    package var hasUsers: Bool

    /// Unless the configuration says otherwise.
    package static let defaultTimeout = Duration.seconds(300)

    package init(
        _ address: TargetAddress, method: CipherMethod, password: PasswordSource, name: String? = nil,
        mode: RelayMode = .tcpAndUDP, timeout: Duration = defaultTimeout, users: [UserConfiguration]? = nil
    ) {
        self.name = name
        self.address = address
        self.method = method
        self.password = password
        self.mode = mode
        self.timeout = timeout
        self.users = users ?? []
        hasUsers = users != nil
    }
}

/// A user of a port.
package struct UserConfiguration: Hashable, Sendable {
    package var name: String
    package var password: PasswordSource
    /// Bytes in a calendar month.
    package var quota: UInt64?
    /// Bytes a second.
    package var rate: UInt64?
    /// Streams at once.
    package var streams: Int?
    /// The first day it no longer works, `2027-01-01`.
    package var expires: String?
}
