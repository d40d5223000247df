// Keys of shadowsocks-rust (RS), -libev (LE) and python (PY) that mean nothing to us. They are accepted, so
// that a configuration of theirs starts, and each is named in a warning, so that nobody thinks it works.

extension Schema {
    static func foreign(_ section: SchemaSection) -> [SchemaKey] {
        switch section {
        case .top:
            [SchemaKey("$schema", .anything, .both, .silent), SchemaKey("version", .anything, .both, .silent)]
                + rows(plugin + outbound + rust + libev + python)
        case .serverEntry:
            rows(plugin + outbound + ["tcp_weight", "udp_weight", "id", "group", "plugin_mode"])
                + [SchemaKey("acl", .anything, .both, .foreign(note: nil))]
        case .user:
            rows(["id"])
        case .localEntry:
            rows(rustLocal)
        case .log:
            rows(["writers", "config_path"])
        case .online:
            rows(["allowed_plugins"])
        case .localUser, .egress, .blacklist, .cache, .cacheHost, .admin, .limits:
            []
        }
    }

    private static let pluginNote =
        "there are no plugins in this version: what leaves is plain Shadowsocks, which a peer behind a plugin "
        + "does not understand"

    private static let notes: [String: String] = [
        "plugin": pluginNote, "plugin_opts": pluginNote, "plugin_args": pluginNote,
        "log-file": "write \"log\": { \"file\": … }",
        "verbose": "write \"log\": { \"level\": \"debug\" }, or give -v",
        "runtime": "write \"workers\"",
        "user": "start the program as that user",
        "key": "a raw key is not understood; both ends need the same \"password\"",
        "tunnel_address":
            "write \"locals\": [ { \"protocol\": \"tunnel\", \"forward_address\": …, \"forward_port\": … } ]",
        "tunnel_remote":
            "write \"locals\": [ { \"protocol\": \"tunnel\", \"forward_address\": …, \"forward_port\": … } ]",
        "security": "a repeated salt is always refused here",
        "auth": "one-time authentication was broken and is gone; the AEAD methods authenticate everything",
        "one_time_auth": "one-time authentication was broken and is gone; the AEAD methods authenticate everything",
    ]

    private static func rows(_ names: [String]) -> [SchemaKey] {
        names.map { SchemaKey($0, .anything, .both, .foreign(note: notes[$0])) }
    }

    /// SIP003.
    private static let plugin = ["plugin", "plugin_opts", "plugin_args"]

    /// RS, at the top and in `servers`.
    private static let outbound = [
        "outbound_fwmark", "outbound_bind_addr", "outbound_bind_interface", "outbound_udp_allow_fragmentation",
        "outbound_proxy", "outbound_send_buffer_size", "outbound_recv_buffer_size", "inbound_send_buffer_size",
        "inbound_recv_buffer_size",
    ]

    private static let rust = [
        "plugin_mode", "udp_max_associations", "udp_mtu", "dns_cache_size",
        "ipv6_only", "mptcp", "security", "balancer", "runtime", "local_udp_address",
        "local_udp_port", "tcp_redir", "udp_redir", "forward_address", "forward_port", "id", "bytes_used",
        "bytes_remaining",
    ]

    private static let libev = [
        "local_ipv4_address", "local_ipv6_address", "key", "user", "reuse_port", "tcp_incoming_sndbuf",
        "tcp_incoming_rcvbuf", "tcp_outgoing_sndbuf", "tcp_outgoing_rcvbuf", "dscp", "tunnel_address", "mtu",
        "use_syslog", "tcp_tproxy", "workdir", "auth",
    ]

    private static let python = [
        "pid-file", "log-file", "verbose", "one_time_auth", "tunnel_remote", "tunnel_remote_port", "tunnel_port",
        "libopenssl", "libmbedtls", "libsodium", "daemon",
    ]

    private static let rustLocal = [
        "local_udp_address", "local_udp_port", "tcp_redir", "udp_redir", "local_dns_address", "local_dns_port",
        "remote_dns_address", "remote_dns_port", "client_cache_size", "tun_interface_name",
        "tun_interface_address", "tun_interface_destination", "tun_device_fd_from_path",
        "socks5_auth_config_path", "http_auth_config_path", "fake_dns_record_expire_duration",
        "fake_dns_ipv4_network", "fake_dns_ipv6_network", "fake_dns_database_path", "fake_dns_database",
        "launchd_tcp_socket_name", "launchd_udp_socket_name",
    ]
}
