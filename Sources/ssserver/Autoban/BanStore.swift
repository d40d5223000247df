// Bans, where a log was read up to, and who has begun to fail, in SQLite: so that a restart forgets nobody and counts nothing twice.
internal import GRDB
internal import SSCommon
internal import SSServerCore

/// A ban with the lines that led to it.
struct StoredBan: Hashable, Sendable {
    var ban: Ban
    var lines: [String]
}

final class BanStore: Sendable {
    /// Its name in the state directory.
    static let file = "autoban.sqlite"

    private let database: DatabaseQueue

    /// Opens the file, or makes it, for the owner alone.
    init(path: String) throws(StoreFailure) {
        database = try StateDatabase.open(path, migrator: Self.migrator)
    }

    /// Opens one that is there, to look at it only.
    init(reading path: String) throws(StoreFailure) {
        database = try StateDatabase.catching {
            var configuration = GRDB.Configuration()
            configuration.readonly = true
            configuration.busyMode = .timeout(2)
            return try DatabaseQueue(path: path, configuration: configuration)
        }
    }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in
            try database.execute(
                sql: """
                    CREATE TABLE ban (
                        prefix TEXT PRIMARY KEY, since INTEGER NOT NULL, until INTEGER NOT NULL, count INTEGER NOT NULL,
                        bad INTEGER, total INTEGER, reason TEXT NOT NULL, lines TEXT NOT NULL);
                    CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL);
                    """)
        }
        return migrator
    }

    /// Those in force and those that count as earlier ones.
    func load() throws(StoreFailure) -> [Ban] {
        try StateDatabase.catching {
            try database.read { database in
                // Their lines would take most of the memory.
                let columns = "prefix, since, until, count, bad, total, reason, '' AS lines"
                return try Row.fetchAll(database, sql: "SELECT \(columns) FROM ban ORDER BY since")
                    .compactMap { Self.ban($0)?.ban }
            }
        }
    }

    /// How many are in force.
    func count(_ now: UnixSeconds) throws(StoreFailure) -> Int {
        try StateDatabase.catching {
            try database.read { database in
                try Int.fetchOne(
                    database, sql: "SELECT COUNT(*) FROM ban WHERE until > ?", arguments: [Int64(clamping: now)]) ?? 0
            }
        }
    }

    /// One of them.
    func load(_ prefix: BanPrefix) throws(StoreFailure) -> StoredBan? {
        try StateDatabase.catching {
            try database.read { database in
                try Row.fetchOne(database, sql: "SELECT * FROM ban WHERE prefix = ?", arguments: ["\(prefix)"])
                    .flatMap(Self.ban)
            }
        }
    }

    /// Nil for one that this version cannot read.
    private static func ban(_ row: Row) -> StoredBan? {
        guard let prefix = try? BanPrefix(row["prefix"] as String) else { return nil }
        var ban = Ban(
            prefix, since: row["since"], until: row["until"], count: max(1, row["count"]), reason: row["reason"])
        if let bad = row["bad"] as Int64?, let total = row["total"] as Int64? {
            ban.offence = .init(bad: UInt64(clamping: bad), total: UInt64(clamping: total))
        }
        let lines: String = row["lines"]
        return StoredBan(ban: ban, lines: lines.split(separator: "\n").map(String.init))
    }

    /// All of it or nothing.
    func save(
        _ bans: [StoredBan], forgotten: [BanPrefix] = [], state: [String: String] = [:]
    ) throws(StoreFailure) {
        try StateDatabase.catching {
            try database.write { database in
                let put = try database.makeStatement(
                    sql: "INSERT OR REPLACE INTO ban (prefix, since, until, count, bad, total, reason, lines) "
                        + "VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
                for stored in bans {
                    let ban = stored.ban
                    try put.execute(arguments: [
                        "\(ban.prefix)", ban.since, ban.until, ban.count, ban.offence.map { Int64(clamping: $0.bad) },
                        ban.offence.map { Int64(clamping: $0.total) }, ban.reason,
                        stored.lines.joined(separator: "\n"),
                    ])
                }
                let remove = try database.makeStatement(sql: "DELETE FROM ban WHERE prefix = ?")
                for prefix in forgotten { try remove.execute(arguments: ["\(prefix)"]) }
                for (key, value) in state {
                    try database.execute(
                        sql: "INSERT OR REPLACE INTO state (key, value) VALUES (?, ?)", arguments: [key, value])
                }
            }
        }
    }

    func state(_ key: String) throws(StoreFailure) -> String? {
        try StateDatabase.catching {
            try database.read { database in
                try String.fetchOne(database, sql: "SELECT value FROM state WHERE key = ?", arguments: [key])
            }
        }
    }
}
