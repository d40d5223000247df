// The entries of a SIP008 document, each judged for itself.

struct SIP008Reader {
    let source: SourceText
    var faults: FaultList

    typealias Members = [String: JSONMember]

    /// By name; of a repeated one the last, which is reported.
    mutating func members(of value: JSONValue) -> Members {
        guard case .object(let list) = value.kind else { return [:] }
        var members: Members = [:]
        for member in list where members.updateValue(member, forKey: member.key) != nil {
            faults.add(
                .repeatedKey, "\(TerminalText.quote(member.key)) stands here twice", at: member.keySpan, in: source)
        }
        return members
    }

    mutating func checkVersion(_ top: Members, _ root: JSONValue) {
        guard let version = top["version"] else {
            faults.add(
                .doubtful, "the document does not say its version", at: start(of: root), in: source,
                label: "taken for version 1")
            return
        }
        if case .number(let text) = version.value.kind, JSONNumber.integer(text) == 1 { return }
        faults.add(
            .unknownChoice, "unknown version of the document", at: version.value.span, in: source,
            label: "this program knows 1")
    }

    mutating func servers(_ top: Members, _ root: JSONValue) -> [ServerLink] {
        guard let list = top["servers"] else {
            faults.add(
                .missingKey, "\"servers\" is missing", at: start(of: root), in: source, label: "in this object")
            return []
        }
        guard case .array(let entries) = list.value.kind else {
            wrongType(list, "a list")
            return []
        }
        var servers: [ServerLink] = []
        for entry in entries.prefix(SIP008Document.serverLimit) {
            if let server = server(entry) { servers.append(server) }
        }
        if entries.count > SIP008Document.serverLimit {
            faults.add(
                .outOfRange, "too many servers", at: start(of: entries[SIP008Document.serverLimit]), in: source,
                label: "from here on none is read: more than \(SIP008Document.serverLimit)")
        }
        return servers
    }

    private mutating func server(_ entry: JSONValue) -> ServerLink? {
        guard case .object = entry.kind else {
            faults.add(.wrongType, "a server is an object", at: start(of: entry), in: source)
            return nil
        }
        let members = members(of: entry)
        // Each is looked at, so that all faults of an entry are said at once.
        let place = host(members, entry)
        let port = port(members, entry)
        let method = method(members, entry)
        let password = password(members, entry, method)
        let plugin = plugin(members)
        guard let place, let port, let method, let password, let plugin else { return nil }
        return ServerLink(
            method: method.rawValue, password: password, host: place.hostText, port: port,
            name: optionalText("remarks", members).flatMap(ServerLink.shownName), plugin: plugin,
            id: optionalText("id", members))
    }

    // MARK: Fields

    private mutating func host(_ members: Members, _ entry: JSONValue) -> HostPort? {
        guard let (text, span) = text("server", members, entry) else { return nil }
        do throws(HostPort.Fault) {
            let place = try HostPort(text)
            if place.port != nil {
                faults.add(.badHost, "a port in the host", at: span, in: source, label: "\"server_port\" says it")
                return nil
            }
            if case .ip(let address) = place.host, address.isUnspecified {
                faults.add(
                    .badHost, "\(address) is no server", at: span, in: source,
                    label: "it stands for every machine and names none")
                return nil
            }
            return place
        } catch {
            faults.add(.badHost, error.message, at: span, in: source, label: error.label, help: error.help)
            return nil
        }
    }

    private mutating func port(_ members: Members, _ entry: JSONValue) -> UInt16? {
        guard let member = required("server_port", members, entry) else { return nil }
        let port: UInt16?
        switch member.value.kind {
        case .number(let text): port = JSONNumber.integer(text).flatMap { UInt16(exactly: $0) }
        case .string(let text): port = HostPort.port(text)
        case .null, .bool, .array, .object: port = nil
        }
        if let port, port > 0 { return port }
        faults.add(
            .badPort, "port out of range", at: member.value.span, in: source, label: "the port must be 1…65535")
        return nil
    }

    private mutating func method(_ members: Members, _ entry: JSONValue) -> CipherMethod? {
        guard let (name, span) = text("method", members, entry) else { return nil }
        switch MethodName(name) {
        case .known(let method): return method
        case .refused(let reason):
            faults.add(
                .insecureMethod, "method \(TerminalText.quote(name)) is refused", at: span, in: source,
                label: "it protects nobody", help: reason)
        case .rare:
            faults.add(
                .unsupportedMethod, "method \(TerminalText.quote(name)) is not in this version", at: span, in: source)
        case .unknown(let suggestion):
            faults.add(
                .unknownMethod, "unknown method \(TerminalText.quote(name))", at: span, in: source,
                help: suggestion.map { "did you mean \"\($0)\"?" })
        }
        return nil
    }

    private mutating func password(
        _ members: Members, _ entry: JSONValue, _ method: CipherMethod?
    ) -> String? {
        guard let (password, span) = text("password", members, entry) else { return nil }
        guard let method, method.edition == .sip022 else { return password }
        do throws(PreSharedKeys.Fault) {
            _ = try PreSharedKeys.decode(password, for: method)
            return password
        } catch {
            faults.add(.badKey, error.message(method), at: span, in: source, label: error.label(method))
            return nil
        }
    }

    /// The outer nil for a faulty one. An empty name is no plugin.
    private mutating func plugin(_ members: Members) -> ServerLink.Plugin?? {
        for key in ["plugin", "plugin_opts"] {
            guard let member = members[key] else { continue }
            switch member.value.kind {
            case .string, .null: continue
            case .bool, .number, .array, .object:
                wrongType(member, "a text")
                return nil
            }
        }
        guard let name = optionalText("plugin", members), !name.isEmpty else { return .some(nil) }
        let options = optionalText("plugin_opts", members)
        return ServerLink.Plugin(name: name, options: options?.isEmpty == true ? nil : options)
    }

    // MARK: Types

    /// A text of at least one character.
    private mutating func text(
        _ key: String, _ members: Members, _ entry: JSONValue
    ) -> (text: String, span: SourceSpan)? {
        guard let member = required(key, members, entry) else { return nil }
        guard case .string(let text) = member.value.kind else {
            wrongType(member, "a text")
            return nil
        }
        if text.isEmpty {
            faults.add(.badValue, "\"\(key)\" is empty", at: member.value.span, in: source)
            return nil
        }
        return (text, member.value.span)
    }

    private func optionalText(_ key: String, _ members: Members) -> String? {
        guard case .string(let text) = members[key]?.value.kind else { return nil }
        return text
    }

    private mutating func required(_ key: String, _ members: Members, _ entry: JSONValue) -> JSONMember? {
        if let member = members[key] { return member }
        faults.add(
            .missingKey, "\"\(key)\" is missing", at: start(of: entry), in: source, label: "in this server's entry")
        return nil
    }

    private mutating func wrongType(_ member: JSONMember, _ wanted: String) {
        faults.add(
            .wrongType, "\(TerminalText.quote(member.key)) is \(wanted)", at: member.value.span, in: source)
    }

    /// A number of bytes; a foreign form of it is passed over.
    func count(_ key: String, _ top: Members) -> UInt64? {
        guard case .number(let text) = top[key]?.value.kind else { return nil }
        return JSONNumber.integer(text).flatMap { UInt64(exactly: $0) }
    }

    private func start(of value: JSONValue) -> SourceSpan {
        SourceSpan(value.span.start, min(value.span.start + 1, value.span.end))
    }
}
