// What ssserver is to do, after every check that needs no file and no socket.

package struct ServerConfiguration: Hashable, Sendable {
    /// The ports to serve; at least one.
    package var listeners: [EndpointConfiguration]
    package var egress: EgressConfiguration
    package var settings: CommonSettings
    package var blacklist: BlacklistConfiguration
    package var cache: CacheConfiguration
    package var admin: AdminConfiguration
    /// How laptops reach this machine, where that is another host (or port) than it knows of itself; for links.
    package var publicHost: HostPort?

    package init(
        listeners: [EndpointConfiguration], egress: EgressConfiguration = EgressConfiguration(),
        settings: CommonSettings = CommonSettings(), blacklist: BlacklistConfiguration = BlacklistConfiguration(),
        cache: CacheConfiguration = CacheConfiguration(), admin: AdminConfiguration = AdminConfiguration()
    ) {
        self.listeners = listeners
        self.egress = egress
        self.settings = settings
        self.blacklist = blacklist
        self.cache = cache
        self.admin = admin
    }
}

/// Where clients may not go.
package struct EgressConfiguration: Hashable, Sendable {
    package enum PrivateAccess: Hashable, Sendable {
        /// No address of the VPS, its network, or a reserved range; the default.
        case none
        /// Everything.
        case all
        /// None but these.
        case only([IPPrefix])
    }

    package var allowPrivate = PrivateAccess.none
    /// Refused whoever may be reached (`forbidden_ip` of shadowsocks-python).
    package var denied: [IPPrefix] = []
    /// Refused at every address.
    package var denyPorts: [UInt16] = [25]

    package init() {}
}

/// Checked, and not acted on by this version.
package struct BlacklistConfiguration: Hashable, Sendable {
    package var files: [String] = []
    package var rules: [String] = []
    package var clients: [IPPrefix] = []
    package var sniff = true

    package init() {}
}

/// Checked, and not acted on by this version. Sizes are bytes.
package struct CacheConfiguration: Hashable, Sendable {
    package var isEnabled = false
    package var ports: [UInt16] = [80]
    package var memory: UInt64 = 64 << 20
    package var disk: UInt64 = 1 << 30
    package var directory = "cache"
    package var maxObject: UInt64 = 64 << 20
    package var defaultTTL = Duration.zero
    package var ttlHeader: String?

    package init() {}
}

/// Checked, and not acted on by this version.
package struct AdminConfiguration: Hashable, Sendable {
    package var socket = "admin.sock"
    package var listen: TargetAddress?
    package var tokenFile: String?
    package var hasBandwidthAPI = false

    package init() {}
}
