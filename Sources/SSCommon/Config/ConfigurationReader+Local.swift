// The part of a configuration that only sslocal reads.

extension ConfigurationReader {
    private static let services = ["mixed", "socks", "http", "tunnel"]
    /// Of shadowsocks-rust; a drop-in configuration starts without them.
    private static let foreignServices: Set = ["redir", "dns", "tun", "fake-dns"]

    mutating func localConfiguration() -> LocalConfiguration? {
        let placed = endpoints()
        for (endpoint, setting) in placed {
            guard endpoint.address.isUnspecified else { continue }
            report(
                .doubtful, "\(endpoint.address) is nowhere to connect to", setting,
                label: "a server listens there", help: "write the name or address of your server")
        }
        let configuration = LocalConfiguration(
            servers: placed.map(\.endpoint), locals: locals(), settings: common(), onUnreachable: onUnreachable(),
            online: online())
        return faults.hasErrors ? nil : configuration
    }

    /// The command is run without a shell, from whatever directory the program was started in.
    private mutating func onUnreachable() -> [String]? {
        guard let setting = top["on_unreachable"] else { return nil }
        let words = setting.elements.compactMap(\.text)
        guard let program = words.first, !program.isEmpty else {
            report(
                .badValue, "\(setting.shown) names no program", setting,
                help: "write the program and its arguments: [\"/usr/local/bin/new-address\", \"vps\"]")
            return nil
        }
        if program.contains("/"), !program.hasPrefix("/") {
            report(
                .badValue, "\(TerminalText.quote(program)) is a relative path", setting.elements[0],
                label: "of a program to run",
                help: "write the whole path, or the name alone of a program in $PATH; there is no shell")
            return nil
        }
        return words
    }

    private mutating func online() -> OnlineConfiguration? {
        guard let section = top["online_config"]?.section else { return nil }
        guard let setting = section["config_url"], let text = expanded(setting) else {
            missing("config_url", in: section)
            return nil
        }
        do throws(HTTPSAddress.Fault) {
            return OnlineConfiguration(
                try HTTPSAddress(text),
                interval: section["update_interval"]?.time ?? OnlineConfiguration.usualInterval,
                isDirect: section["through"]?.text == "direct")
        } catch {
            report(.badValue, error.description, setting, help: "write \"https://example.com/path/servers.json\"")
            return nil
        }
    }

    private mutating func locals() -> [LocalListener] {
        let fromFlags = flags["local_address"] != nil || flags["local_port"] != nil
        let hasEntries = !fromFlags && (top["locals"] != nil || top.faulty.contains("locals"))
        let topKeys = ["local_address", "local_port"]
        let topIsOne = !hasEntries || topKeys.contains { top[$0] != nil || top.faulty.contains($0) }
        var placed: [(listener: LocalListener, setting: Setting)] = []
        if topIsOne, let listener = listener(top) { placed.append(listener) }
        if hasEntries {
            for entry in top.elements("locals").compactMap(\.section) where entry["disabled"]?.flag != true {
                if let listener = listener(entry) { placed.append(listener) }
            }
        }
        if placed.isEmpty, !faults.hasErrors {
            faults.add(
                .nothingToServe, "nothing is offered on the laptop", at: top["locals"]?.keySpan ?? top.span,
                in: top.source, help: "add { \"protocol\": \"mixed\", \"local_port\": 1080 }")
        }
        reportSameListeners(placed.map { ($0.listener.address, .tcpOnly, $0.setting) })
        return placed.map(\.listener)
    }

    private mutating func listener(_ entry: CheckedSection) -> (LocalListener, Setting)? {
        guard let service = service(entry) else { return nil }
        let address = flags["local_address"] ?? entry["local_address"]
        let port = flags["local_port"] ?? entry["local_port"]
        let usual = IPAddress.v4(IPv4Address(127, 0, 0, 1))
        let usual6 = IPAddress.v6(IPv6Address(high: 0, low: 1))
        let host = address?.host ?? HostPort(.ip(top["ipv6_first"]?.flag == true ? usual6 : usual))
        let number = flags["local_port"]?.number ?? host.port.map(Int.init) ?? port?.number ?? 1080
        let place = TargetAddress(host.host, port: UInt16(exactly: number) ?? 1080)
        let listener = LocalListener(service, at: place, mode: mode(of: entry), users: users(entry, service))
        for key in ["certificate", "key", "acl"] {
            if let setting = entry[key] { reportNotActedOn(setting) }
        }
        if listener.users.isEmpty, !listener.address.isLoopback, let address {
            report(
                .openProxy, "whoever can reach \(listener.address) can use your server", address,
                help: "listen on 127.0.0.1, or add \"users\" to this entry of \"locals\"")
        }
        return (listener, port ?? address ?? entry.place)
    }

    // MARK: Protocols

    private mutating func service(_ entry: CheckedSection) -> LocalListener.Service? {
        guard let setting = entry["protocol"], let name = setting.text else {
            return entry.faulty.contains("protocol") ? nil : .mixed
        }
        switch name {
        case "mixed": return .mixed
        case "socks": return .socks
        case "http": return .http
        case "tunnel": return tunnel(entry)
        case "https":
            report(
                .unsupported, "protocol \"https\" is not supported by this version", setting,
                help: "use \"mixed\" or \"http\"; what leaves the laptop is encrypted all the same")
        case _ where Self.foreignServices.contains(name):
            report(
                .ignored, "protocol \(TerminalText.quote(name)) has no effect here", setting,
                label: "of another Shadowsocks; this entry is left out")
        default:
            report(
                .unknownChoice, "unknown protocol \(TerminalText.quote(name))", setting,
                label: "must be \(ChoiceList.text(Self.services))",
                help: NearestName.of(name, among: Self.services).map { "did you mean \"\($0)\"?" })
        }
        return nil
    }

    private mutating func tunnel(_ entry: CheckedSection) -> LocalListener.Service? {
        guard let setting = entry["forward_address"], let host = setting.host else {
            missing("forward_address", in: entry)
            return nil
        }
        guard let port = host.port ?? entry["forward_port"]?.number.flatMap({ UInt16(exactly: $0) }) else {
            missing("forward_port", in: entry)
            return nil
        }
        return .tunnel(TargetAddress(host.host, port: port))
    }

    // MARK: Users of the laptop's proxy

    private mutating func users(_ entry: CheckedSection, _ service: LocalListener.Service) -> [LocalUser] {
        guard let list = entry["users"] else { return [] }
        if case .tunnel = service, !list.elements.isEmpty {
            report(
                .conflict, "a tunnel has no users", list, help: "whoever can connect to it uses it; remove \"users\"")
            return []
        }
        var names: Set<String> = []
        return list.elements.compactMap { element in
            guard let section = element.section else { return nil }
            guard let name = section["name"], let password = section["password"] else {
                if section["name"] == nil { missing("name", in: section) }
                if section["password"] == nil { missing("password", in: section) }
                return nil
            }
            return localUser(name, password, names: &names)
        }
    }

    /// RFC 1929 section 2: 1...255 bytes each. RFC 7617 section 2: no colon in the name.
    private mutating func localUser(_ name: Setting, _ password: Setting, names: inout Set<String>) -> LocalUser? {
        guard let nameText = name.text, let passwordText = expanded(password) else { return nil }
        for (setting, text) in [(name, nameText), (password, passwordText)] where text.utf8.count > 255 {
            report(.badValue, "\(setting.shown) is too long", setting, label: "at most 255 bytes")
        }
        if nameText.contains(":") {
            report(.badValue, "a colon in a user's name", name, label: "HTTP cannot carry it")
        }
        if !names.insert(nameText).inserted {
            report(.repeatedKey, "two users named \(TerminalText.quote(nameText))", name)
        }
        return LocalUser(name: nameText, password: passwordText)
    }
}

extension TargetAddress {
    /// 0.0.0.0 or ::.
    var isUnspecified: Bool {
        switch host {
        case .ip(.v4(let address)): address.value == 0
        case .ip(.v6(let address)): address.high == 0 && address.low == 0
        case .name: false
        }
    }

    /// An address only this machine can reach (RFC 6890, RFC 6761 6.3).
    var isLoopback: Bool {
        switch host {
        case .ip(let address): address.isLoopback
        case .name(let name): name.text?.lowercased() == "localhost"
        }
    }
}
