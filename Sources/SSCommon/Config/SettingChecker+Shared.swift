// Types whose forms come from more than one implementation: name servers, log settings, and the ports with
// passwords of shadowsocks-libev and python.

extension SettingChecker {
    mutating func nameserver(_ value: JSONValue, _ shown: String) -> Setting.Content? {
        guard case .string(let text) = value.kind else {
            wrongType(value, shown, wanted: "an IP address in quotes")
            return nil
        }
        if text == "system" { return .nameservers([]) }
        do throws(Nameserver.Fault) {
            return .nameservers(try Nameserver.list(text))
        } catch {
            return nameserverFault(error, text, value, shown)
        }
    }

    private mutating func nameserverFault(
        _ fault: Nameserver.Fault, _ text: String, _ value: JSONValue, _ shown: String
    ) -> Setting.Content? {
        switch fault {
        case .empty:
            faults.add(.badHost, "\(shown) is empty", at: value.span, in: source)
        case .notAnAddress(let part) where part.hasSuffix("_tls") || part.hasSuffix("_https"):
            return encryptedDNS(value, shown)
        case .notAnAddress(let part):
            faults.add(
                .badHost, "\(TerminalText.quote(part)) is no IP address", at: value.span, in: source,
                help: "a name server is given by its address, such as 1.1.1.1 or [2606:4700:4700::1111]:53")
        case .badPort:
            faults.add(.badPort, "port out of range", at: value.span, in: source, label: "must be 1…65535")
        case .unsupportedScheme:
            return encryptedDNS(value, shown)
        case .tooMany:
            faults.add(
                .outOfRange, "too many name servers", at: value.span, in: source,
                label: "at most \(Nameserver.limit)")
        }
        return nil
    }

    /// What shadowsocks-rust has and we have not: a drop-in configuration still starts.
    private mutating func encryptedDNS(_ value: JSONValue, _ shown: String) -> Setting.Content {
        faults.add(
            .ignored, "\(shown) has no effect here", at: value.span, in: source,
            label: "only plain DNS over UDP or TCP", help: "the system's resolver is used; or write an address")
        return .nameservers([])
    }

    mutating func logLevel(_ value: JSONValue, _ shown: String) -> Setting.Content? {
        switch value.kind {
        case .number(let digits):
            switch JSONNumber.integer(digits) {
            case 0: return .logLevel(.info)
            case 1: return .logLevel(.debug)
            default: return .logLevel(.trace)
            }
        case .string(let text):
            if let level = LogLevel(name: text) { return .logLevel(level) }
            let names = LogLevel.allCases.reversed().map { "\($0.name)" }
            unknownChoice(value, text, among: names, shown)
            return nil
        case .null, .bool, .array, .object:
            wrongType(value, shown, wanted: "text in quotes")
            return nil
        }
    }

    mutating func logFormat(_ value: JSONValue, _ shown: String) -> Setting.Content? {
        switch value.kind {
        case .string(let text):
            if let format = LogFormat(rawValue: text) { return .logFormat(format) }
            unknownChoice(value, text, among: LogFormat.allCases.map(\.rawValue), shown)
            return nil
        case .object:
            faults.add(
                .ignored, "\(shown) has no effect here", at: SourceSpan(value.span.start, value.span.start + 1),
                in: source, label: "the form of another Shadowsocks",
                help: "write \(ChoiceList.text(LogFormat.allCases.map { "\"\($0.rawValue)\"" }))")
            return .nothing
        case .null, .bool, .number, .array:
            wrongType(value, shown, wanted: "text in quotes")
            return nil
        }
    }

    mutating func portPasswords(_ value: JSONValue, _ shown: String) -> Setting.Content? {
        guard case .object(let members) = value.kind else {
            wrongType(value, shown, wanted: "an object { \"PORT\": \"PASSWORD\" }")
            return nil
        }
        var complete = true
        var ports: [(port: Setting, password: Setting)] = []
        var first: [Int: JSONMember] = [:]
        for member in members where !member.key.hasPrefix("//") && !member.key.hasPrefix("_") {
            let key = JSONValue(.string(member.key), member.keySpan)
            let port = setting(key, .port, shown: "a key of \(shown)")
            let password = setting(member.value, .secret, shown: "the password of \(TerminalText.quote(member.key))")
            guard let port, let password, let number = port.number else {
                complete = false
                continue
            }
            if let earlier = first[number] {
                if faults.isFull { return nil }
                let place = source.position(of: earlier.keySpan.start)
                faults.add(
                    .repeatedKey, "repeated port \(number)", at: member.keySpan, in: source,
                    label: "first given at \(place.line):\(place.column)", help: "keep one of the two")
                complete = false
                continue
            }
            first[number] = member
            ports.append((port, password))
        }
        return complete ? .portPasswords(ports) : nil
    }
}
