// The types of the table, one reading each. A fault is reported where it stands and yields nil.

extension SettingChecker {
    mutating func content(_ value: JSONValue, _ type: SettingType, shown: String) -> Setting.Content? {
        switch type {
        case .text, .secret, .anyText: return text(value, type, shown)
        case .flag:
            if case .bool(let flag) = value.kind { return .flag(flag) }
            wrongType(value, shown, wanted: "true or false")
            return nil
        case .count(let range): return count(value, range, shown)
        case .port: return port(value, shown)
        case .time(let range): return time(value, range, shown)
        case .size: return size(value, shown)
        case .choice(let names): return choice(value, names, shown)
        case .host: return host(value, shown)
        case .prefix: return prefix(value, shown)
        case .nameserver: return nameserver(value, shown)
        case .day: return day(value, shown)
        case .logLevel: return logLevel(value, shown)
        case .logFormat: return logFormat(value, shown)
        case .portPasswords: return portPasswords(value, shown)
        case .section(let kind): return section(value, as: kind, shown: shown).map(Setting.Content.section)
        case .list(let element): return list(value, of: element, shown)
        case .oneOrMany(let element):
            guard case .array = value.kind else { return content(value, element, shown: shown) }
            return list(value, of: element, shown)
        case .flagOr(let other):
            if case .bool(let flag) = value.kind { return .flag(flag) }
            if case .array = value.kind { return content(value, other, shown: shown) }
            wrongType(value, shown, wanted: "true, false or a list")
            return nil
        case .anything: return .nothing
        }
    }

    private mutating func list(_ value: JSONValue, of type: SettingType, _ shown: String) -> Setting.Content? {
        guard case .array(let values) = value.kind else {
            wrongType(value, shown, wanted: "a list [ … ]")
            return nil
        }
        var complete = true
        var settings: [Setting] = []
        for value in values {
            if let setting = setting(value, type, shown: shown) { settings.append(setting) } else { complete = false }
        }
        return complete ? .list(settings) : nil
    }

    private mutating func text(_ value: JSONValue, _ type: SettingType, _ shown: String) -> Setting.Content? {
        switch value.kind {
        case .string(let text):
            if text.isEmpty, type != .anyText {
                faults.add(.badValue, "\(shown) is empty", at: value.span, in: source)
                return nil
            }
            return .text(text)
        case .number(let digits) where type == .secret:
            // A password of digits without its quotes: what the other implementations make of it differs.
            _ = digits
            wrongType(value, shown, wanted: "text in quotes")
            return nil
        case .null, .bool, .number, .array, .object:
            wrongType(value, shown, wanted: "text in quotes")
            return nil
        }
    }

    /// The digits of a number, or of a number in quotes; nil, and a fault, for anything else.
    private mutating func digits(_ value: JSONValue, _ shown: String, wanted: String) -> String? {
        switch value.kind {
        case .number(let digits): return digits
        case .string(let text) where JSONNumber.isLegal(text): return text
        case .string, .null, .bool, .array, .object:
            wrongType(value, shown, wanted: wanted)
            return nil
        }
    }

    private mutating func count(_ value: JSONValue, _ range: ClosedRange<Int>, _ shown: String) -> Setting.Content? {
        guard let digits = digits(value, shown, wanted: "a number") else { return nil }
        if let number = JSONNumber.integer(digits), range.contains(number) { return .number(number) }
        faults.add(
            .outOfRange, "\(shown) is out of range", at: value.span, in: source,
            label: "must be a whole number of \(range.lowerBound)…\(range.upperBound)")
        return nil
    }

    private mutating func port(_ value: JSONValue, _ shown: String) -> Setting.Content? {
        guard let digits = digits(value, shown, wanted: "a port number") else { return nil }
        if let port = JSONNumber.integer(digits), (1...65_535).contains(port) { return .number(port) }
        faults.add(.badPort, "port out of range", at: value.span, in: source, label: "must be 1…65535")
        return nil
    }

    private mutating func time(
        _ value: JSONValue, _ range: ClosedRange<Duration>, _ shown: String
    ) -> Setting.Content? {
        let time: Duration?
        switch value.kind {
        case .number(let digits): time = JSONNumber.integer(digits).flatMap { Quantity.time("\($0)") }
        case .string(let text): time = Quantity.time(text)
        case .null, .bool, .array, .object:
            wrongType(value, shown, wanted: "a time")
            return nil
        }
        guard let time else {
            faults.add(
                .badTime, "\(shown) is no time", at: value.span, in: source,
                help: "write 500ms, 10s, 5m, 12h, 7d or a number of seconds")
            return nil
        }
        if range.contains(time) { return .time(time) }
        let bounds = "\(range.lowerBound.components.seconds)…\(range.upperBound.components.seconds)"
        faults.add(
            .outOfRange, "\(shown) is out of range", at: value.span, in: source, label: "must be \(bounds) seconds")
        return nil
    }

    private mutating func size(_ value: JSONValue, _ shown: String) -> Setting.Content? {
        let size: UInt64?
        switch value.kind {
        case .number(let digits): size = JSONNumber.integer(digits).flatMap { UInt64(exactly: $0) }
        case .string(let text): size = Quantity.size(text)
        case .null, .bool, .array, .object:
            wrongType(value, shown, wanted: "a size")
            return nil
        }
        if let size { return .size(size) }
        faults.add(
            .badSize, "\(shown) is no size", at: value.span, in: source,
            help: "write 64KiB, 2MiB, 1GiB or a number of bytes")
        return nil
    }

    private mutating func choice(_ value: JSONValue, _ names: [String], _ shown: String) -> Setting.Content? {
        guard case .string(let text) = value.kind else {
            wrongType(value, shown, wanted: "text in quotes")
            return nil
        }
        if names.contains(text) { return .text(text) }
        unknownChoice(value, text, among: names, shown)
        return nil
    }

    mutating func unknownChoice(_ value: JSONValue, _ text: String, among names: [String], _ shown: String) {
        faults.add(
            .unknownChoice, "unknown value \(TerminalText.quote(text)) of \(shown)", at: value.span, in: source,
            label: "must be \(ChoiceList.text(names))",
            help: NearestName.of(text, among: names).map { "did you mean \"\($0)\"?" })
    }

    private mutating func host(_ value: JSONValue, _ shown: String) -> Setting.Content? {
        guard case .string(let text) = value.kind else {
            wrongType(value, shown, wanted: "a name or an address in quotes")
            return nil
        }
        do throws(HostPort.Fault) {
            return .host(try HostPort(text))
        } catch {
            let code: DiagnosticCode = if case .badPort = error { .badPort } else { .badHost }
            faults.add(code, error.message, at: value.span, in: source, label: error.label, help: error.help)
            return nil
        }
    }

    private mutating func prefix(_ value: JSONValue, _ shown: String) -> Setting.Content? {
        guard case .string(let text) = value.kind else {
            wrongType(value, shown, wanted: "an address range in quotes")
            return nil
        }
        if let prefix = IPPrefix(text) { return .prefix(prefix) }
        faults.add(
            .badPrefix, "\(TerminalText.quote(text)) is no address range", at: value.span, in: source,
            help: "write 10.0.0.0/8 or 2001:db8::/32; the bits after the prefix must be zero")
        return nil
    }

    private mutating func day(_ value: JSONValue, _ shown: String) -> Setting.Content? {
        guard case .string(let text) = value.kind else {
            wrongType(value, shown, wanted: "a day in quotes")
            return nil
        }
        if Day.isValid(text) { return .text(text) }
        faults.add(
            .badTime, "\(TerminalText.quote(text)) is no day", at: value.span, in: source,
            help: "write year-month-day, such as 2027-01-31")
        return nil
    }
}

/// "a, b or c".
enum ChoiceList {
    static func text(_ names: [String]) -> String {
        guard let last = names.last, names.count > 1 else { return names.first ?? "" }
        return names.dropLast().joined(separator: ", ") + " or " + last
    }
}

/// Days of the Gregorian calendar as ISO 8601 writes them.
enum Day {
    static func isValid(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.utf8.count) == [4, 2, 2], parts.allSatisfy({ $0.utf8.allSatisfy(JSONParser.isDigit) }),
            let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]), (1...12).contains(month)
        else { return false }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return (1...lengths[month - 1]).contains(day)
    }
}
