// Bans while autoban runs: what is decided goes to the firewall, then to disk, and is kept the same in both. The firewall comes
// first: a ban that is not stored ends by the kernel's clock, one that is not in the kernel is none.
internal import Dispatch
internal import NIOConcurrencyHelpers
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

final class BanKeeper: Sendable {
    struct State {
        var engine: BanEngine
        var backend: any FirewallBackend
        var archive: BanArchive
        /// Banned, and perhaps still connected.
        var uncut: [BanPrefix] = []
        /// In force as soon as the firewall takes them, and then told of; as many as anybody would read.
        var untold: [Ban] = []
        /// What the firewall has not been told, since it refused.
        var isBehind = false
        var isTimeTold = false
        /// It was said that open connections cannot be cut.
        var isUncutTold = false
        /// What was stored has been taken up.
        var hasBegun = false
        /// Nothing is begun any more.
        var hasEnded = false
        var lastFailure: String?
        var lastReconciled: UnixSeconds = 0
        /// Seconds that the times of lines are ahead, while old ones are read.
        var ahead: Int64?
        /// The clock, when it was last looked at.
        var latest: UnixSeconds = 0
        /// Exempt ones that were told of lately.
        var told: [BanPrefix: UnixSeconds] = [:]
    }

    private let lock = NIOLock()
    /// Touched under the lock alone, in `locked`.
    private nonisolated(unsafe) var state: State
    /// That are shut to the banned; all if it is empty.
    private let ports: [UInt16]
    /// As they were given, for commands that are given when autoban does not run.
    private let ignored: [String]
    /// The backend of a name, in which there may be what was banned when autoban ran the last time.
    private let former: @Sendable (String) -> (any FirewallBackend)?
    private let connections: OpenConnections?
    private let cutting = DispatchQueue(label: "cut")
    let log: LogSink
    /// Told of each ban, once it is in force.
    private let onBan: @Sendable (Ban) -> Void

    private static let reconcileInterval: UnixSeconds = 60
    /// While the firewall refuses.
    private static let retryInterval: UnixSeconds = 5
    private static let maximumTold = 1024
    private static let maximumUntold = 1000
    /// Seconds: what ends before the firewall is looked at again is left to end.
    private static let soon: UInt32 = 60
    /// Seconds by which a clock may be set back without anything being counted anew.
    private static let clockError: UnixSeconds = 60

    init(
        _ engine: BanEngine, _ backend: any FirewallBackend, _ store: BanStore?, _ connections: OpenConnections?,
        ports: [UInt16] = [], ignored: [String] = [], log: LogSink,
        former: @escaping @Sendable (String) -> (any FirewallBackend)? = { _ in nil },
        reopen: (@Sendable () -> BanStore?)? = nil, onBan: @escaping @Sendable (Ban) -> Void = { _ in }
    ) {
        state = State(engine: engine, backend: backend, archive: BanArchive(store, reopen: reopen, log: log))
        self.ports = ports
        self.ignored = ignored
        self.former = former
        self.connections = connections
        self.log = log
        self.onBan = onBan
    }

    func locked<Result, Fault: Error>(
        _ body: (inout State) throws(Fault) -> Result
    ) throws(Fault) -> Result {
        lock.lock()
        defer { lock.unlock() }
        return try body(&state)
    }

    // MARK: Beginning and end

    /// How far the log was read that is followed from now on.
    func follow(_ path: String) -> BanArchive.Start { locked { $0.archive.follow(path) } }

    /// Takes up what was stored, and gives the firewall what it lacks of it; not if this is only to look at it. A log that is read
    /// `fromStart` says by itself who has begun to fail.
    func begin(now: UnixSeconds, fromStart: Bool = false, isLooking: Bool = false) throws(FirewallFailure) {
        try locked { (state) throws(FirewallFailure) in
            state.hasBegun = true
            state.latest = now
            let stored = state.archive.load(isLooking: isLooking)
            state.engine.restore(stored.bans)
            for pardon in state.archive.loadPardons() { state.engine.pardon(pardon.prefix, at: pardon.time) }
            if !fromStart {
                LedgerSnapshot.decode(stored.ledger) { state.engine.restore($0, now: Int64(clamping: now)) }
            }
            guard !isLooking else { return }
            leaveFormer(state)
            if let latest = state.archive.lastClock(stored.bans), now + Self.clockError < latest {
                shift(&state, from: latest, to: now)
            }
            let pardoned = pardon(&state, now)
            rebase(&state, now)
            let hadBans = try !state.backend.contents().bans.isEmpty
            do throws(FirewallFailure) {
                try reconcile(&state, now, without: pardoned)
            } catch {
                // Half of it is nobody's.
                if !hadBans { try? state.backend.remove() }
                throw error
            }
            settle(&state)
            remember(&state)
        }
    }

    private func remember(_ state: inout State) {
        state.archive.remember([
            BanArchive.backendKey: state.backend.name,
            BanArchive.portsKey: ports.map { "\($0)" }.joined(separator: ","),
            BanArchive.ignoredKey: ignored.joined(separator: " "),
            BanArchive.termsKey: state.engine.terms.text,
        ])
    }

    /// What was stored before this run could store anything is taken up beside what has come since.
    private func takeUp(_ state: inout State, _ now: UnixSeconds) {
        let since = state.engine.book.all
        guard let before = state.archive.takeUp(beside: state.engine, Int64(clamping: now)) else { return }
        state.engine.restore(before)
        leaveFormer(state)
        _ = pardon(&state, now)
        rebase(&state, now)
        for ban in since where state.engine.book.ban(of: ban.prefix) == ban {
            state.archive.put(StoredBan(ban: ban, lines: state.engine.lines(about: ban.prefix)))
        }
        remember(&state)
        state.isBehind = true
    }

    /// Bans in another firewall than ours would be out of everybody's reach.
    private func leaveFormer(_ state: State) {
        guard let name = try? state.archive.store?.state(BanArchive.backendKey), name != state.backend.name,
            name != FirewallChoice.dryRun.rawValue
        else { return }
        guard var backend = former(name) else {
            return log.log(
                .warning, "bans of an earlier run may still be in force",
                [("backend", name), ("reason", "its tool is not there any more")])
        }
        do throws(FirewallFailure) {
            try backend.remove()
        } catch {
            log.log(
                .warning, "bans of an earlier run may still be in force", [("backend", name), ("reason", error.text)])
        }
    }

    /// Ends stored bans of those who are never banned now: somebody has said so since, or has locked himself out.
    private func pardon(_ state: inout State, _ now: UnixSeconds) -> Set<BanPrefix> {
        let time = Int64(clamping: now)
        var pardoned: Set<BanPrefix> = []
        for ban in state.engine.book.active(time) {
            guard let reason = state.engine.exemption(of: ban.prefix, now: time) else { continue }
            _ = state.engine.lift(ban.prefix, now: time)
            state.archive.forget(ban.prefix)
            pardoned.insert(ban.prefix)
            log.log(.warning, "no longer banned", [("address", "\(ban.prefix)"), ("reason", "it is \(reason)")])
        }
        return pardoned
    }

    /// All that is counted goes by a clock that somebody may set. A machine without a battery begins in 1970, and knows better soon.
    private func lookAtClock(_ state: inout State, _ now: UnixSeconds) {
        let latest = state.latest
        state.latest = now
        let isSet = BanBook.isClockSet(Int64(clamping: now)) && !BanBook.isClockSet(Int64(clamping: latest))
        guard now + Self.clockError < latest || isSet && latest > 0 else { return }
        state.engine.forgetCounts()
        state.told.removeAll()
        state.lastReconciled = min(state.lastReconciled, now)
        state.archive.clockChanged(now)
        shift(&state, from: latest, to: now)
    }

    /// After the clock was set back a ban would seem to last until the time comes again, and one that is over to go on.
    private func shift(_ state: inout State, from latest: UnixSeconds, to now: UnixSeconds) {
        let changed = state.engine.shift(by: Int64(clamping: now) - Int64(clamping: latest))
        // Without a clock these are no times to be stored.
        guard BanBook.isClockSet(Int64(clamping: now)) else { return }
        state.archive.retime(changed, clock: now)
        if !changed.isEmpty { log.log(.warning, "the clock was set; what is left of bans stays as it was") }
    }

    /// What is damaged, or was stored by a clock that was wrong, would last until that time comes.
    private func rebase(_ state: inout State, _ now: UnixSeconds) {
        let changed = state.engine.rebase(Int64(clamping: now))
        guard !changed.isEmpty else { return }
        log.log(.warning, "bans that seemed to begin in the future begin now", [("count", "\(changed.count)")])
        state.archive.retime(changed)
    }

    /// Stores what is left to be stored. With `removesRules` the firewall is as it was before; false if it is not.
    func end(position: LogPosition?, removesRules: Bool, now: UnixSeconds) -> Bool {
        locked { state in
            state.hasEnded = true
            act(&state, now)
            settle(&state)
            state.archive.save(state.engine, position, ledgerBy: now, isLast: true)
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
            defer { if state.engine.counts.lines != lines { state.archive.linesCame() } }
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

    func settle(_ state: inout State) {
        if let connections, !state.uncut.isEmpty {
            let prefixes = state.uncut
            // Programs are started for it: the next ban does not wait for them.
            cutting.async { self.tell(connections.cut(prefixes)) }
        }
        state.uncut.removeAll()
        state.archive.save(state.engine)
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

    func act(_ state: inout State, _ now: UnixSeconds) {
        guard state.engine.hasDecisions else { return }
        var bans: [Ban] = []
        for decision in state.engine.takeDecisions() {
            switch decision {
            case .ban(let ban, let lines):
                bans.append(ban)
                state.archive.put(StoredBan(ban: ban, lines: lines))
            case .exempt(let prefix, let reason): tell(prefix, reason, &state, now)
            case .refused(let prefix):
                log.log(
                    .warning, "too many bans for their time; this one is left out", [("address", "\(prefix)")])
            }
        }
        if !bans.isEmpty { enforce(bans, &state, now) }
        // Of very many bans the lines would fill the memory until there is time to store them.
        if state.archive.isFull { state.archive.save(state.engine) }
    }

    private func tell(_ prefix: BanPrefix, _ reason: String, _ state: inout State, _ now: UnixSeconds) {
        if let last = state.told[prefix], now - min(last, now) < 3600 { return }
        if state.told.count >= Self.maximumTold { state.told.removeAll() }
        state.told[prefix] = now
        log.log(.warning, "not banned though it fails", [("address", "\(prefix)"), ("reason", "it is \(reason)")])
    }

    func enforce(_ bans: [Ban], _ state: inout State, _ now: UnixSeconds) {
        let changes = FirewallChanges(
            bans: bans.filter { state.backend.hasIPv6 || !$0.prefix.isIPv6 }.map {
                .init(prefix: $0.prefix, seconds: UInt32(clamping: max(1, $0.left(Int64(clamping: now)))))
            })
        guard apply(changes, &state) else {
            state.untold += bans.prefix(max(0, Self.maximumUntold - state.untold.count))
            return
        }
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
            state.archive.forget(old: state.engine.forget(Int64(clamping: now)))
            if state.archive.reopenStore(now) { takeUp(&state, now) }
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
            state.archive.save(state.engine, position, ledgerBy: now)
        }
    }

    /// Makes the firewall hold what should be there, whatever somebody has done to it.
    func reconcile(now: UnixSeconds) throws(FirewallFailure) {
        try locked { (state) throws(FirewallFailure) in try reconcile(&state, now) }
    }

    private func reconcile(
        _ state: inout State, _ now: UnixSeconds, without pardoned: Set<BanPrefix> = []
    ) throws(FirewallFailure) {
        if state.hasEnded || !state.hasBegun { return }
        let isFirst = state.lastReconciled == 0
        state.lastReconciled = now
        var contents = try state.backend.contents()
        if !contents.isWhole {
            if !isFirst { log.log(.warning, "the rules were damaged; they are made anew") }
            try state.backend.prepare()
            contents = try state.backend.contents()
        }
        let time = Int64(clamping: now)
        let hasIPv6 = state.backend.hasIPv6
        let missing = state.engine.book.active(time) {
            (hasIPv6 || !$0.prefix.isIPv6) && !Self.isRight(contents.bans[$0.prefix], left: $0.left(time), time)
        }
        let gone = missing.count { contents.bans[$0.prefix] == nil }
        let unbans = contents.bans.keys.filter(pardoned.contains) + adopt(contents, but: pardoned, &state, time)
        if !missing.isEmpty || !unbans.isEmpty {
            if !isFirst, !state.isBehind, gone > 0 {
                log.log(.warning, "bans were gone from the firewall; they are put back", [("count", "\(gone)")])
            }
            try state.backend.apply(
                FirewallChanges(
                    bans: missing.map { .init(prefix: $0.prefix, seconds: UInt32(clamping: max(1, $0.left(time)))) },
                    unbans: unbans))
            state.uncut += missing.map(\.prefix)
            tellOfTime(&state)
        }
        state.isBehind = false
        state.lastFailure = nil
        for ban in state.untold where state.engine.book.ban(of: ban.prefix) == ban { told(ban) }
        state.untold.removeAll()
    }

    /// Whether what a firewall has of a ban is what is left of it. It may have too much where it goes by a clock that was set back, and
    /// too little where it cannot be told as much: what is about to end there is renewed.
    private static func isRight(_ found: UInt32??, left: Int64, _ now: Int64) -> Bool {
        guard let found else { return false }
        // Without a clock nobody knows what is left.
        guard let seconds = found.map(Int64.init), BanBook.isClockSet(now) else { return true }
        return seconds <= left + Int64(soon) && (seconds >= 2 * Int64(soon) || seconds + Int64(soon) >= left)
    }

    /// Who is dropped and not known to be: the state was lost, or the clock set forward. They stay until their time, and are known from
    /// now on; except for those who are never banned, which come back.
    private func adopt(
        _ contents: FirewallContents, but pardoned: Set<BanPrefix>, _ state: inout State, _ time: Int64
    ) -> [BanPrefix] {
        var unbans: [BanPrefix] = []
        var prolonged: [Ban] = []
        var count = 0
        for case (let prefix, let seconds?) in contents.bans where seconds > Self.soon && !pardoned.contains(prefix) {
            let known = state.engine.book.ban(of: prefix)
            if known?.isActive(time) == true { continue }
            if state.engine.exemption(of: prefix, now: time) != nil {
                unbans.append(prefix)
            } else if let ban = state.engine.adopt(prefix, seconds: Int64(seconds), now: time) {
                count += 1
                if known == nil { state.archive.put(StoredBan(ban: ban, lines: [])) } else { prolonged.append(ban) }
            }
        }
        if !prolonged.isEmpty { state.archive.retime(prolonged) }
        if count > 0 {
            log.log(
                .warning,
                "the firewall has bans that were not known or are over by the clock; they stay until their time",
                [("count", "\(count)")])
        }
        return unbans
    }
}
