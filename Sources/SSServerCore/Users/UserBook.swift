// Who may use which port: the users of the configuration, and what commands have changed since. A change is kept apart
// from the configuration and counts before it; so a user of the configuration can be limited or removed for good by a
// command, and one who was added stays when the program starts anew.
package import SSCommon

/// A user's place: names are a port's own.
package struct UserKey: Hashable, Comparable, Sendable {
    package let port: UInt16
    package let name: String

    package init(port: UInt16, name: String) {
        self.port = port
        self.name = name
    }

    package static func < (a: UserKey, b: UserKey) -> Bool { (a.port, a.name) < (b.port, b.name) }
}

/// What a command changed about a user.
package struct UserChange: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// Not in the configuration; with a key of its own.
        case added
        /// In the configuration, with other limits.
        case limited
        /// In the configuration, and not to be served.
        case removed
    }

    package var kind: Kind
    package var limits: UserLimits

    package init(_ kind: Kind, _ limits: UserLimits) {
        self.kind = kind
        self.limits = limits
    }
}

/// Why a command about users cannot be followed, in words for a person.
package enum UserFault: Error, Hashable, Sendable, CustomStringConvertible {
    case noSuchUser(String)
    case exists(String)
    case badName(String)
    case tooMany(Int)
    case noUsers(CipherMethod)

    package var description: String {
        switch self {
        case .noSuchUser(let name): "there is no user \(TerminalText.quote(name))"
        case .exists(let name): "there is a user \(TerminalText.quote(name)) already"
        case .badName(let name):
            "\(TerminalText.quote(name)) is no name for a user: 1 to 64 bytes, no control characters, no slash"
        case .tooMany(let limit): "a port of this method has at most \(limit) users"
        case .noUsers(let method): "\(method.rawValue) has no users; 2022-blake3-aes-256-gcm has"
        }
    }
}

package struct UserBook: Sendable {
    /// How a user comes to be one.
    package enum Origin: Hashable, Sendable {
        case configured
        case added
    }

    package struct Entry: Hashable, Sendable {
        package let key: UserKey
        package let origin: Origin
        package let limits: UserLimits
        /// A command removed them, or nobody else; those of the configuration are listed still.
        package let isRemoved: Bool
    }

    /// Of users who name themselves; the table is kept for each change.
    package static let maximumNamed = 100_000

    private let methods: [UInt16: CipherMethod]
    private let configured: [UserKey: UserLimits]
    /// What commands have changed.
    package private(set) var changes: [UserKey: UserChange]

    /// `methods` are those of the ports. Changes to users and ports that the configuration no longer knows are kept, for
    /// it may know them again.
    package init(
        methods: [UInt16: CipherMethod], configured: [UserKey: UserLimits], changes: [UserKey: UserChange] = [:]
    ) {
        self.methods = methods
        self.configured = configured
        self.changes = changes
    }

    /// All users, by port and name.
    package var entries: [Entry] {
        Set(configured.keys).union(changes.keys).sorted().compactMap { self[$0] }
    }

    /// Nil for who neither the configuration nor a command knows.
    package subscript(key: UserKey) -> Entry? {
        guard methods[key.port] != nil else { return nil }
        let change = changes[key]
        if change?.kind == .added { return Entry(key: key, origin: .added, limits: change!.limits, isRemoved: false) }
        guard let limits = configured[key] else { return nil }
        return Entry(
            key: key, origin: .configured, limits: change?.limits ?? limits, isRemoved: change?.kind == .removed)
    }

    /// Those a port serves.
    package func served(on port: UInt16) -> [Entry] {
        entries.filter { $0.key.port == port && !$0.isRemoved }
    }

    package func change(of key: UserKey) -> UserChange? { changes[key] }

    /// `key` is to be served with a key that the caller keeps. Throws where that cannot be.
    package mutating func add(_ key: UserKey, _ limits: UserLimits) throws(UserFault) {
        guard let method = methods[key.port], method.edition == .sip004 || method.hasIdentityHeaders else {
            throw .noUsers(methods[key.port] ?? .blake3ChaCha20Poly1305)
        }
        guard Self.isName(key.name) else { throw .badName(key.name) }
        if let entry = self[key], !entry.isRemoved { throw .exists(key.name) }
        let limit = method.hasIdentityHeaders ? Self.maximumNamed : AcceptedKeys.maximumTried
        guard served(on: key.port).count < limit else { throw .tooMany(limit) }
        changes[key] = UserChange(.added, limits)
    }

    package mutating func remove(_ key: UserKey) throws(UserFault) {
        guard let entry = self[key], !entry.isRemoved else { throw .noSuchUser(key.name) }
        changes[key] = configured[key] == nil ? nil : UserChange(.removed, entry.limits)
    }

    /// `key` is to be served with another key, which the caller keeps.
    package mutating func rekey(_ key: UserKey) throws(UserFault) {
        guard let entry = self[key], !entry.isRemoved else { throw .noSuchUser(key.name) }
        changes[key] = UserChange(.added, entry.limits)
    }

    package mutating func limit(_ key: UserKey, _ limits: UserLimits) throws(UserFault) {
        guard let entry = self[key], !entry.isRemoved else { throw .noSuchUser(key.name) }
        changes[key] = UserChange(entry.origin == .added ? .added : .limited, limits)
    }

    /// What a name may be: it stands in paths, logs, and tables.
    package static func isName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count) && name != "." && name != ".."
            && name.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7f..<0xa0).contains($0.value) && $0 != "/" }
    }
}
