// Rules that are of equal rank, made once and looked at by all threads: names and addresses by the million, paths, patterns
// and ports by the thousand.
package import SSCommon

/// What decided, and where it stands. Its words are put together when somebody wants to read them.
package struct RuleMatch: Sendable {
    fileprivate enum Words: Sendable {
        /// The last bytes of a name.
        case suffix(DomainName, Int, NameScope)
        /// So many bits of an address.
        case prefix(IPAddress, Int)
        /// The same, of somebody who asks.
        case client(IPAddress, Int)
        case text(String)
    }

    fileprivate let words: Words
    package let isAllowed: Bool
    package let place: RulePlace

    /// The rule in its usual spelling: `||example.net^`, `=example.net`, `*.example.net`, `192.0.2.0/24`.
    package var text: String {
        switch words {
        case .text(let text): return text
        case .suffix(let name, let count, let scope):
            let suffix = String(decoding: name.bytes.suffix(count), as: UTF8.self)
            switch scope {
            case .tree: return "||\(suffix)^"
            case .exact: return "=\(suffix)"
            case .below: return "*.\(suffix)"
            }
        case .prefix(let address, let length): return Self.text(address, length)
        case .client(let address, let length): return "client:\(Self.text(address, length))"
        }
    }

    private static func text(_ address: IPAddress, _ length: Int) -> String {
        if length == address.width { return "\(address)" }
        return IPPrefix(address.masked(to: length), length: length).map { "\($0)" } ?? ""
    }
}

/// Immutable. A class, so that to look into one is to count one reference.
package final class RuleBook: Sendable {
    /// Patterns are tried one by one, so there are not more of them.
    package static let patternLimit = 10_000
    /// An expression takes about ten times as long as a pattern.
    package static let expressionLimit = 1_000

    /// Collects rules.
    package struct Builder {
        fileprivate var names: NameTable.Builder
        fileprivate var addresses = AddressTable.Builder()
        fileprivate var paths: [PathKey: [PathRule]] = [:]
        fileprivate var patterns: [PatternRule] = []
        fileprivate var ports: [PortRule] = []
        fileprivate var endpoints: [PathKey: [EndpointRule]] = [:]
        fileprivate var clients = AddressTable.Builder()
        fileprivate var users: [String: Everybody] = [:]
        fileprivate var everything: Everybody?
        fileprivate var allowsAddresses = false
        private var expressions = 0

        package init(seed: (UInt64, UInt64)) { names = NameTable.Builder(seed: seed) }

        /// Rules so far, those that say the same more than once.
        package var count: Int {
            names.count + addresses.count + paths.values.reduce(0) { $0 + $1.count } + patterns.count + ports.count
                + endpoints.values.reduce(0) { $0 + $1.count } + clients.count + users.count
                + (everything == nil ? 0 : 1)
        }

        /// The quick way in for names that are as `DomainName` has them.
        package mutating func add(
            name: UnsafeRawBufferPointer, _ scope: NameScope, isAllowed: Bool, at place: RulePlace
        ) {
            names.add(name, scope, isAllowed: isAllowed, at: place)
        }

        /// False if there is no room for it.
        package mutating func add(_ rule: ListRule, isAllowed: Bool, at place: RulePlace) -> Bool {
            if isAllowed, case .address = rule { allowsAddresses = true }
            switch rule {
            case .name(let name, let scope):
                name.bytes.withUnsafeBytes { names.add($0, scope, isAllowed: isAllowed, at: place) }
            case .address(let prefix):
                addresses.add(prefix, isAllowed: isAllowed, at: place)
            case .path(let host, let path):
                let (key, scope) = PathKey.of(host)
                paths[key, default: []].append(PathRule(scope: scope, path: path, isAllowed: isAllowed, place: place))
            case .pattern(let pattern):
                guard patterns.count < RuleBook.patternLimit else { return false }
                patterns.append(PatternRule(test: .pattern(pattern), isAllowed: isAllowed, place: place))
            case .expression(let expression):
                guard patterns.count < RuleBook.patternLimit, expressions < RuleBook.expressionLimit else {
                    return false
                }
                expressions += 1
                patterns.append(PatternRule(test: .expression(expression), isAllowed: isAllowed, place: place))
            case .ports(nil, let range):
                guard ports.count < RuleBook.patternLimit else { return false }
                ports.append(PortRule(range: range, isAllowed: isAllowed, place: place))
            case .ports(let host?, let range):
                let (key, scope) = PathKey.of(host)
                endpoints[key, default: []].append(
                    EndpointRule(scope: scope, range: range, isAllowed: isAllowed, place: place))
            case .client(let prefix):
                clients.add(prefix, isAllowed: isAllowed, at: place)
            case .user(let name):
                users[name] = Everybody(users[name], isAllowed, place)
            case .everything:
                everything = Everybody(everything, isAllowed, place)
            }
            return true
        }
    }

    fileprivate enum PathKey: Hashable, Sendable {
        case name(DomainName)
        case address(IPAddress)

        static func of(_ host: PathHost) -> (PathKey, NameScope) {
            switch host {
            case .name(let name, let scope): (.name(name), scope)
            case .address(let address): (.address(address), .exact)
            }
        }
    }

    fileprivate struct PathRule: Sendable {
        let scope: NameScope
        let path: [UInt8]
        let isAllowed: Bool
        let place: RulePlace
    }

    fileprivate struct PatternRule: Sendable {
        enum Test: Sendable {
            case pattern(NamePattern)
            case expression(NameExpression)
        }

        let test: Test
        let isAllowed: Bool
        let place: RulePlace

        func matches(_ name: UnsafeRawBufferPointer) -> Bool {
            switch test {
            case .pattern(let pattern): pattern.matches(name)
            case .expression(let expression): expression.matches(name)
            }
        }
    }

    fileprivate struct PortRule: Sendable {
        let range: ClosedRange<UInt16>
        let isAllowed: Bool
        let place: RulePlace
    }

    fileprivate struct EndpointRule: Sendable {
        let scope: NameScope
        let range: ClosedRange<UInt16>
        let isAllowed: Bool
        let place: RulePlace
    }

    /// A rule without anything that could be more or less exact; one that allows wins.
    fileprivate struct Everybody: Sendable {
        let isAllowed: Bool
        let place: RulePlace

        init(_ former: Everybody?, _ isAllowed: Bool, _ place: RulePlace) {
            if let former, former.isAllowed || !isAllowed {
                self = former
            } else {
                (self.isAllowed, self.place) = (isAllowed, place)
            }
        }

        func match(_ text: String) -> RuleMatch { RuleMatch(text: text, isAllowed: isAllowed, place: place) }
    }

    private let names: NameTable
    private let addresses: AddressTable
    private let paths: [PathKey: [PathRule]]
    private let patterns: [PatternRule]
    private let ports: [PortRule]
    private let endpoints: [PathKey: [EndpointRule]]
    private let clients: AddressTable
    private let users: [String: Everybody]
    private let everything: Everybody?
    /// Whether an address can be allowed whatever it is called.
    package let allowsAddresses: Bool
    /// Rules without repetitions of names.
    package let count: Int

    package init(_ builder: consuming Builder) {
        let others = builder.count - builder.names.count
        ports = builder.ports
        endpoints = builder.endpoints
        clients = AddressTable(builder.clients)
        users = builder.users
        everything = builder.everything
        allowsAddresses = builder.allowsAddresses
        addresses = AddressTable(builder.addresses)
        paths = builder.paths
        patterns = builder.patterns
        names = NameTable(builder.names)
        count = others + names.count
    }

    /// Bytes of the large tables.
    package var byteCount: Int { names.byteCount + addresses.byteCount }

    package var hasPaths: Bool { !paths.isEmpty }

    // MARK: Looking up

    /// The rule that decides about a name and one of its ports: one for the port, if there is one; else the longest suffix, and
    /// what allows where two are of one length. A pattern counts as a rule for no suffix. What is about all hosts counts only
    /// if `isFinal`: the name's addresses will say nothing better.
    package func match(_ name: DomainName, port: UInt16, isFinal: Bool = false) -> RuleMatch? {
        matchOwn(name, port: port) ?? (isFinal ? matchEverything(port: port) : nil)
    }

    private func matchOwn(_ name: DomainName, port: UInt16) -> RuleMatch? {
        if !endpoints.isEmpty, let found = match(endpoint: .name(name), port) { return found }
        return name.bytes.withUnsafeBytes { bytes -> RuleMatch? in
            if let found = names.match(bytes) {
                return RuleMatch(
                    words: .suffix(name, found.suffix, found.scope), isAllowed: found.isAllowed, place: found.place)
            }
            var best: PatternRule?
            for rule in patterns where rule.matches(bytes) {
                if rule.isAllowed { return RuleMatch(rule) }
                best = best ?? rule
            }
            return best.map { RuleMatch($0) }
        }
    }

    /// The rule that decides about an address and one of its ports: one for just that, one for the longest prefix, one for the
    /// port of every host, one for everything.
    package func match(_ address: IPAddress, port: UInt16) -> RuleMatch? {
        if !endpoints.isEmpty, let found = match(endpoint: .address(address), port) { return found }
        if let found = addresses.match(address) {
            return RuleMatch(
                words: .prefix(address, found.length), isAllowed: found.isAllowed, place: found.place)
        }
        return matchEverything(port: port)
    }

    /// The rule that decides about a port of every host.
    private func matchEverything(port: UInt16) -> RuleMatch? {
        var best: PortRule?
        for rule in ports where rule.range.contains(port) {
            if best == nil || rule.isAllowed { best = rule }
            if rule.isAllowed { break }
        }
        if let best {
            return RuleMatch(text: ":" + Self.text(best.range), isAllowed: best.isAllowed, place: best.place)
        }
        return everything?.match("*")
    }

    /// The rule that decides about who asks, by where they come from.
    package func match(client: IPAddress) -> RuleMatch? {
        clients.match(client).map {
            RuleMatch(words: .client(client, $0.length), isAllowed: $0.isAllowed, place: $0.place)
        }
    }

    /// The rule that decides about who asks, by name.
    package func match(user: String) -> RuleMatch? { users[user]?.match("user:\(user)") }

    private func match(endpoint host: RequestHost, _ port: UInt16) -> RuleMatch? {
        func best(_ key: PathKey, isWhole: Bool, _ text: String) -> RuleMatch? {
            let rules = (endpoints[key] ?? []).filter {
                $0.range.contains(port) && (isWhole ? $0.scope != .below : $0.scope != .exact)
            }
            return (rules.first(where: \.isAllowed) ?? rules.first).map { rule in
                let scope = rule.scope == .tree ? "||" : rule.scope == .below ? "*." : ""
                return RuleMatch(
                    text: "\(scope)\(text):\(Self.text(rule.range))", isAllowed: rule.isAllowed, place: rule.place)
            }
        }
        switch host {
        case .address(let address):
            let isLong = address.width == 128
            return best(.address(address), isWhole: true, isLong ? "[\(address)]" : "\(address)")
        case .name(let name):
            var rest = name
            while true {
                if let found = best(.name(rest), isWhole: rest == name, rest.text) { return found }
                guard let parent = rest.parent else { return nil }
                rest = parent
            }
        }
    }

    private static func text(_ range: ClosedRange<UInt16>) -> String {
        range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound)"
    }

    /// The rule about paths that decides about a request; `path` is normalised. The longest host counts first, then the longest
    /// path.
    package func match(_ host: RequestHost, path: [UInt8]) -> RuleMatch? {
        guard !paths.isEmpty else { return nil }
        switch host {
        case .address(let address):
            return Self.best(paths[.address(address)] ?? [], path, isWhole: true, "\(address)")
        case .name(let name):
            var rest = name
            while true {
                let found = Self.best(paths[.name(rest)] ?? [], path, isWhole: rest == name, rest.text)
                if let found { return found }
                guard let parent = rest.parent else { return nil }
                rest = parent
            }
        }
    }

    private static func best(_ rules: [PathRule], _ path: [UInt8], isWhole: Bool, _ host: String) -> RuleMatch? {
        var best: PathRule?
        for rule in rules where path.starts(with: rule.path) && (isWhole ? rule.scope != .below : rule.scope != .exact)
        {
            guard let old = best else {
                best = rule
                continue
            }
            if (rule.path.count, rule.isAllowed ? 1 : 0) > (old.path.count, old.isAllowed ? 1 : 0) { best = rule }
        }
        return best.map { rule in
            RuleMatch(
                text: (rule.scope == .tree ? "||" : rule.scope == .below ? "*." : "") + host
                    + String(decoding: rule.path, as: UTF8.self), isAllowed: rule.isAllowed, place: rule.place)
        }
    }
}

/// Whom a request is for.
package enum RequestHost: Hashable, Sendable {
    case name(DomainName)
    case address(IPAddress)
}

extension RuleMatch {
    fileprivate init(_ rule: RuleBook.PatternRule) {
        let text =
            switch rule.test {
            case .pattern(let pattern): pattern.description
            case .expression(let expression): "/\(expression.text)/"
            }
        self.init(text: text, isAllowed: rule.isAllowed, place: rule.place)
    }

    fileprivate init(text: String, isAllowed: Bool, place: RulePlace) {
        self.init(words: .text(text), isAllowed: isAllowed, place: place)
    }
}
