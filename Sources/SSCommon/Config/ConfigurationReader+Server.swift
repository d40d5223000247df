// The part of a configuration that only ssserver reads.

extension ConfigurationReader {
    mutating func serverConfiguration() -> ServerConfiguration? {
        for name in ["local_address", "local_port"] {
            guard let flag = flags[name] else { continue }
            report(.ignored, "\(flag.shown) has no effect here", flag, label: "ssserver has no local side")
        }
        let placed = endpoints()
        if let users = top["users"], top["servers"] != nil, top["server"] == nil, !users.elements.isEmpty {
            report(
                .ignored, "\(users.shown) has no effect here", users, label: "users belong to an entry of \"servers\"")
        }
        reportSameListeners(placed.map { ($0.endpoint.address, $0.endpoint.mode, $0.setting) })
        var configuration = ServerConfiguration(
            listeners: placed.map(\.endpoint), egress: egress(), settings: common(), blacklist: blacklist(),
            cache: cache(), admin: admin())
        configuration.publicHost = top["public_host"]?.host
        return faults.hasErrors ? nil : configuration
    }

    private mutating func egress() -> EgressConfiguration {
        var egress = EgressConfiguration()
        if let section = top["egress"]?.section {
            if let setting = section["allow_private"] {
                let open = setting.elements.compactMap(\.prefix)
                egress.allowPrivate = setting.flag == true ? .all : open.isEmpty ? .none : .only(open)
            }
            if section["deny_ports"] != nil { egress.denyPorts = ports(section, "deny_ports") }
        }
        for setting in top.elements("forbidden_ip") {
            for part in (setting.text ?? "").split(whereSeparator: { $0 == "," || $0 == " " }) {
                if let prefix = IPPrefix(part) {
                    egress.denied.append(prefix)
                } else {
                    report(
                        .ignored, "\(TerminalText.quote(part)) has no effect here", setting,
                        label: "not an address range", help: "private addresses are refused without it")
                }
            }
        }
        return egress
    }

    private func ports(_ section: CheckedSection, _ key: String) -> [UInt16] {
        section.elements(key).compactMap { $0.number.flatMap { UInt16(exactly: $0) } }
    }

    // MARK: Checked, and not acted on

    private mutating func blacklist() -> BlacklistConfiguration {
        var blacklist = BlacklistConfiguration()
        guard let section = top["blacklist"]?.section else { return blacklist }
        blacklist.files = section.elements("files").compactMap(\.text)
        blacklist.rules = section.elements("rules").compactMap(\.text)
        blacklist.clients = section.elements("clients").compactMap(\.prefix)
        blacklist.sniff = section["sniff"]?.flag ?? blacklist.sniff
        for key in ["files", "rules", "clients"] {
            if let setting = section[key], !setting.elements.isEmpty { reportNotActedOn(setting) }
        }
        return blacklist
    }

    private mutating func cache() -> CacheConfiguration {
        var cache = CacheConfiguration()
        guard let section = top["cache"]?.section else { return cache }
        cache.isEnabled = section["enabled"]?.flag ?? cache.isEnabled
        if section["ports"] != nil { cache.ports = ports(section, "ports") }
        cache.memory = section["memory"]?.size ?? cache.memory
        cache.disk = section["disk"]?.size ?? cache.disk
        cache.directory = section["directory"]?.text ?? cache.directory
        cache.maxObject = section["max_object"]?.size ?? cache.maxObject
        cache.defaultTTL = section["default_ttl"]?.time ?? cache.defaultTTL
        cache.ttlHeader = section["ttl_header"]?.text
        if cache.isEnabled, let setting = section["enabled"] { reportNotActedOn(setting) }
        return cache
    }

    private mutating func admin() -> AdminConfiguration {
        var admin = AdminConfiguration()
        guard let section = top["admin"]?.section else { return admin }
        admin.tokenFile = section["token_file"]?.text
        admin.hasBandwidthAPI = section["bandwidth_api"]?.flag ?? admin.hasBandwidthAPI
        if let setting = section["listen"], let host = setting.host {
            if let port = host.port {
                admin.listen = TargetAddress(host.host, port: port)
            } else {
                report(.badPort, "no port", setting, label: "write ADDRESS:PORT")
            }
        }
        for key in ["listen", "token_file"] {
            if let setting = section[key] { reportNotActedOn(setting) }
        }
        if admin.hasBandwidthAPI, let setting = section["bandwidth_api"] { reportNotActedOn(setting) }
        return admin
    }
}
