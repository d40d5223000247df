// The table of all our keys (contract of config.json), section by section. Keys of other implementations are
// in Schema+Foreign.

package enum Schema {
    /// Every key of a section, ours first.
    package static func keys(of section: SchemaSection) -> [SchemaKey] { tables[section]?.keys ?? [] }

    /// The row for a key as it is written, aliases included.
    package static func key(_ name: String, in section: SchemaSection) -> SchemaKey? {
        tables[section].flatMap { table in table.index[name].map { table.keys[$0] } }
    }

    /// The names worth suggesting in a section: ours, in every spelling.
    static func names(in section: SchemaSection) -> [String] {
        keys(of: section).filter(\.isOurs).flatMap { [$0.name] + $0.aliases }
    }

    /// The sections that know this key, for "it belongs in …".
    static func sections(knowing name: String) -> [SchemaSection] {
        SchemaSection.allCases.filter { key(name, in: $0)?.isOurs ?? false }
    }

    private struct Table: Sendable {
        let keys: [SchemaKey]
        let index: [String: Int]

        init(_ keys: [SchemaKey]) {
            self.keys = keys
            var index: [String: Int] = [:]
            for (position, key) in keys.enumerated() {
                for name in [key.name] + key.aliases {
                    precondition(index.updateValue(position, forKey: name) == nil, "\(name) is in the table twice")
                }
            }
            self.index = index
        }
    }

    private static let tables: [SchemaSection: Table] = Dictionary(
        uniqueKeysWithValues: SchemaSection.allCases.map { ($0, Table(own($0) + foreign($0))) })

    private static func own(_ section: SchemaSection) -> [SchemaKey] {
        switch section {
        case .top: endpoint + general + local + server
        case .serverEntry: endpoint + [SchemaKey("disabled", .flag)]
        case .user: user
        case .localEntry: localEntry
        case .localUser: [SchemaKey("name", .text), SchemaKey("password", .secret)]
        case .egress: egress
        case .blacklist: blacklist
        case .cache: cache
        case .cacheHost: cacheHost
        case .admin: admin
        case .limits: limits
        case .online: online
        case .log: log
        }
    }

    static let idleTimes: ClosedRange<Duration> = .seconds(1)...(.seconds(365 * 86_400))

    /// What names one Shadowsocks server, at the top or in `servers`.
    private static let endpoint = [
        SchemaKey("server", .oneOrMany(.host), aliases: ["address"]),
        SchemaKey("server_port", .oneOrMany(.port), aliases: ["port"]),
        SchemaKey("method", .text),
        SchemaKey("password", .secret),
        SchemaKey("password_file", .text),
        SchemaKey("users", .list(.section(.user)), .only(.server)),
        SchemaKey("name", .anyText, aliases: ["remarks"]),
        SchemaKey("mode", .choice(RelayMode.allCases.map(\.rawValue))),
        SchemaKey("timeout", .time(idleTimes)),
    ]

    private static let general = [
        SchemaKey("servers", .list(.section(.serverEntry)), aliases: ["shadowsocks"]),
        SchemaKey("udp_timeout", .time(idleTimes)),
        SchemaKey("fast_open", .flag, .both, .planned),
        SchemaKey("no_delay", .flag),
        SchemaKey("keep_alive", .time(.zero...(.seconds(86_400))), aliases: ["keepalive"]),
        SchemaKey("ipv6_first", .flag, aliases: ["prefer_ipv6"]),
        SchemaKey("nameserver", .oneOrMany(.nameserver), aliases: ["dns", "dns_server"]),
        SchemaKey("nofile", .count(64...(1 << 30))),
        SchemaKey("workers", .count(1...1024)),
        SchemaKey("acl", .text, .both, .planned),
        SchemaKey("log", .section(.log)),
        SchemaKey("state_directory", .text),
        SchemaKey("admin", .section(.admin)),
    ]

    private static let local = [
        SchemaKey("local_address", .host, .only(.local)),
        SchemaKey("local_port", .port, .only(.local)),
        SchemaKey("protocol", .text, .only(.local)),
        SchemaKey("locals", .list(.section(.localEntry)), .only(.local)),
        SchemaKey("on_unreachable", .list(.anyText), .only(.local)),
        SchemaKey("online_config", .section(.online), .only(.local)),
    ]

    private static let server = [
        SchemaKey("port_password", .portPasswords, .only(.server)),
        SchemaKey("public_host", .host, .only(.server)),
        SchemaKey("forbidden_ip", .oneOrMany(.anyText), .only(.server)),
        SchemaKey("egress", .section(.egress), .only(.server)),
        SchemaKey("blacklist", .section(.blacklist), .only(.server)),
        SchemaKey("cache", .section(.cache), .only(.server)),
        SchemaKey("limits", .section(.limits), .only(.server)),
        SchemaKey("manager_address", .text, .only(.server)),
        SchemaKey("manager_port", .port, .only(.server)),
    ]

    private static let limits = [
        SchemaKey("streams", .count(1...1_000_000)),
        SchemaKey("streams_per_source", .count(1...1_000_000)),
        SchemaKey("waiting_per_source", .count(1...1_000_000)),
    ]

    private static let user = [
        SchemaKey("name", .text),
        SchemaKey("password", .secret),
        SchemaKey("quota", .size),
        SchemaKey("rate", .size),
        SchemaKey("streams", .count(1...1_000_000)),
        SchemaKey("expires", .day),
    ]

    private static let localEntry = [
        SchemaKey("protocol", .text),
        SchemaKey("local_address", .host),
        SchemaKey("local_port", .port),
        SchemaKey("mode", .choice(RelayMode.allCases.map(\.rawValue))),
        SchemaKey("forward_address", .host),
        SchemaKey("forward_port", .port),
        SchemaKey("users", .list(.section(.localUser))),
        SchemaKey("disabled", .flag),
        SchemaKey("certificate", .text, .both, .planned),
        SchemaKey("key", .text, .both, .planned),
        SchemaKey("acl", .text, .both, .planned),
    ]

    private static let egress = [
        SchemaKey("allow_private", .flagOr(.list(.prefix))),
        SchemaKey("deny_ports", .list(.port)),
    ]

    private static let blacklist = [
        SchemaKey("files", .list(.text)),
        SchemaKey("rules", .list(.text)),
        SchemaKey("clients", .list(.prefix)),
        SchemaKey("sniff", .flag),
        SchemaKey("contact", .text),
        SchemaKey("end_sessions", .flag),
    ]

    private static let cache = [
        SchemaKey("enabled", .flag),
        SchemaKey("ports", .list(.port)),
        SchemaKey("memory", .size),
        SchemaKey("disk", .size),
        SchemaKey("directory", .text),
        SchemaKey("max_object", .size),
        SchemaKey("default_ttl", .time(.zero...(.seconds(365 * 86_400)))),
        SchemaKey("hosts", .list(.section(.cacheHost))),
        SchemaKey("ttl_header", .text),
        SchemaKey("set_cookie", .choice(["store", "strip", "bypass"])),
        SchemaKey("private_users", .flag),
        SchemaKey("targeted_fields", .list(.text)),
    ]

    private static let cacheHost = [
        SchemaKey("host", .text),
        SchemaKey("ttl", .time(.zero...(.seconds(365 * 86_400)))),
    ]

    private static let admin = [
        SchemaKey("socket", .text),
        SchemaKey("listen", .host, .both, .planned),
        SchemaKey("token_file", .text),
        SchemaKey("bandwidth_api", .flag, .both, .planned),
    ]

    private static let online = [
        SchemaKey("config_url", .secret),
        SchemaKey("update_interval", .time(.seconds(60)...(.seconds(30 * 86_400)))),
        SchemaKey("through", .choice(["tunnel", "direct"])),
    ]

    private static let log = [
        SchemaKey("level", .logLevel),
        SchemaKey("format", .logFormat),
        SchemaKey("file", .text),
    ]
}
