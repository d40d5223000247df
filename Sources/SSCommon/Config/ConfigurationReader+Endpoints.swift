// `server` … `servers` … `port_password`: every way the Shadowsocks world has of naming one or more servers,
// brought to one list. What an entry of `servers` does not say, the top level says for it.

/// A server and the setting to point at when two of them collide.
typealias PlacedEndpoint = (endpoint: EndpointConfiguration, setting: Setting)

extension ConfigurationReader {
    /// More than this many servers is a slip; lists of hosts and ports multiply.
    private static let endpointLimit = 4096

    mutating func endpoints() -> [PlacedEndpoint] {
        var results: [PlacedEndpoint] = []
        let hasEntries = flags["server"] == nil && (top["servers"] != nil || top.faulty.contains("servers"))
        let topIsOne = !hasEntries || top["server"] != nil || top.faulty.contains("server")
        if topIsOne { append(entry: top, isTop: true, to: &results) }
        if hasEntries {
            for entry in top.elements("servers").compactMap(\.section) where entry["disabled"]?.flag != true {
                append(entry: entry, isTop: false, to: &results)
            }
        }
        if results.isEmpty, !faults.hasErrors {
            faults.add(
                .nothingToServe, "no server is left", at: top["servers"]?.keySpan ?? top.span, in: top.source,
                label: "all are disabled, or there are none", help: "add one, or remove \"disabled\"")
        }
        return results
    }

    private mutating func append(entry: CheckedSection, isTop: Bool, to results: inout [PlacedEndpoint]) {
        let addresses = addresses(of: entry, namedMethod(of: entry), isTop: isTop)
        let method = method(of: entry)
        let mode = mode(of: entry)
        let timeout = (flags["timeout"] ?? entry["timeout"] ?? top["timeout"])?.time
        let users = users(of: entry, method)
        for (address, setting, password) in addresses {
            if results.count == Self.endpointLimit {
                faults.add(
                    .outOfRange, "too many servers", at: entry.span, in: entry.source,
                    label: "more than \(Self.endpointLimit)")
                return
            }
            guard let method, let password else { continue }
            let endpoint = EndpointConfiguration(
                address, method: method, password: password, name: entry["name"]?.text, mode: mode,
                timeout: timeout ?? EndpointConfiguration.defaultTimeout, users: users)
            results.append((endpoint, setting))
        }
    }

    func mode(of entry: CheckedSection) -> RelayMode {
        (flags["mode"] ?? entry["mode"] ?? top["mode"])?.text.flatMap(RelayMode.init(rawValue:)) ?? .tcpAndUDP
    }

    // MARK: Addresses

    private typealias Place = (address: TargetAddress, setting: Setting, password: PasswordSource?)

    private mutating func addresses(of entry: CheckedSection, _ method: CipherMethod?, isTop: Bool) -> [Place] {
        let hosts = hosts(of: entry)
        let hasFlagPort = flags["server_port"] != nil || flags["server"]?.host?.port != nil
        if isTop, !hasFlagPort, flags["server"] == nil, case .portPasswords(let ports) = entry["port_password"]?.content
        {
            return manyPorts(ports, hosts: hosts, entry: entry, method)
        }
        let ports = ports(of: entry, isTop: isTop)
        if ports.isEmpty, let first = hosts.first(where: { $0.host.port == nil }) {
            if let suggestion = first.host.withBrackets {
                report(
                    .missingKey, "no port, or an IPv6 address without brackets", first.setting,
                    help: "did you forget the brackets? write \(suggestion)")
            } else {
                reportMissing(
                    "server_port", flag: "-p PORT", in: entry, fix: "add \"server_port\": 8388, the same on both ends")
            }
        }
        let password = password(of: entry, method)
        var places: [Place] = []
        for (host, setting) in hosts {
            let own = flags["server_port"] == nil ? host.port.map { [$0] } : nil
            for port in own ?? ports {
                places.append((TargetAddress(host.host, port: port), setting, password))
                if places.count > Self.endpointLimit { return places }
            }
        }
        return places
    }

    private mutating func manyPorts(
        _ ports: [(port: Setting, password: Setting)], hosts: [(host: HostPort, setting: Setting)],
        entry: CheckedSection, _ method: CipherMethod?
    ) -> [Place] {
        for key in ["server_port", "password", "password_file"] {
            guard let setting = entry[key] else { continue }
            report(.ignored, "\(setting.shown) has no effect here", setting, label: "\"port_password\" says it all")
        }
        var places: [Place] = []
        for (port, password) in ports {
            let source = self.password(from: password, method)
            for (host, _) in hosts {
                guard let number = port.number.flatMap({ UInt16(exactly: $0) }) else { continue }
                places.append((TargetAddress(host.host, port: number), port, source))
                if places.count > Self.endpointLimit { return places }
            }
        }
        return places
    }

    private mutating func hosts(of entry: CheckedSection) -> [(host: HostPort, setting: Setting)] {
        if let flag = flags["server"], let host = flag.host {
            if let port = host.port, let other = flags["server_port"], other.number != Int(port) {
                report(.conflict, "-p names another port than -s", other, help: "give the port once")
            }
            return [(host, flag)]
        }
        if let given = entry["server"]?.elements {
            if given.isEmpty, let setting = entry["server"] {
                report(.badValue, "\(setting.shown) is empty", setting, label: "at least one belongs in it")
            }
            return given.compactMap { setting in setting.host.map { ($0, setting) } }
        }
        switch program {
        case .server:
            let any = HostPort(.ip(.v4(IPv4Address(0))))
            return [(any, flags["server_port"] ?? entry["server_port"] ?? entry.place)]
        case .local:
            reportMissing(
                "server", flag: "-s HOST:PORT", in: entry, fix: "add \"server\": the name or address of your server")
            return []
        }
    }

    private func ports(of entry: CheckedSection, isTop: Bool) -> [UInt16] {
        let setting = flags["server_port"] ?? entry["server_port"] ?? (isTop ? nil : top["server_port"])
        return (setting?.elements ?? []).compactMap { $0.number.flatMap { UInt16(exactly: $0) } }
    }
}
