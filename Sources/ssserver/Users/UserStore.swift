// What is known about users beyond the configuration, in SQLite: a transaction leaves the old or the new whatever happens
// (https://www.sqlite.org/atomiccommit.html), also to whoever is killed in the middle of one. Calls block; they are made
// from nowhere near an event loop.
internal import GRDB
internal import SSCommon
internal import SSServerCore

final class UserStore: Sendable {
    /// All that is in the file.
    struct Content {
        var changes: [UserKey: UserChange] = [:]
        /// The keys of users who were added, as text.
        var secrets: [UserKey: String] = [:]
        /// The keys under which users name themselves, where the configuration has none for that.
        var identities: [UInt16: String] = [:]
        var monthly: [UserKey: UserUsage.Bytes] = [:]
        var total: [UserKey: UserUsage.Bytes] = [:]
        var seen: [UserKey: UnixSeconds] = [:]
    }

    /// What was moved in a month, to be added to what is there.
    struct Entry: Sendable {
        let key: UserKey
        let month: CalendarMonth
        let moved: UserUsage.Bytes
        let seen: UnixSeconds
    }

    private let database: DatabaseQueue

    /// Opens the file, or makes it, for the owner alone.
    init(path: String) throws(StoreFailure) {
        database = try StateDatabase.open(path, migrator: Self.migrator, .full)
    }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in
            try database.execute(
                sql: """
                    CREATE TABLE user (
                        port INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, secret TEXT,
                        quota INTEGER, rate INTEGER, streams INTEGER, expires TEXT,
                        PRIMARY KEY (port, name)) WITHOUT ROWID;
                    CREATE TABLE usage (
                        port INTEGER NOT NULL, name TEXT NOT NULL, month INTEGER NOT NULL,
                        up INTEGER NOT NULL, down INTEGER NOT NULL,
                        PRIMARY KEY (port, name, month)) WITHOUT ROWID;
                    CREATE TABLE seen (
                        port INTEGER NOT NULL, name TEXT NOT NULL, time INTEGER NOT NULL,
                        PRIMARY KEY (port, name)) WITHOUT ROWID;
                    CREATE TABLE identity (port INTEGER PRIMARY KEY, secret TEXT NOT NULL);
                    """)
        }
        return migrator
    }

    private func write(_ body: (Database) throws -> Void) throws(StoreFailure) {
        try StateDatabase.catching { try database.write(body) }
    }

    func load(_ month: CalendarMonth) throws(StoreFailure) -> Content {
        try StateDatabase.catching {
            try database.read { database in
                var content = Content()
                for row in try Row.fetchAll(database, sql: "SELECT * FROM user") {
                    let key = Self.key(row)
                    guard let kind = UserChange.Kind(stored: row["kind"]) else { continue }
                    content.changes[key] = UserChange(kind, UserLimits(row))
                    content.secrets[key] = row["secret"]
                }
                for row in try Row.fetchAll(database, sql: "SELECT port, secret FROM identity") {
                    content.identities[UInt16(truncatingIfNeeded: row["port"] as Int)] = row["secret"]
                }
                let sums = "SELECT port, name, sum(up) AS up, sum(down) AS down FROM usage"
                for row in try Row.fetchAll(
                    database, sql: "\(sums) WHERE month = ? GROUP BY port, name", arguments: [month.number])
                {
                    content.monthly[Self.key(row)] = UserUsage.Bytes(row)
                }
                for row in try Row.fetchAll(database, sql: "\(sums) GROUP BY port, name") {
                    content.total[Self.key(row)] = UserUsage.Bytes(row)
                }
                for row in try Row.fetchAll(database, sql: "SELECT * FROM seen") {
                    content.seen[Self.key(row)] = UnixSeconds(clamping: row["time"] as Int64)
                }
                return content
            }
        }
    }

    /// What a command changed: nil forgets it. `identity` is a port's, if it has just got one.
    func keep(
        _ change: UserChange?, of key: UserKey, secret: String?, identity: String?
    ) throws(StoreFailure) {
        try write { database in
            if let identity {
                try database.execute(
                    sql: "INSERT OR REPLACE INTO identity VALUES (?, ?)", arguments: [Int(key.port), identity])
            }
            guard let change else {
                try database.execute(
                    sql: "DELETE FROM user WHERE port = ? AND name = ?", arguments: [Int(key.port), key.name])
                return
            }
            let limits = change.limits
            try database.execute(
                sql: "INSERT OR REPLACE INTO user VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                arguments: [
                    Int(key.port), key.name, change.kind.stored, secret, limits.quota.map { Int64(clamping: $0) },
                    limits.rate.map { Int64(clamping: $0) }, limits.streams, limits.expires?.description,
                ])
        }
    }

    /// Adds to the books, all or nothing.
    func add(_ entries: [Entry]) throws(StoreFailure) {
        try write { database in
            let usage = try database.makeStatement(
                sql: """
                    INSERT INTO usage VALUES (?, ?, ?, ?, ?)
                    ON CONFLICT DO UPDATE SET up = up + excluded.up, down = down + excluded.down
                    """)
            let seen = try database.makeStatement(sql: "INSERT OR REPLACE INTO seen VALUES (?, ?, ?)")
            for entry in entries {
                let (port, name) = (Int(entry.key.port), entry.key.name)
                if entry.moved.sum > 0 {
                    try usage.execute(arguments: [
                        port, name, entry.month.number, Int64(clamping: entry.moved.up),
                        Int64(clamping: entry.moved.down),
                    ])
                }
                if entry.seen > 0 { try seen.execute(arguments: [port, name, Int64(clamping: entry.seen)]) }
            }
        }
    }

    private static func key(_ row: Row) -> UserKey {
        UserKey(port: UInt16(truncatingIfNeeded: row["port"] as Int), name: row["name"])
    }
}

extension UserChange.Kind {
    fileprivate var stored: String {
        switch self {
        case .added: "added"
        case .limited: "limited"
        case .removed: "removed"
        }
    }

    fileprivate init?(stored: String) {
        switch stored {
        case "added": self = .added
        case "limited": self = .limited
        case "removed": self = .removed
        default: return nil
        }
    }
}

extension UserLimits {
    fileprivate init(_ row: Row) {
        self.init()
        quota = (row["quota"] as Int64?).map { UInt64(clamping: $0) }
        rate = (row["rate"] as Int64?).map { UInt64(clamping: $0) }
        streams = row["streams"]
        expires = (row["expires"] as String?).flatMap { CalendarDay($0) }
    }
}

extension UserUsage.Bytes {
    fileprivate init(_ row: Row) {
        self.init(up: UInt64(clamping: row["up"] as Int64), down: UInt64(clamping: row["down"] as Int64))
    }
}
