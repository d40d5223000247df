// What both programs are told in the same words.

package struct CommonSettings: Hashable, Sendable {
    /// Whom to ask for names; empty for the system's resolver.
    package var nameservers: [Nameserver] = []
    /// Try IPv6 addresses before IPv4 ones.
    package var ipv6First = false
    /// How long a UDP association lives without traffic.
    package var udpTimeout = Duration.seconds(300)
    /// TCP Fast Open (RFC 7413).
    package var fastOpen = false
    /// TCP_NODELAY.
    package var noDelay = true
    /// Between TCP keep-alive probes; nil for the system's setting.
    package var keepAlive: Duration?
    /// The limit of open descriptors to ask for; nil to leave it.
    package var nofile: Int?
    /// Event loop threads; nil for one a core.
    package var workers: Int?
    /// Where state is kept; nil for the contract's default.
    package var stateDirectory: String?
    /// Of the admin API: a path, if relative below the state directory.
    package var adminSocket = "admin.sock"
    /// A file of rules; checked, and not acted on by this version.
    package var acl: String?
    package var log = LogConfiguration()

    package init() {}
}

package struct LogConfiguration: Hashable, Sendable {
    package var level = LogLevel.info
    package var format = LogFormat.text
    /// Nil for standard error.
    package var file: String?

    package init() {}
}
