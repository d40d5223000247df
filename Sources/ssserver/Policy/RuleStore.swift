// Rules that commands have made, in SQLite: what was acknowledged is there after whatever happens. Calls block; they are
// made from nowhere near an event loop.
internal import GRDB
internal import SSCommon
internal import SSServerCore

/// A rule that a command has made.
struct StoredRule: Hashable, Sendable {
    /// As it stands in the log and in answers, where files have their paths.
    static let source = "commands"

    let text: String
    /// Whom it is for; nil for everybody.
    let user: String?
    let added: UnixSeconds
}

/// With what it says, so that a new one is not the price of reading all.
struct CommandRule: Sendable {
    let stored: StoredRule
    /// Nil if this version does not understand it.
    let parsed: RuleLoader.Parsed?

    init(_ stored: StoredRule) {
        self.stored = stored
        parsed = try? RuleLoader.parse(stored.text, StoredRule.source)
    }
}

final class RuleStore: Sendable {
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
                    CREATE TABLE rule (
                        id INTEGER PRIMARY KEY, text TEXT NOT NULL, user TEXT NOT NULL, added INTEGER NOT NULL,
                        UNIQUE (text, user))
                    """)
        }
        return migrator
    }

    /// In the order in which they were made.
    func load() throws(StoreFailure) -> [StoredRule] {
        try StateDatabase.catching {
            try database.read { database in
                try Row.fetchAll(database, sql: "SELECT text, user, added FROM rule ORDER BY id").map { row in
                    let user: String = row["user"]
                    return StoredRule(
                        text: row["text"], user: user.isEmpty ? nil : user,
                        added: UnixSeconds(clamping: row["added"] as Int64))
                }
            }
        }
    }

    /// All or none; those that are there already stay as they are.
    func add(_ rules: [StoredRule]) throws(StoreFailure) {
        try StateDatabase.catching {
            try database.write { database in
                let statement = try database.makeStatement(
                    sql: "INSERT OR IGNORE INTO rule (text, user, added) VALUES (?, ?, ?)")
                for rule in rules {
                    try statement.execute(arguments: [rule.text, rule.user ?? "", Int64(clamping: rule.added)])
                }
            }
        }
    }

    func remove(_ rules: [StoredRule]) throws(StoreFailure) {
        try StateDatabase.catching {
            try database.write { database in
                let statement = try database.makeStatement(sql: "DELETE FROM rule WHERE text = ? AND user = ?")
                for rule in rules { try statement.execute(arguments: [rule.text, rule.user ?? ""]) }
            }
        }
    }
}
