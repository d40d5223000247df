// What the cache has saved: in the last minute, today, and in all that is remembered.
internal import GRDB
internal import Logging
internal import SSCommon
internal import SSNetwork

/// Sums of a time.
struct CacheTotals: Hashable, Sendable {
    var hits: UInt64 = 0
    var misses: UInt64 = 0
    var stale: UInt64 = 0
    var collapsed: UInt64 = 0
    var bytesSaved: UInt64 = 0
    var millisecondsSaved: UInt64 = 0

    init() {}

    init(_ reading: CacheCounters.Reading) {
        hits = reading[.hit] + reading[.validated]
        misses = reading[.miss]
        stale = reading[.stale]
        collapsed = reading[.collapsed]
        bytesSaved = reading.bytesSaved
        millisecondsSaved = reading.millisecondsSaved
    }

    private func combined(_ other: CacheTotals, _ body: (UInt64, UInt64) -> UInt64) -> CacheTotals {
        var totals = CacheTotals()
        totals.hits = body(hits, other.hits)
        totals.misses = body(misses, other.misses)
        totals.stale = body(stale, other.stale)
        totals.collapsed = body(collapsed, other.collapsed)
        totals.bytesSaved = body(bytesSaved, other.bytesSaved)
        totals.millisecondsSaved = body(millisecondsSaved, other.millisecondsSaved)
        return totals
    }

    static func + (a: CacheTotals, b: CacheTotals) -> CacheTotals { a.combined(b, &+) }

    static func - (a: CacheTotals, b: CacheTotals) -> CacheTotals { a.combined(b) { $0 - min($0, $1) } }
}

actor CacheBooks {
    private let counters: CacheCounters
    private let store: CacheTotalsStore?
    private let logger: Logger
    /// Of each of the last seconds, the latest last.
    private var recent: [CacheTotals] = []
    /// What was counted when it was last stored.
    private var stored = CacheTotals()
    private var day: Int64
    private var today: CacheTotals
    private var all: CacheTotals
    private var ticks = 0

    private static let seconds = 60
    /// Seconds that a crash may cost of what was counted.
    private static let interval = 30

    /// `path` is that of the file; nil keeps nothing.
    init(_ counters: CacheCounters, path: String?, logger: Logger) {
        self.counters = counters
        self.logger = logger
        day = Self.day(WallClock.now())
        var store: CacheTotalsStore?
        var known = (today: CacheTotals(), all: CacheTotals())
        if let path {
            do throws(StoreFailure) {
                let opened = try CacheTotalsStore(path: path)
                known = try opened.load(day)
                store = opened
            } catch {
                logger.warning("what the cache has saved is not remembered", metadata: ["reason": "\(error)"])
            }
        }
        self.store = store
        today = known.today
        all = known.all
    }

    /// Once a second.
    func tick() {
        recent.append(CacheTotals(counters.reading))
        if recent.count > Self.seconds + 1 { recent.removeFirst() }
        ticks += 1
        if ticks % Self.interval == 0 { keep() }
    }

    /// Writes down what is new.
    func keep() {
        let now = CacheTotals(counters.reading)
        let new = now - stored
        let current = Self.day(WallClock.now())
        defer {
            stored = now
            if current != day {
                day = current
                today = CacheTotals()
            }
        }
        guard new != CacheTotals() else { return }
        today = today + new
        all = all + new
        do throws(StoreFailure) {
            try store?.add(new, day)
        } catch {
            logger.warning("what the cache has saved could not be written down", metadata: ["reason": "\(error)"])
        }
    }

    func totals() -> (now: CacheTotals, today: CacheTotals, all: CacheTotals) {
        let current = CacheTotals(counters.reading)
        let new = current - stored
        return (current - (recent.first ?? CacheTotals()), today + new, all + new)
    }

    /// Days since 1970 in UTC.
    private static func day(_ now: UnixSeconds) -> Int64 { Int64(clamping: now / 86_400) }
}

/// One row a day.
private final class CacheTotalsStore: Sendable {
    private let database: DatabaseQueue

    init(path: String) throws(StoreFailure) {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in
            try database.execute(
                sql: """
                    CREATE TABLE day (
                        day INTEGER PRIMARY KEY, hits INTEGER NOT NULL, misses INTEGER NOT NULL,
                        stale INTEGER NOT NULL, collapsed INTEGER NOT NULL, bytes INTEGER NOT NULL,
                        milliseconds INTEGER NOT NULL)
                    """)
        }
        database = try StateDatabase.open(path, migrator: migrator, .normal)
    }

    func load(_ day: Int64) throws(StoreFailure) -> (today: CacheTotals, all: CacheTotals) {
        try StateDatabase.catching {
            try database.read { database in
                let columns = ["hits", "misses", "stale", "collapsed", "bytes", "milliseconds"]
                    .map { "COALESCE(SUM(\($0)), 0) AS \($0)" }.joined(separator: ", ")
                let today = try Row.fetchOne(
                    database, sql: "SELECT \(columns) FROM day WHERE day = ?", arguments: [day])
                let all = try Row.fetchOne(database, sql: "SELECT \(columns) FROM day")
                return (today.map(Self.totals) ?? CacheTotals(), all.map(Self.totals) ?? CacheTotals())
            }
        }
    }

    private static func totals(_ row: Row) -> CacheTotals {
        func number(_ name: String) -> UInt64 { UInt64(clamping: (row[name] as Int64?) ?? 0) }
        var totals = CacheTotals()
        totals.hits = number("hits")
        totals.misses = number("misses")
        totals.stale = number("stale")
        totals.collapsed = number("collapsed")
        totals.bytesSaved = number("bytes")
        totals.millisecondsSaved = number("milliseconds")
        return totals
    }

    func add(_ new: CacheTotals, _ day: Int64) throws(StoreFailure) {
        try StateDatabase.catching {
            try database.write { database in
                try database.execute(
                    sql: """
                        INSERT INTO day VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (day) DO UPDATE SET
                        hits = hits + excluded.hits, misses = misses + excluded.misses,
                        stale = stale + excluded.stale, collapsed = collapsed + excluded.collapsed,
                        bytes = bytes + excluded.bytes, milliseconds = milliseconds + excluded.milliseconds
                        """,
                    arguments: [
                        day, Int64(clamping: new.hits), Int64(clamping: new.misses), Int64(clamping: new.stale),
                        Int64(clamping: new.collapsed), Int64(clamping: new.bytesSaved),
                        Int64(clamping: new.millisecondsSaved),
                    ])
            }
        }
    }
}
