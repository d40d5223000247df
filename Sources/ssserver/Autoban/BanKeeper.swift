// Bans while autoban runs: what is decided goes to the firewall, then to disk, and is kept the same in both. The firewall comes
// first: a ban that is not stored ends by the kernel's clock, one that is not in the kernel is none.
internal import Dispatch
internal import NIOConcurrencyHelpers
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

final class BanKeeper: Sendable {
    private struct State {
        var engine: BanEngine
        var backend: any FirewallBackend
        /// Bans whose lines and times are not on disk yet.
        var unsaved: [BanPrefix: StoredBan] = [:]
        var forgotten: Set<BanPrefix> = []
        /// Banned, and perhaps still connected.
        var uncut: [BanPrefix] = []
        /// What the firewall has not been told, since it refused.
        var isBehind = false
        var isStoreFailing = false
        var isTimeTold = false
        /// It was said that open connections cannot be cut.
        var isUncutTold = false
        /// Nothing is begun any more.
        var hasEnded = false
        var lastFailure: String?
        var lastReconciled: UnixSeconds = 0
        /// Seconds that the times of lines are ahead, while old ones are read.
        var ahead: Int64?
        /// Lines were read since the ledger was stored.
        var isDirty = false
        /// When it may be stored again: the larger it is the more rarely.
        var ledgerDue: UnixSeconds = 0
        /// Where it is stored how far the log was read.
        var positionKey: String?
        var storedPosition: String?
        /// When the disk is tried again.
        var storeDue: ContinuousClock.Instant?
        /// The clock, when it was last looked at.
        var latest: UnixSeconds = 0
        /// Exempt ones that were told of lately.
        var told: [BanPrefix: UnixSeconds] = [:]
    }

    private let lock = NIOLock()
    /// Touched under the lock alone, in `locked`.
    private nonisolated(unsafe) var state: State
    private let store: BanStore?
    /// That are shut to the banned; all if it is empty.
    private let ports: [UInt16]
    /// As they were given, for commands that are given when autoban does not run.
    private let ignored: [String]
    /// The backend of a name, in which there may be what was banned when autoban ran the last time.
    private let former: @Sendable (String) -> (any FirewallBackend)?
    private let connections: OpenConnections?
    private let cutting = DispatchQueue(label: "cut")
    private let log: LogSink
    /// Told of each ban, once it is in force.
    private let onBan: @Sendable (Ban) -> Void

    private static let reconcileInterval: UnixSeconds = 60
    /// While the firewall or the disk refuses.
    private static let retryInterval: UnixSeconds = 5
    /// At least, between two times that a ledger is stored; longer by a second for each 64 KiB of it.
    private static let ledgerInterval: UnixSeconds = 5
    private static let maximumTold = 1024
    static let ledgerKey = "ledger"
    static let backendKey = "backend"
    static let portsKey = "ports"
    static let ignoredKey = "ignored"
    /// In place of a position.
    private static let missing = "missing"
    /// Seconds by which a clock may be set back without anything being counted anew.
    private static let clockError: UnixSeconds = 60
    /// Bans whose lines wait for a disk that takes none.
    private static let maximumLines = 2000

    init(
        _ engine: BanEngine, _ backend: any FirewallBackend, _ store: BanStore?, _ connections: OpenConnections?,
        ports: [UInt16] = [], ignored: [String] = [], log: LogSink,
        former: @escaping @Sendable (String) -> (any FirewallBackend)? = { _ in nil },
        onBan: @escaping @Sendable (Ban) -> Void = { _ in }
    ) {
        state = State(engine: engine, backend: backend)
        self.store = store
        self.ports = ports
        self.ignored = ignored
        self.former = former
        self.connections = connections
        self.log = log
        self.onBan = onBan
    }

    private func locked<Result, Fault: Error>(
        _ body: (inout State) throws(Fault) -> Result
    ) throws(Fault) -> Result {
        lock.lock()
        defer { lock.unlock() }
        return try body(&state)
    }

    // MARK: Beginning and end

    /// Where reading of a log begins.
    enum Start: Hashable, Sendable {
        case unknown
        /// It was not there yet when it was last looked for.
        case wasMissing
        case position(LogPosition)
    }

    /// How far the log was read that is followed from now on.
    func follow(_ path: String) -> Start {
        // What comes through a pipe is gone.
        if path == "-" { return .unknown }
        let key = "position of \(path)"
        guard let text = try? store?.state(key) else {
            locked { ($0.positionKey, $0.storedPosition) = (key, nil) }
            return .unknown
        }
        locked { ($0.positionKey, $0.storedPosition) = (key, text) }
        if text == Self.missing { return .wasMissing }
        return LogPosition(text: text).map { .position($0) } ?? .unknown
    }

    /// Takes up what was stored, and gives the firewall what it lacks of it; not if this is only to look at it. A log that is read
    /// `fromStart` says by itself who has begun to fail.
    func begin(now: UnixSeconds, fromStart: Bool = false, isLooking: Bool = false) throws(FirewallFailure) {
        var stored: [Ban] = []
        var ledger: [UInt8] = []
        do throws(StoreFailure) {
            if !isLooking { try store?.trim() }
            stored = try store?.load() ?? []
            if !fromStart { ledger = try store?.state(Self.ledgerKey).flatMap { Base64.decode($0) } ?? [] }
        } catch {
            log.log(.warning, "earlier bans cannot be read", [("reason", "\(error)")])
        }
        try locked { (state) throws(FirewallFailure) in
            for ban in stored { state.engine.restore(ban) }
            LedgerSnapshot.decode(ledger) { state.engine.restore($0) }
            guard !isLooking else { return }
            leaveFormer(state)
            let pardoned = pardon(stored, &state, now)
            rebase(&state, now)
            try reconcile(&state, now, without: pardoned)
            settle(&state)
            remember(&state)
        }
    }

    /// Bans in another firewall than ours would be out of everybody's reach.
    private func leaveFormer(_ state: State) {
        guard let name = try? store?.state(Self.backendKey), name != state.backend.name, var backend = former(name)
        else {
            return
        }
        do throws(FirewallFailure) {
            try backend.remove()
        } catch {
            log.log(
                .warning, "bans of an earlier run may still be in force", [("backend", name), ("reason", error.text)])
        }
    }

    /// Ends stored bans of those who are never banned now: somebody has said so since, or has locked himself out.
    private func pardon(_ stored: [Ban], _ state: inout State, _ now: UnixSeconds) -> Set<BanPrefix> {
        let time = Int64(clamping: now)
        var pardoned: Set<BanPrefix> = []
        for ban in stored where ban.isActive(time) {
            guard let reason = state.engine.exemption(of: ban.prefix, now: time) else { continue }
            _ = state.engine.lift(ban.prefix, now: time)
            state.forgotten.insert(ban.prefix)
            pardoned.insert(ban.prefix)
            log.log(.warning, "no longer banned", [("address", "\(ban.prefix)"), ("reason", "it is \(reason)")])
        }
        return pardoned
    }

    /// All that is counted goes by a clock that somebody may set.
    private func lookAtClock(_ state: inout State, _ now: UnixSeconds) {
        if now + Self.clockError < state.latest {
            state.engine.forgetCounts()
            state.told.removeAll()
            state.lastReconciled = min(state.lastReconciled, now)
            state.ledgerDue = now
            state.isDirty = true
            rebase(&state, now)
        }
        state.latest = now
    }

    /// After the clock was set back a ban would seem to last until the time comes again.
    private func rebase(_ state: inout State, _ now: UnixSeconds) {
        let changed = state.engine.rebase(Int64(clamping: now))
        guard !changed.isEmpty else { return }
        log.log(.warning, "the clock was set back; bans count from now on", [("count", "\(changed.count)")])
        for ban in changed { state.unsaved[ban.prefix]?.ban = ban }
        do throws(StoreFailure) {
            try store?.retime(changed)
        } catch {
            storeFailed(&state, error)
        }
    }

    /// For commands that are given when autoban does not run.
    private func remember(_ state: inout State) {
        do throws(StoreFailure) {
            let ports = ports.map { "\($0)" }.joined(separator: ",")
            try store?.save(
                [],
                state: [
                    Self.backendKey: state.backend.name, Self.portsKey: ports,
                    Self.ignoredKey: ignored.joined(separator: " "),
                ])
        } catch {
            storeFailed(&state, error)
        }
    }

    /// Stores what is left to be stored. With `removesRules` the firewall is as it was before; false if it is not.
    func end(position: LogPosition?, removesRules: Bool, now: UnixSeconds) -> Bool {
        locked { state in
            state.hasEnded = true
            act(&state, now)
            settle(&state)
            state.ledgerDue = now
            save(&state, position, ledgerBy: now)
            guard removesRules else { return true }
            do throws(FirewallFailure) {
                try state.backend.remove()
                return true
            } catch {
                log.log(.error, "rules are still there", [("reason", error.text)])
                return false
            }
        }
    }

    /// Returns when connections of all who were banned so far are cut.
    func finishCutting() { cutting.sync {} }

    // MARK: Lines

    /// Old lines count by their own times, which are so many seconds ahead; with nil they count by when they come.
    func countsByTime(ahead: Int64?) { locked { $0.ahead = ahead } }

    /// `give` hands over lines, one by one; what follows from them is done once there is some of it.
    func read(now: UnixSeconds, _ give: ((RawSpan) -> Void) throws(UnreadableLog) -> Void) throws(UnreadableLog) {
        try locked { (state) throws(UnreadableLog) in
            let ahead = state.ahead
            let time = Int64(clamping: now)
            let lines = state.engine.counts.lines
            defer { if state.engine.counts.lines != lines { state.isDirty = true } }
            try give { state.engine.read($0, now: time, ahead: ahead) }
        }
    }

    /// Decisions that are waiting to be acted on.
    var waiting: Int { locked { $0.engine.decisionCount } }

    /// Has the firewall do what has been decided.
    func act(now: UnixSeconds) { locked { act(&$0, now) } }

    /// What can wait until no more lines are there: connections are cut, bans stored.
    func settle(now: UnixSeconds) {
        locked { state in
            act(&state, now)
            settle(&state)
        }
    }

    private func settle(_ state: inout State) {
        if let connections, !state.uncut.isEmpty {
            let prefixes = state.uncut
            // Programs are started for it: the next ban does not wait for them.
            cutting.async { self.tell(connections.cut(prefixes)) }
        }
        state.uncut.removeAll()
        save(&state)
    }

    /// Once is enough.
    private func tell(_ outcome: OpenConnections.Outcome) {
        let reason: String
        switch outcome {
        case .cut: return
        case .noTool: reason = "ss is not installed (iproute2)"
        case .refused(let failure): reason = failure.text
        }
        let isTold = locked { state in
            defer { state.isUncutTold = true }
            return state.isUncutTold
        }
        if !isTold {
            log.log(.warning, "open connections of the banned are not cut, only silenced", [("reason", reason)])
        }
    }

    private func act(_ state: inout State, _ now: UnixSeconds) {
        guard state.engine.hasDecisions else { return }
        var bans: [Ban] = []
        for decision in state.engine.takeDecisions() {
            switch decision {
            case .ban(let ban, let lines):
                bans.append(ban)
                state.unsaved[ban.prefix] = StoredBan(ban: ban, lines: lines)
                state.forgotten.remove(ban.prefix)
            case .exempt(let prefix, let reason): tell(prefix, reason, &state, now)
            case .refused(let prefix):
                log.log(
                    .warning, "too many bans for their time; this one is left out", [("address", "\(prefix)")])
            }
        }
        if !bans.isEmpty { enforce(bans, &state, now) }
    }

    private func tell(_ prefix: BanPrefix, _ reason: String, _ state: inout State, _ now: UnixSeconds) {
        if let last = state.told[prefix], now - min(last, now) < 3600 { return }
        if state.told.count >= Self.maximumTold { state.told.removeAll() }
        state.told[prefix] = now
        log.log(.warning, "not banned though it fails", [("address", "\(prefix)"), ("reason", "it is \(reason)")])
    }

    private func enforce(_ bans: [Ban], _ state: inout State, _ now: UnixSeconds) {
        let changes = FirewallChanges(
            bans: bans.map {
                .init(prefix: $0.prefix, seconds: UInt32(clamping: max(1, $0.left(Int64(clamping: now)))))
            })
        guard apply(changes, &state) else { return }
        for ban in bans { told(ban) }
        state.uncut += bans.map(\.prefix)
    }

    private func told(_ ban: Ban) {
        var fields = [("address", "\(ban.prefix)")]
        if let offence = ban.offence { fields += [("bad", "\(offence.bad)"), ("total", "\(offence.total)")] }
        if !ban.reason.isEmpty { fields.append(("reason", ban.reason)) }
        log.log(.info, "banned", fields + [("seconds", "\(ban.seconds)"), ("count", "\(ban.count)")])
        onBan(ban)
    }

    private func apply(_ changes: FirewallChanges, _ state: inout State) -> Bool {
        do throws(FirewallFailure) {
            try state.backend.apply(changes)
            state.lastFailure = nil
            tellOfTime(&state)
            return true
        } catch {
            state.isBehind = true
            state.lastFailure = error.text
            log.log(.error, "the firewall does not take bans", [("reason", error.text)])
            return false
        }
    }

    private func tellOfTime(_ state: inout State) {
        guard !state.backend.expiresByItself, !state.isTimeTold else { return }
        state.isTimeTold = true
        log.log(.warning, "this kernel does not end bans in iptables by itself; they end only while autoban runs")
    }

    // MARK: Now and then

    /// To be called about every second. `position` is where the log was read up to.
    func tick(position: LogPosition?, now: UnixSeconds) {
        locked { state in
            lookAtClock(&state, now)
            act(&state, now)
            settle(&state)
            let old = state.engine.forget(Int64(clamping: now))
            for prefix in old { state.unsaved[prefix] = nil }
            // While nothing can be stored: who is left out is forgotten again after a restart.
            if state.forgotten.count < BanBook.maximum { state.forgotten.formUnion(old) }
            let interval = state.isBehind ? Self.retryInterval : Self.reconcileInterval
            if now - min(state.lastReconciled, now) >= interval || now < state.lastReconciled {
                do throws(FirewallFailure) {
                    try reconcile(&state, now)
                } catch {
                    state.isBehind = true
                    state.lastReconciled = now
                    state.lastFailure = error.text
                    log.log(.error, "the firewall does not take bans", [("reason", error.text)])
                }
            }
            save(&state, position, ledgerBy: now)
        }
    }

    /// Makes the firewall hold what should be there, whatever somebody has done to it.
    func reconcile(now: UnixSeconds) throws(FirewallFailure) {
        try locked { (state) throws(FirewallFailure) in try reconcile(&state, now) }
    }

    private func reconcile(
        _ state: inout State, _ now: UnixSeconds, without pardoned: Set<BanPrefix> = []
    ) throws(FirewallFailure) {
        if state.hasEnded { return }
        let isFirst = state.lastReconciled == 0
        state.lastReconciled = now
        var contents = try state.backend.contents()
        if !contents.isWhole {
            if !isFirst { log.log(.warning, "the rules were damaged; they are made anew") }
            try state.backend.prepare()
            contents = try state.backend.contents()
        }
        let time = Int64(clamping: now)
        let missing = state.engine.book.active(time).filter { !contents.bans.contains($0.prefix) }
        let unbans = contents.bans.filter { pardoned.contains($0) }
        guard !missing.isEmpty || !unbans.isEmpty else {
            state.isBehind = false
            state.lastFailure = nil
            return
        }
        if !isFirst, !state.isBehind, !missing.isEmpty {
            log.log(.warning, "bans were gone from the firewall; they are put back", [("count", "\(missing.count)")])
        }
        try state.backend.apply(
            FirewallChanges(
                bans: missing.map { .init(prefix: $0.prefix, seconds: UInt32(clamping: max(1, $0.left(time)))) },
                unbans: Array(unbans)))
        state.uncut += missing.map(\.prefix)
        state.isBehind = false
        state.lastFailure = nil
        tellOfTime(&state)
    }

    private func save(_ state: inout State, _ position: LogPosition? = nil, ledgerBy now: UnixSeconds? = nil) {
        let isLedgerDue = state.isDirty && now.map { $0 >= state.ledgerDue } ?? false
        guard let store else {
            state.unsaved.removeAll()
            state.forgotten.removeAll()
            return
        }
        var values: [String: String] = [:]
        // With no line read since the ledger was stored the position may be by itself: at the start, and after a rotation.
        if now != nil, !state.isDirty, let key = state.positionKey {
            let text = position?.text ?? state.storedPosition ?? Self.missing
            if text != state.storedPosition { values[key] = text }
        }
        guard isLedgerDue || !values.isEmpty || !state.unsaved.isEmpty || !state.forgotten.isEmpty else { return }
        if let due = state.storeDue, ContinuousClock.now < due, !state.hasEnded { return }
        if isLedgerDue {
            let ledger = LedgerSnapshot.encode { state.engine.forEachRecord($0) }
            values[Self.ledgerKey] = Base64.encode(ledger)
            state.ledgerDue = (now ?? 0) + Self.ledgerInterval + UnixSeconds(ledger.count >> 16)
            // Both belong together: what is behind the position is read again, and what is before it is in the ledger.
            if let position, let key = state.positionKey { values[key] = position.text }
        }
        do throws(StoreFailure) {
            try store.save(Array(state.unsaved.values), forgotten: Array(state.forgotten), state: values)
            state.storeDue = nil
            if let key = state.positionKey, let text = values[key] { state.storedPosition = text }
            state.unsaved.removeAll()
            state.forgotten.removeAll()
            if isLedgerDue { state.isDirty = false }
            if state.isStoreFailing {
                state.isStoreFailing = false
                log.log(.info, "bans are stored again")
            }
        } catch {
            storeFailed(&state, error)
        }
    }

    private func storeFailed(_ state: inout State, _ error: StoreFailure) {
        state.storeDue = .now + .seconds(Int64(Self.retryInterval))
        if state.unsaved.count > Self.maximumLines {
            for prefix in state.unsaved.keys { state.unsaved[prefix]?.lines = [] }
        }
        if state.isStoreFailing { return }
        state.isStoreFailing = true
        log.log(
            .error, "bans cannot be stored: they hold, but a restart would not know of them", [("reason", "\(error)")])
    }

    // MARK: Orders

    /// Why an order is not carried out.
    enum OrderFault: Error {
        /// It is never banned, for a reason that follows "it is".
        case exempt(String)
        /// There are too many.
        case full
        /// The firewall says no.
        case firewall(FirewallFailure)
        /// It is not banned.
        case notBanned
        /// It is banned with others, all of which would have to be let go.
        case wider(BanPrefix)
        /// autoban is about to end.
        case ending
    }

    /// Bans for `seconds`, or as long as its next ban would be.
    func order(_ prefix: BanPrefix, seconds: Int64?, reason: String, now: UnixSeconds) throws(OrderFault) -> Ban {
        try locked { (state) throws(OrderFault) in
            if state.hasEnded { throw .ending }
            if let reason = state.engine.exemption(of: prefix, now: Int64(clamping: now)) { throw .exempt(reason) }
            guard
                let ban = state.engine.order(prefix, seconds: seconds, reason: reason, now: Int64(clamping: now))
            else { throw .full }
            state.unsaved[prefix] = StoredBan(ban: ban, lines: [])
            state.forgotten.remove(prefix)
            enforce([ban], &state, now)
            settle(&state)
            if let failure = state.lastFailure { throw .firewall(FirewallFailure(text: failure)) }
            return ban
        }
    }

    /// Ends a ban, and forgets that there was one.
    func lift(_ prefix: BanPrefix, now: UnixSeconds) throws(OrderFault) {
        try locked { (state) throws(OrderFault) in
            if state.hasEnded { throw .ending }
            act(&state, now)
            var isBanned = state.engine.lift(prefix, now: Int64(clamping: now)) != nil
            state.unsaved[prefix] = nil
            state.forgotten.insert(prefix)
            do throws(FirewallFailure) {
                // It may have what we know nothing of; and where it has nothing, nothing is to be made.
                if try state.backend.contents().bans.contains(prefix) {
                    try state.backend.apply(FirewallChanges(unbans: [prefix]))
                    isBanned = true
                }
            } catch {
                throw .firewall(error)
            }
            save(&state)
            if isBanned { log.log(.info, "unbanned", [("address", "\(prefix)")]) }
            if let wider = Self.wider(prefix, state, now) { throw .wider(wider) }
            if !isBanned { throw .notBanned }
        }
    }

    /// A ban in force of several sources, `prefix` among them.
    private static func wider(_ prefix: BanPrefix, _ state: State, _ now: UnixSeconds) -> BanPrefix? {
        guard prefix.isNarrow else { return nil }
        let ban = state.engine.book.ban(on: BanSource(prefix.address), now: Int64(clamping: now))
        return ban.flatMap { $0.prefix == prefix ? nil : $0.prefix }
    }

    /// Ends all bans; how many there were.
    func liftAll(now: UnixSeconds) throws(OrderFault) -> Int {
        try locked { (state) throws(OrderFault) in
            if state.hasEnded { throw .ending }
            act(&state, now)
            do throws(FirewallFailure) {
                // Those too that we know nothing of.
                let bans = try state.backend.contents().bans
                if !bans.isEmpty { try state.backend.apply(FirewallChanges(unbans: Array(bans))) }
            } catch {
                throw .firewall(error)
            }
            var count = 0
            for ban in state.engine.book.all {
                if state.engine.lift(ban.prefix, now: Int64(clamping: now)) != nil { count += 1 }
                state.unsaved[ban.prefix] = nil
                state.forgotten.insert(ban.prefix)
            }
            save(&state)
            log.log(.info, "all bans are ended", [("count", "\(count)")])
            return count
        }
    }

    /// Takes away every rule of ours; without anybody who puts them back.
    func removeRules() throws(FirewallFailure) {
        try locked { (state) throws(FirewallFailure) in try state.backend.remove() }
    }

    // MARK: Questions

    struct Overview: Sendable {
        var bans: [Ban]
        var counts: BanEngine.Counts
        var backend: String
        /// What the firewall said last, if it refused.
        var failure: String?
        var isStoring: Bool
    }

    func overview(now: UnixSeconds) -> Overview {
        locked { state in
            Overview(
                bans: state.engine.book.active(Int64(clamping: now)), counts: state.engine.counts,
                backend: state.backend.name, failure: state.lastFailure,
                isStoring: store != nil && !state.isStoreFailing)
        }
    }

    /// All that is known of one.
    struct Reasons: Sendable {
        var ban: Ban?
        var lines: [String]
        var account: BanLedger.Offence?
        var exemption: String?
    }

    func reasons(_ prefix: BanPrefix, now: UnixSeconds) -> Reasons {
        var reasons = locked { state in
            let wider = Self.wider(prefix, state, now)
            return Reasons(
                ban: state.engine.book.ban(of: wider ?? prefix), lines: state.engine.lines(about: prefix),
                account: state.engine.account(of: prefix),
                exemption: state.engine.exemption(of: prefix, now: Int64(clamping: now)))
        }
        // What led to a ban was stored with it; what came since says less.
        if let ban = reasons.ban, let stored = try? store?.load(ban.prefix), !stored.lines.isEmpty {
            reasons.lines = stored.lines
        }
        return reasons
    }
}
