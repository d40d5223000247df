// The part of a configuration that only ssserver reads.

extension ConfigurationReader {
    mutating func serverConfiguration() -> ServerConfiguration? {
        for name in ["local_address", "local_port"] {
            guard let flag = flags[name] else { continue }
            report(.ignored, "\(flag.shown) has no effect here", flag, label: "ssserver has no local side")
        }
        let hasManager = flags["manager_address"] != nil || top["manager_address"] != nil
        let placed = hasManager && !namesPort ? [] : endpoints()
        if let users = top["users"], top["servers"] != nil, top["server"] == nil, !users.elements.isEmpty {
            report(
                .ignored, "\(users.shown) has no effect here", users, label: "users belong to an entry of \"servers\"")
        }
        reportSameListeners(placed.map { ($0.endpoint.address, $0.endpoint.mode, $0.setting) })
        var configuration = ServerConfiguration(
            listeners: placed.map(\.endpoint), egress: egress(), settings: common(), blacklist: blacklist(),
            cache: cache(), admin: admin(), limits: limits(), manager: manager(placed.first?.endpoint))
        configuration.publicHost = publicHost()
        return faults.hasErrors ? nil : configuration
    }

    private mutating func publicHost() -> HostPort? {
        guard let setting = top["public_host"], let place = setting.host else { return nil }
        if case .ip(let address) = place.host, address.isUnspecified {
            report(
                .badValue, "\(setting.shown) is \(address), which is nowhere to connect to", setting,
                label: "a server listens there", help: "write the name or address by which laptops reach the server")
        }
        return place
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

    private func limits() -> ConnectionLimits {
        var limits = ConnectionLimits()
        guard let section = top["limits"]?.section else { return limits }
        limits.streams = section["streams"]?.number ?? limits.streams
        limits.streamsPerSource = section["streams_per_source"]?.number ?? limits.streamsPerSource
        limits.waitingPerSource = section["waiting_per_source"]?.number ?? limits.waitingPerSource
        return limits
    }

    /// `127.0.0.1:6001`, or with the port in `manager_port`, or a path.
    private mutating func managerPlace() -> ManagerPlace? {
        guard let setting = flags["manager_address"] ?? top["manager_address"], let text = setting.text else {
            return nil
        }
        if text.contains("/") { return .socket(text) }
        guard let place = try? HostPort(text), let port = place.port ?? top["manager_port"]?.number.flatMap(UInt16.init)
        else {
            report(.badPort, "no address with a port, and no path", setting, label: "such as 127.0.0.1:6001")
            return nil
        }
        let target = TargetAddress(place.host, port: port)
        if target.isLoopback, case .name = place.host { return .port(.v4(IPv4Address(127, 0, 0, 1)), port) }
        guard case .ip(let address) = place.host else {
            report(.badHost, "a name", setting, label: "an address belongs here", help: "such as 127.0.0.1:6001")
            return nil
        }
        if !target.isLoopback {
            report(
                .doubtful, "whoever can reach \(target) can open and close ports", setting,
                label: "the protocol knows no password", help: "use 127.0.0.1, or a path")
        }
        return .port(address, port)
    }

    /// Panels may be the only ones to name ports.
    private var namesPort: Bool {
        ["server_port", "servers", "port_password", "password", "password_file"].contains {
            flags[$0] != nil || top[$0] != nil || top.faulty.contains($0)
        }
    }

    private mutating func manager(_ first: EndpointConfiguration?) -> ManagerConfiguration? {
        guard let place = managerPlace() else { return nil }
        let host = top["server"]?.elements.first?.host?.host ?? .ip(.v4(IPv4Address(0)))
        let usual = EndpointConfiguration(
            TargetAddress(host, port: 0), method: namedMethod(of: top) ?? .chacha20Poly1305, password: .text(""),
            mode: mode(of: top), timeout: top["timeout"]?.time ?? EndpointConfiguration.defaultTimeout)
        return ManagerConfiguration(place: place, template: first ?? usual)
    }

    private func blacklist() -> BlacklistConfiguration {
        var blacklist = BlacklistConfiguration()
        guard let section = top["blacklist"]?.section else { return blacklist }
        blacklist.files = section.elements("files").compactMap(\.text)
        blacklist.rules = section.elements("rules").compactMap { setting in setting.text.map { rule($0, setting) } }
        blacklist.clients = section.elements("clients").compactMap { setting in
            setting.prefix.map { rule("client:\($0)", setting) }
        }
        blacklist.sniff = section["sniff"]?.flag ?? blacklist.sniff
        blacklist.contact = section["contact"]?.text
        blacklist.endsSessions = section["end_sessions"]?.flag ?? blacklist.endsSessions
        return blacklist
    }

    private func rule(_ text: String, _ setting: Setting) -> ConfiguredRule {
        ConfiguredRule(text, source: setting.source.path, line: setting.source.position(of: setting.span.start).line)
    }

    private mutating func cache() -> CacheConfiguration {
        var cache = CacheConfiguration()
        guard let section = top["cache"]?.section else { return cache }
        cache.isEnabled = section["enabled"]?.flag ?? cache.isEnabled
        if section["ports"] != nil { cache.ports = ports(section, "ports") }
        cache.memory = section["memory"]?.size ?? cache.memory
        cache.disk = section["disk"]?.size
        cache.directory = section["directory"]?.text ?? cache.directory
        cache.maxObject = section["max_object"]?.size ?? cache.maxObject
        cache.defaultTTL = section["default_ttl"]?.time ?? cache.defaultTTL
        cache.setCookie = section["set_cookie"]?.text ?? cache.setCookie
        cache.privateUsers = section["private_users"]?.flag ?? cache.privateUsers
        if let setting = section["ttl_header"] { cache.ttlHeader = fieldName(setting) }
        cache.targetedFields = section.elements("targeted_fields").compactMap { fieldName($0) }
        for element in section.elements("hosts") {
            guard let entry = element.section, let host = entry["host"], let name = host.text else {
                report(.missingKey, "a host without \"host\"", element)
                continue
            }
            guard case .name(let known)? = TargetAddress(host: name, port: 1)?.host, let text = known.text else {
                report(.badHost, "not a host name", host)
                continue
            }
            cache.hostTTLs[text.lowercased()] = entry["ttl"]?.time ?? .zero
        }
        return cache
    }

    /// In lower case.
    private mutating func fieldName(_ setting: Setting) -> String? {
        guard let text = setting.text, !text.isEmpty, text.utf8.allSatisfy(isTokenByte) else {
            if setting.text != nil { report(.badValue, "not the name of an HTTP field", setting) }
            return nil
        }
        return text.lowercased()
    }

    // MARK: Checked, and not acted on

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
        if let setting = section["listen"] { reportNotActedOn(setting) }
        if admin.hasBandwidthAPI, let setting = section["bandwidth_api"] { reportNotActedOn(setting) }
        return admin
    }
}
