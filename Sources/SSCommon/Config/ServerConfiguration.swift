// What ssserver is to do, after every check that needs no file and no socket.

package struct ServerConfiguration: Hashable, Sendable {
    /// The ports to serve; at least one, unless panels name them.
    package var listeners: [EndpointConfiguration]
    package var egress: EgressConfiguration
    package var settings: CommonSettings
    package var blacklist: BlacklistConfiguration
    package var cache: CacheConfiguration
    package var admin: AdminConfiguration
    package var limits: ConnectionLimits
    /// Where panels ask; nil for nowhere.
    package var manager: ManagerConfiguration?
    /// How laptops reach this machine, where that is another host (or port) than it knows of itself; for links.
    package var publicHost: HostPort?

    package init(
        listeners: [EndpointConfiguration], egress: EgressConfiguration = EgressConfiguration(),
        settings: CommonSettings = CommonSettings(), blacklist: BlacklistConfiguration = BlacklistConfiguration(),
        cache: CacheConfiguration = CacheConfiguration(), admin: AdminConfiguration = AdminConfiguration(),
        limits: ConnectionLimits = ConnectionLimits(), manager: ManagerConfiguration? = nil
    ) {
        self.listeners = listeners
        self.egress = egress
        self.settings = settings
        self.blacklist = blacklist
        self.cache = cache
        self.admin = admin
        self.limits = limits
        self.manager = manager
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

/// A rule that stands in a configuration.
package struct ConfiguredRule: Hashable, Sendable {
    package var text: String
    /// The configuration's path, and the line in it.
    package var source: String
    package var line: Int

    package init(_ text: String, source: String, line: Int) {
        self.text = text
        self.source = source
        self.line = line
    }
}

/// What the owner refuses clients.
package struct BlacklistConfiguration: Hashable, Sendable {
    package var files: [String] = []
    package var rules: [ConfiguredRule] = []
    package var clients: [ConfiguredRule] = []
    /// Whether names that streams show inside count too.
    package var sniff = true
    /// How to ask for access; shown on the page.
    package var contact: String?
    /// Whether a new rule ends what is open and refused by it.
    package var endsSessions = false

    package init() {}
}

/// The cache of what comes over plain HTTP. Sizes are bytes.
package struct CacheConfiguration: Hashable, Sendable {
    package var isEnabled = true
    package var ports: [UInt16] = [80]
    package var memory: UInt64 = 64 << 20
    /// Nil keeps nothing on disk.
    package var disk: UInt64?
    package var directory = "cache"
    package var maxObject: UInt64 = 64 << 20
    package var defaultTTL = Duration.zero
    /// Hosts, with what is below them, that have a default of their own.
    package var hostTTLs: [String: Duration] = [:]
    package var ttlHeader: String?
    /// `store`, `strip` or `bypass`.
    package var setCookie = "bypass"
    package var privateUsers = false
    /// Fields of RFC 9213 that count, the first first.
    package var targetedFields: [String] = []

    package init() {}
}

/// Where the protocol of ss-manager is spoken.
package enum ManagerPlace: Hashable, Sendable, CustomStringConvertible {
    case port(IPAddress, UInt16)
    /// The path of a Unix datagram socket.
    case socket(String)

    package var description: String {
        switch self {
        case .port(let address, let port): "\(TargetAddress(.ip(address), port: port))"
        case .socket(let path): path
        }
    }
}

/// For panels.
package struct ManagerConfiguration: Hashable, Sendable {
    package var place: ManagerPlace
    /// What a panel's command leaves out is as here.
    package var template: EndpointConfiguration
}

/// How many at once;
package struct ConnectionLimits: Hashable, Sendable {
    /// Streams of everybody together.
    package var streams = 16_384
    /// Streams of one source: an IPv4 address or an IPv6 /64.
    package var streamsPerSource = 512
    /// Connections of one source that have not authenticated.
    package var waitingPerSource = 64

    package init() {}
}

package struct AdminConfiguration: Hashable, Sendable {
    /// Checked, and not acted on by this version, like `hasBandwidthAPI`.
    package var listen: TargetAddress?
    /// Holds the password that /manager asks for; below the state directory unless it is absolute.
    package var tokenFile: String?
    package var hasBandwidthAPI = false

    package init() {}
}
