// Rules of one level, made once and looked at by all threads: names and addresses by the million, paths and patterns by the
// thousand.
package import SSCommon

/// What decided, and where it stands.
package struct RuleMatch: Hashable, Sendable {
    /// The rule in its usual spelling: `||example.net^`, `=example.net`, `*.example.net`, `192.0.2.0/24`.
    package let text: String
    package let isAllowed: Bool
    package let place: RulePlace
}

/// Immutable.
package struct RuleBook: Sendable {
    /// Patterns are tried one by one, so there are not more of them.
    package static let patternLimit = 10_000

    /// Collects rules.
    package struct Builder {
        fileprivate var names: NameTable.Builder
        fileprivate var addresses = AddressTable.Builder()
        fileprivate var paths: [PathKey: [PathRule]] = [:]
        fileprivate var patterns: [PatternRule] = []

        package init(seed: (UInt64, UInt64)) { names = NameTable.Builder(seed: seed) }

        /// Rules so far, those that say the same more than once.
        package var count: Int {
            names.count + addresses.count + paths.values.reduce(0) { $0 + $1.count } + patterns.count
        }

        /// The quick way in for names that are as `DomainName` has them.
        package mutating func add(
            name: UnsafeRawBufferPointer, _ scope: NameScope, isAllowed: Bool, at place: RulePlace
        ) {
            names.add(name, scope, isAllowed: isAllowed, at: place)
        }

        /// False if there is no room for it.
        package mutating func add(_ rule: ListRule, isAllowed: Bool, at place: RulePlace) -> Bool {
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
                patterns.append(PatternRule(pattern: pattern, isAllowed: isAllowed, place: place))
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
        let pattern: NamePattern
        let isAllowed: Bool
        let place: RulePlace
    }

    private let names: NameTable
    private let addresses: AddressTable
    private let paths: [PathKey: [PathRule]]
    private let patterns: [PatternRule]

    package init(_ builder: consuming Builder) {
        addresses = AddressTable(builder.addresses)
        paths = builder.paths
        patterns = builder.patterns
        names = NameTable(builder.names)
    }

    /// Rules without repetitions of names.
    package var count: Int {
        names.count + addresses.count + paths.values.reduce(0) { $0 + $1.count } + patterns.count
    }

    /// Bytes of the large tables.
    package var byteCount: Int { names.byteCount + addresses.byteCount }

    package var hasPaths: Bool { !paths.isEmpty }

    // MARK: Looking up

    /// The rule that decides about a name: the longest suffix, and what allows where two are of one length. A pattern counts as
    /// a rule for no suffix.
    package func match(_ name: DomainName) -> RuleMatch? {
        name.bytes.withUnsafeBytes { bytes in
            if let found = names.match(bytes) {
                let suffix = String(decoding: bytes.suffix(found.suffix), as: UTF8.self)
                return RuleMatch(
                    text: Self.text(suffix, found.scope), isAllowed: found.isAllowed, place: found.place)
            }
            var best: PatternRule?
            for rule in patterns where rule.pattern.matches(bytes) {
                if rule.isAllowed { return RuleMatch(rule) }
                best = best ?? rule
            }
            return best.map { RuleMatch($0) }
        }
    }

    /// The rule that decides about an address.
    package func match(_ address: IPAddress) -> RuleMatch? {
        addresses.match(address).map { found in
            let isWhole = found.prefix.length == found.prefix.address.width
            return RuleMatch(
                text: isWhole ? "\(found.prefix.address)" : "\(found.prefix)", isAllowed: found.isAllowed,
                place: found.place)
        }
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
        for rule in rules where path.starts(with: rule.path) && (isWhole ? rule.scope != .below : rule.scope != .exact) {
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

    private static func text(_ name: String, _ scope: NameScope) -> String {
        switch scope {
        case .tree: "||\(name)^"
        case .exact: "=\(name)"
        case .below: "*.\(name)"
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
        self.init(text: rule.pattern.description, isAllowed: rule.isAllowed, place: rule.place)
    }
}
