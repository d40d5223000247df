// One row of the table of all keys, and the types a row can have. The table is the only place that knows a
// key's name, type and range: the checker, the example's test and later the manual all read it.

/// Which program is reading.
package enum Program: String, CaseIterable, Sendable {
    /// `sslocal`, on the laptop.
    case local = "sslocal"
    /// `ssserver`, on the VPS.
    case server = "ssserver"
}

/// An object of the configuration that has keys of its own.
package enum SchemaSection: String, CaseIterable, Sendable {
    /// The document.
    case top = "configuration"
    /// An element of `servers`.
    case serverEntry = "servers"
    /// An element of `users`.
    case user = "users"
    /// An element of `locals`.
    case localEntry = "locals"
    /// An element of `users` in `locals`.
    case localUser = "locals.users"
    case egress
    case blacklist
    case cache
    case cacheHost = "cache.hosts"
    case admin
    case limits
    case online = "online_config"
    case log

    /// For "not a key of …".
    var described: String {
        switch self {
        case .top: "the configuration"
        case .serverEntry: "an entry of \"servers\""
        case .user: "an entry of \"users\""
        case .localEntry: "an entry of \"locals\""
        case .localUser: "a user of \"locals\""
        case .cacheHost: "a host of \"cache\""
        case .egress, .blacklist, .cache, .admin, .limits, .online, .log: "\"\(rawValue)\""
        }
    }
}

/// What a key takes. `null` is always accepted and means "not given".
package indirect enum SettingType: Hashable, Sendable {
    /// Text of at least one character.
    case text
    /// Text that may be empty.
    case anyText
    /// Text that is never shown.
    case secret
    case flag
    /// A whole number, also as text (shadowsocks-libev writes `"8388"`).
    case count(ClosedRange<Int>)
    /// 1...65535, also as text.
    case port
    /// `500ms`, `10s`, or a number of seconds, within these bounds.
    case time(ClosedRange<Duration>)
    case size
    case choice([String])
    /// A name or an address, perhaps with a port.
    case host
    /// An address range.
    case prefix
    /// A name server, or several with commas.
    case nameserver
    /// A day, `2027-01-01`.
    case day
    /// A number of shadowsocks-rust or one of our words.
    case logLevel
    /// One of our words, or an object of shadowsocks-rust.
    case logFormat
    /// Port numbers as keys, passwords as values.
    case portPasswords
    case section(SchemaSection)
    case list(SettingType)
    /// One, or a list of any number.
    case oneOrMany(SettingType)
    /// `true`, `false` or the other type.
    case flagOr(SettingType)
    /// Not looked at.
    case anything
}

/// A row of the table.
package struct SchemaKey: Hashable, Sendable {
    /// Whose key it is.
    package enum Owner: Hashable, Sendable {
        case both
        case only(Program)
    }

    package enum Effect: Hashable, Sendable {
        /// We do what it says.
        case acts
        /// Ours, checked, and not acted on by this version.
        case planned
        /// Of another Shadowsocks, and nothing to us; what to know about that.
        case foreign(note: String?)
        /// Accepted without a word.
        case silent
    }

    package let name: String
    /// Other spellings, of other implementations.
    package let aliases: [String]
    package let type: SettingType
    package let owner: Owner
    package let effect: Effect

    init(
        _ name: String, _ type: SettingType, _ owner: Owner = .both, _ effect: Effect = .acts, aliases: [String] = []
    ) {
        self.name = name
        self.aliases = aliases
        self.type = type
        self.owner = owner
        self.effect = effect
    }

    /// Of the contract, whether this version acts on it or not.
    package var isOurs: Bool {
        switch effect {
        case .acts, .planned: true
        case .foreign, .silent: false
        }
    }

    func concerns(_ program: Program) -> Bool {
        switch owner {
        case .both: true
        case .only(let owner): owner == program
        }
    }
}
