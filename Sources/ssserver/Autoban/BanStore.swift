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
        // After a power cut the kernel's bans are gone too.
        database = try StateDatabase.open(path, migrator: Self.migrator, .normal)
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

    // Their lines would take most of the memory.
    private static let columns = "prefix, since, until, count, bad, total, reason, '' AS lines"

    /// Those in force and those that count as earlier ones; where there are more than can be remembered, those that end last.
    func load() throws(StoreFailure) -> [Ban] {
        try StateDatabase.catching {
            try database.read { database in
                // One at a time: rows take many times the memory of what they say.
                let rows = try Row.fetchCursor(
                    database, sql: "SELECT \(Self.columns) FROM ban ORDER BY until DESC LIMIT ?",
                    arguments: [BanBook.maximum])
                var bans: [Ban] = []
                while let row = try rows.next() { if let ban = Self.ban(row)?.ban { bans.append(ban) } }
                return bans
            }
        }
    }

    /// Of those in force, the ones that began last.
    func latest(_ count: Int, now: UnixSeconds) throws(StoreFailure) -> [Ban] {
        try StateDatabase.catching {
            try database.read { database in
                try Row.fetchAll(
                    database,
                    sql: "SELECT \(Self.columns) FROM ban WHERE until > ? ORDER BY since DESC, prefix DESC LIMIT ?",
                    arguments: [Int64(clamping: now), count]
                ).compactMap { Self.ban($0)?.ban }
            }
        }
    }

    /// Throws away what `load` leaves out.
    func trim() throws(StoreFailure) {
        try StateDatabase.catching {
            try database.write { database in
                try database.execute(
                    sql:
                        "DELETE FROM ban WHERE prefix IN (SELECT prefix FROM ban ORDER BY until DESC LIMIT -1 OFFSET ?)",
                    arguments: [BanBook.maximum])
            }
        }
    }

    /// Other times for bans that are there, and by which clock.
    func retime(_ bans: [Ban], state: [String: String] = [:]) throws(StoreFailure) {
        try StateDatabase.catching {
            try database.write { database in
                try Self.put(state, database)
                let change = try database.makeStatement(sql: "UPDATE ban SET since = ?, until = ? WHERE prefix = ?")
                for ban in bans { try change.execute(arguments: [ban.since, ban.until, "\(ban.prefix)"]) }
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

    /// Seconds since 1970; some 35,000 years.
    static let latest: Int64 = 1 << 40

    /// Nil for one that this version cannot read.
    private static func ban(_ row: Row) -> StoredBan? {
        // Somebody, or a failing disk, may have put anything there.
        func number(_ column: String) -> Int64? { Int64.fromDatabaseValue(row[column]) }
        func text(_ column: String) -> String? { String.fromDatabaseValue(row[column]) }
        guard let prefix = text("prefix").flatMap({ try? BanPrefix($0) }), let since = number("since"),
            let until = number("until"), (0...latest).contains(since), (since...latest).contains(until),
            until - since <= BanTerms.most
        else { return nil }
        let count = Int(min(max(number("count") ?? 1, 1), 64))
        var ban = Ban(prefix, since: since, until: until, count: count, reason: text("reason") ?? "")
        if let bad = number("bad"), let total = number("total") {
            ban.offence = .init(bad: UInt64(clamping: bad), total: UInt64(clamping: total))
        }
        return StoredBan(ban: ban, lines: (text("lines") ?? "").split(separator: "\n").map(String.init))
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
                try Self.put(state, database)
            }
        }
    }

    private static func put(_ state: [String: String], _ database: Database) throws {
        for (key, value) in state {
            try database.execute(
                sql: "INSERT OR REPLACE INTO state (key, value) VALUES (?, ?)", arguments: [key, value])
        }
    }

    func state(_ key: String) throws(StoreFailure) -> String? {
        try StateDatabase.catching {
            try database.read { database in
                try DatabaseValue.fetchOne(database, sql: "SELECT value FROM state WHERE key = ?", arguments: [key])
                    .flatMap { String.fromDatabaseValue($0) }
            }
        }
    }
}
