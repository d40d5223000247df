// Holds a document against the table of keys: unknown, repeated and foreign keys, and every value's type and
// range. Goes on after each fault, so that all of them are reported at once.

struct SettingChecker {
    let program: Program
    let source: SourceText
    var faults: FaultList

    /// Checks the members of an object; nil only if `value` is no object.
    mutating func section(_ value: JSONValue, as kind: SchemaSection, shown: String) -> CheckedSection? {
        guard case .object(let members) = value.kind else {
            wrongType(value, shown, wanted: "an object { … }")
            return nil
        }
        var checked = CheckedSection(span: SourceSpan(value.span.start, value.span.start + 1), source: source)
        var first: [String: JSONMember] = [:]
        for member in members where !member.key.hasPrefix("//") && !member.key.hasPrefix("_") {
            guard let key = Schema.key(member.key, in: kind) else {
                // Who wrote "methd" need not be told that "method" is missing.
                if let meant = unknown(member, in: kind) { checked.faulty.insert(meant) }
                continue
            }
            if let earlier = first[key.name] {
                repeated(member, earlier)
                continue
            }
            first[key.name] = member
            switch key.effect {
            case .silent: continue
            case .foreign(let note): ignored(member, note)
            case .acts, .planned:
                if !key.concerns(program) || member.value.kind == .null { continue }
                if var setting = setting(member.value, key.type, shown: "\"\(member.key)\"") {
                    setting.keySpan = member.keySpan
                    checked.settings[key.name] = setting
                } else {
                    checked.faulty.formUnion(Self.leftUnsaid(by: member.value, of: key.name))
                }
            }
        }
        return checked
    }

    /// The keys nobody should be told are missing because `value` of `key` could not be read: of `HOST:PORT` with a bad
    /// port, the port too.
    static func leftUnsaid(by value: JSONValue, of key: String) -> Set<String> {
        guard key == "server", case .string(let text) = value.kind else { return [key] }
        do throws(HostPort.Fault) {
            _ = try HostPort(text)
        } catch .badPort {
            return [key, "server_port"]
        } catch {}
        return [key]
    }

    /// Checks one value; nil if it was faulty, which has been reported.
    mutating func setting(_ value: JSONValue, _ type: SettingType, shown: String) -> Setting? {
        content(value, type, shown: shown).map { Setting(content: $0, span: value.span, source: source, shown: shown) }
    }

    // MARK: Keys

    /// Reports an unknown key; returns the key of this section that was likely meant.
    private mutating func unknown(_ member: JSONMember, in kind: SchemaSection) -> String? {
        if faults.isFull { return nil }
        var help: String?
        var meant: String?
        if let home = Schema.sections(knowing: member.key).first {
            help = home == .top ? "it belongs at the top level" : "it belongs in \"\(home.rawValue)\""
        } else if let near = NearestName.of(member.key, among: Schema.names(in: kind)) {
            help = "did you mean \"\(near)\"?"
            meant = Schema.key(near, in: kind)?.name
        }
        faults.add(
            .unknownKey, "unknown key \(TerminalText.quote(member.key))", at: member.keySpan, in: source,
            label: "not a key of \(kind.described)", help: help)
        return meant
    }

    private mutating func repeated(_ member: JSONMember, _ earlier: JSONMember) {
        if faults.isFull { return }
        let place = source.position(of: earlier.keySpan.start)
        let other = member.key == earlier.key ? "" : ", the same key as \"\(earlier.key)\""
        faults.add(
            .repeatedKey, "repeated key \(TerminalText.quote(member.key))\(other)", at: member.keySpan, in: source,
            label: "first given at \(place.line):\(place.column)", help: "keep one of the two")
    }

    private mutating func ignored(_ member: JSONMember, _ note: String?) {
        faults.add(
            .ignored, "\(TerminalText.quote(member.key)) has no effect here", at: member.keySpan, in: source,
            label: "a key of another Shadowsocks", help: note)
    }

    mutating func wrongType(_ value: JSONValue, _ shown: String, wanted: String) {
        let found =
            switch value.kind {
            case .null: "null"
            case .bool: "true or false"
            case .number: "a number"
            case .string: "text"
            case .array: "a list"
            case .object: "an object"
            }
        faults.add(
            .wrongType, "\(shown) is \(found)", at: value.span, in: source, label: "\(wanted) belongs here")
    }
}
