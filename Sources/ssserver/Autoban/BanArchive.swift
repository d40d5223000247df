// What autoban keeps on disk from one run to the next: bans with their lines, who has begun to fail, and where the log was read up to.
// What cannot be stored waits, within bounds.
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

struct BanArchive {
    /// Nil keeps nothing.
    private(set) var store: BanStore?
    /// Opens what could not be opened at first; nil if it still cannot.
    private let reopen: (@Sendable () -> BanStore?)?
    private var reopenDue: UnixSeconds = 0
    /// While there is no store: whatever is in it is to be forgotten.
    private var isAllForgotten = false
    private let log: LogSink
    /// Bans whose lines and times are not on disk yet.
    private var unsaved: [BanPrefix: StoredBan] = [:]
    private var forgotten: Set<BanPrefix> = []
    /// What was ended by command since the ledger was stored: lines that come before that are read again after a crash.
    private var pardons: [Pardon] = []
    private var arePardonsNew = false
    private var isFailing = false
    /// When the disk is tried again.
    private var due: ContinuousClock.Instant?
    /// Lines were read since the ledger was stored.
    private var isDirty = false
    /// When it may be stored again: the larger it is the more rarely.
    private var ledgerDue: UnixSeconds = 0
    private var clockDue: UnixSeconds = 0
    /// Where it is stored how far the log was read.
    private var positionKey: String?
    private var storedPosition: String?

    /// While the disk refuses.
    private static let retryInterval = Duration.seconds(5)
    /// At least, between two times that a ledger is stored; longer by a second for each 64 KiB of it.
    private static let ledgerInterval: UnixSeconds = 5
    /// Bans whose lines wait for a disk that takes none.
    private static let maximumLines = 2000
    /// Seconds between two times that the time is stored, so that a later start sees whether the clock was set back.
    private static let clockInterval: UnixSeconds = 300
    private static let clockKey = "clock"
    static let ledgerKey = "ledger"
    static let backendKey = "backend"
    static let portsKey = "ports"
    static let ignoredKey = "ignored"
    static let termsKey = "terms"
    private static let pardonsKey = "pardons"
    private static let maximumPardons = 1000
    /// In place of a position.
    private static let missing = "missing"

    init(_ store: BanStore?, reopen: (@Sendable () -> BanStore?)? = nil, log: LogSink) {
        self.store = store
        self.reopen = reopen
        self.log = log
    }

    /// Tries once a minute to open what could not be opened; true when that has come about.
    mutating func reopenStore(_ now: UnixSeconds) -> Bool {
        guard store == nil, let reopen, now >= reopenDue else { return false }
        reopenDue = now + 60
        store = reopen()
        return store != nil
    }

    var isStoring: Bool { store != nil && !isFailing }

    /// So much waits to be stored that it should not wait for anything else.
    var isFull: Bool { unsaved.count > Self.maximumLines }

    /// The bans of a store that was opened late, as they are to stand beside those of `engine`, which have come since. What was ended
    /// since stays ended. Nil if they cannot be read, and are to be read later.
    mutating func takeUp(beside engine: BanEngine, _ now: Int64) -> [Ban]? {
        guard let stored = try? store?.load() else {
            store = nil
            return nil
        }
        var prolonged: [Ban] = []
        var bans: [Ban] = []
        for old in stored {
            let new = engine.book.ban(of: old.prefix)
            if isAllForgotten || forgotten.contains(old.prefix) || !engine.book.isRemembered(old, now) {
                if new == nil { forgotten.insert(old.prefix) }
                continue
            }
            var ban = new ?? old
            if let new, new.reason == Ban.found, new.offence == nil {
                // The same one, which was found in the firewall.
                (ban.count, ban.offence, ban.reason) = (old.count, old.offence, old.reason)
                prolonged.append(ban)
                unsaved[ban.prefix] = nil
            } else if let new {
                // Whichever lasts longer, and both count.
                let isOld = old.until > new.until
                ban = isOld ? old : new
                ban.count = min(old.count + new.count, 64)
                let lines = isOld ? (try? store?.load(old.prefix)?.lines) ?? [] : engine.lines(about: ban.prefix)
                put(StoredBan(ban: ban, lines: lines))
            }
            bans.append(ban)
        }
        isAllForgotten = false
        if !prolonged.isEmpty { retime(prolonged) }
        log.log(.info, "bans are stored again")
        return bans
    }

    /// A ban that was ended by command, or all of them.
    struct Pardon: Hashable {
        var prefix: BanPrefix?
        var time: Int64

        init(_ prefix: BanPrefix?, _ time: Int64) { (self.prefix, self.time) = (prefix, time) }

        /// As `text` has it.
        init?(text: Substring) {
            let words = text.split(separator: " ")
            guard words.count == 2, let time = Int64(words[1]), (0...BanStore.latest).contains(time) else { return nil }
            self.time = time
            if words[0] != "all" {
                guard let prefix = try? BanPrefix(String(words[0])) else { return nil }
                self.prefix = prefix
            }
        }

        var text: String { "\(prefix.map { "\($0)" } ?? "all") \(time)" }
    }

    // MARK: From the last run

    /// Where reading of a log begins.
    enum Start: Hashable, Sendable {
        case unknown
        /// It was not there yet when it was last looked for.
        case wasMissing
        case position(LogPosition)
    }

    /// How far the log was read that is followed from now on.
    mutating func follow(_ path: String) -> Start {
        // What comes through a pipe is gone.
        if path == "-" { return .unknown }
        let key = "position of \(LogPlace(path).canonical)"
        positionKey = key
        storedPosition = try? store?.state(key)
        guard let storedPosition else { return .unknown }
        if storedPosition == Self.missing { return .wasMissing }
        return LogPosition(text: storedPosition).map { .position($0) } ?? .unknown
    }

    /// Bans and the ledger; nothing of what cannot be read, which is said.
    func load(isLooking: Bool) -> (bans: [Ban], ledger: [UInt8]) {
        var bans: [Ban] = []
        do throws(StoreFailure) {
            if !isLooking { try store?.trim() }
            bans = try store?.load() ?? []
            return (bans, try store?.state(Self.ledgerKey).flatMap { Base64.decode($0) } ?? [])
        } catch {
            log.log(.warning, "earlier bans cannot be read", [("reason", "\(error)")])
            return (bans, [])
        }
    }

    // MARK: What has come

    /// Lines were read: what they say is to be stored with how far that was.
    mutating func linesCame() { isDirty = true }

    /// The clock was set: what was stored of who has begun to fail is wrong by now, and so is when something is due.
    mutating func clockChanged(_ now: UnixSeconds) {
        isDirty = true
        ledgerDue = now
        reopenDue = min(reopenDue, now)
        clockDue = now
    }

    /// How late it was when something was stored last, by the clock of that time. Bans that have begun since then say it too; one that
    /// begins much later is damaged.
    func lastClock(_ bans: [Ban]) -> UnixSeconds? {
        guard let clock = (try? store?.state(Self.clockKey)).flatMap({ UnixSeconds($0) }), clock < BanStore.latest
        else { return nil }
        let begun = bans.lazy.map { UnixSeconds(clamping: $0.since) }.filter { $0 <= clock + 2 * Self.clockInterval }
        return max(clock, begun.max() ?? 0)
    }

    mutating func put(_ ban: StoredBan) {
        unsaved[ban.ban.prefix] = ban
        forgotten.remove(ban.ban.prefix)
    }

    mutating func forget(_ prefix: BanPrefix) {
        unsaved[prefix] = nil
        forgotten.insert(prefix)
    }

    /// To be told the engine when old lines are read.
    mutating func loadPardons() -> [Pardon] {
        let text = (try? store?.state(Self.pardonsKey)) ?? ""
        pardons = text.split(separator: "\n").suffix(Self.maximumPardons).compactMap { Pardon(text: $0) }
        return pardons
    }

    mutating func pardon(_ prefix: BanPrefix?, _ now: UnixSeconds) {
        if prefix == nil { pardons.removeAll() }
        if pardons.count >= Self.maximumPardons { pardons.removeFirst() }
        pardons.append(Pardon(prefix, Int64(clamping: now)))
        arePardonsNew = true
    }

    /// Those that nothing is known of too, since they could not be read.
    mutating func forgetAll() { isAllForgotten = store == nil }

    /// Bans that no longer count.
    mutating func forget(old prefixes: [BanPrefix]) {
        for prefix in prefixes { unsaved[prefix] = nil }
        // While nothing can be stored: who is left out is forgotten again after a restart.
        if forgotten.count < BanBook.maximum { forgotten.formUnion(prefixes) }
    }

    /// Other times for bans that are there.
    mutating func retime(_ bans: [Ban], clock: UnixSeconds? = nil) {
        for ban in bans { unsaved[ban.prefix]?.ban = ban }
        do throws(StoreFailure) {
            try store?.retime(bans, state: clock.map { [Self.clockKey: "\($0)"] } ?? [:])
        } catch {
            failed(error)
        }
    }

    /// For commands that are given when autoban does not run.
    mutating func remember(_ values: [String: String]) {
        do throws(StoreFailure) {
            try store?.save([], state: values)
        } catch {
            failed(error)
        }
    }

    // MARK: Storing

    /// Stores what has come. With `now` the ledger too, where it is its time, and the `position` that belongs to it; the `last` time
    /// whatever was tried lately.
    mutating func save(
        _ engine: BanEngine, _ position: LogPosition? = nil, ledgerBy now: UnixSeconds? = nil, isLast: Bool = false
    ) {
        guard let store else {
            unsaved.removeAll()
            // What has been ended must not come back.
            if reopen == nil || forgotten.count > BanBook.maximum { forgotten.removeAll() }
            return
        }
        let isLedgerDue = isDirty && now.map { $0 >= ledgerDue || isLast } ?? false
        var values: [String: String] = [:]
        // With no line read since the ledger was stored the position may be by itself: at the start, and after a rotation.
        if now != nil, !isDirty, let key = positionKey {
            let text = position?.text ?? storedPosition ?? Self.missing
            if text != storedPosition { values[key] = text }
        }
        let isClockDue = now.map { $0 >= clockDue || isLast } ?? false
        if isClockDue, let now, BanBook.isClockSet(Int64(clamping: now)), engine.book.count > 0 {
            values[Self.clockKey] = "\(now)"
        }
        if arePardonsNew { values[Self.pardonsKey] = pardons.map(\.text).joined(separator: "\n") }
        guard isLedgerDue || !values.isEmpty || !unsaved.isEmpty || !forgotten.isEmpty else { return }
        if let due, ContinuousClock.now < due, !isLast { return }
        if isLedgerDue {
            let ledger = LedgerSnapshot.encode { engine.forEachRecord($0) }
            values[Self.ledgerKey] = Base64.encode(ledger)
            ledgerDue = (now ?? 0) + Self.ledgerInterval + UnixSeconds(ledger.count >> 16)
            // Both belong together: what is behind the position is read again, and what is before it is in the ledger.
            if let position, let key = positionKey { values[key] = position.text }
            if !pardons.isEmpty { values[Self.pardonsKey] = "" }
        }
        do throws(StoreFailure) {
            try store.save(Array(unsaved.values), forgotten: Array(forgotten), state: values)
        } catch {
            return failed(error)
        }
        due = nil
        if let key = positionKey, let text = values[key] { storedPosition = text }
        if isClockDue, let now { clockDue = now + Self.clockInterval }
        unsaved.removeAll()
        forgotten.removeAll()
        arePardonsNew = false
        if isLedgerDue {
            isDirty = false
            pardons.removeAll()
        }
        if isFailing {
            isFailing = false
            log.log(.info, "bans are stored again")
        }
    }

    private mutating func failed(_ error: StoreFailure) {
        due = .now + Self.retryInterval
        if unsaved.count > Self.maximumLines {
            for prefix in unsaved.keys { unsaved[prefix]?.lines = [] }
        }
        if isFailing { return }
        isFailing = true
        log.log(
            .error, "bans cannot be stored: they hold, but a restart would not know of them", [("reason", "\(error)")])
    }
}
