// From a line of a log to the decision to ban somebody. Whoever drives a firewall asks it; it knows of none.
internal import SSCommon

package struct BanEngine {
    /// What has been read and decided so far.
    package struct Counts: Hashable, Sendable {
        package var lines: UInt64 = 0
        package var failures: UInt64 = 0
        package var connections: UInt64 = 0
        package var bans: UInt64 = 0
        /// Failures of those who had authenticated lately or are never banned, where they would have been enough.
        package var spared: UInt64 = 0
        /// Bans that were one too many for their time, or for the memory.
        package var refused: UInt64 = 0
    }

    /// What is to be done or told.
    package enum Decision: Hashable, Sendable {
        /// With the lines that led to it, as far as they are still there.
        case ban(Ban, [String])
        /// It is never banned, for a reason that follows "it is".
        case exempt(BanPrefix, String)
        /// There have been too many.
        case refused(BanPrefix)
    }

    private var reader: LogLineReader
    private let capacity: Int
    private var ledger: BanLedger
    private var evidence = BanEvidence()
    private var budget = BanBudget()
    private let chance: () -> Double
    private let surroundings: () -> [BanExemptions.Entry]
    /// When they were looked at last.
    private var looked: Int64?
    package private(set) var book: BanBook
    private var exemptions: BanExemptions
    package private(set) var counts = Counts()
    private var decisions: [Decision] = []
    /// When a ban was ended by a command; what was done until then counts no more.
    private var pardons: [BanPrefix: Int64] = [:]
    /// When all were.
    private var generalPardon = Int64.min

    /// `surroundings` are those of the machine, besides what is always exempt; they are asked for at most once a second, when somebody
    /// is to be banned. `chance` gives numbers 0..<1; `year` is for times that do not say theirs, `programs` as in
    /// `LogLineReader`.
    package init(
        _ rules: BanRules, _ terms: BanTerms, exemptions: BanExemptions, year: LogYear, programs: [String] = [],
        capacity: Int = 1 << 16,
        surroundings: @escaping () -> [BanExemptions.Entry] = { [] },
        chance: @escaping () -> Double = { Double.random(in: 0..<1) }
    ) {
        reader = LogLineReader(year: year, programs: programs)
        self.capacity = capacity
        ledger = BanLedger(rules, capacity: capacity)
        book = BanBook(terms)
        self.exemptions = exemptions
        self.surroundings = surroundings
        self.chance = chance
    }

    /// The next line, without its end, at `now`, in seconds since 1970. An older line counts by its own time, which is `ahead`
    /// seconds ahead; nil for one that has just come. Bans always begin now.
    package mutating func read(_ line: RawSpan, now: Int64, ahead: Int64? = nil) {
        counts.lines += 1
        guard let event = reader.event(line) else { return }
        var time = now
        if let ahead, let stamp = reader.stamp(line) { time = min(now, stamp.seconds - ahead) }
        switch event {
        case .good(let source):
            counts.connections += 1
            ledger.good(source, at: time)
        case .bad(let source):
            counts.failures += 1
            guard book.ban(on: source, now: now) == nil else { return }
            // Read again after this program was killed.
            if ahead != nil, isSettled(BanPrefix(source), time) { return }
            evidence.add(line, about: source)
            let spared = ledger.spared
            if let offence = ledger.bad(source, at: time) { decide(source, offence, time, now) }
            counts.spared += ledger.spared - spared
        }
    }

    /// Whether what was done at `time` has led to a ban, or has been forgotten by a command.
    private func isSettled(_ prefix: BanPrefix, _ time: Int64) -> Bool {
        if let ban = book.ban(of: prefix), time <= ban.since { return true }
        return time <= pardons[prefix] ?? generalPardon
    }

    private mutating func decide(_ source: BanSource, _ offence: BanLedger.Offence, _ time: Int64, _ now: Int64) {
        let prefix = BanPrefix(source)
        // In an old log: it may be somebody else's address by now.
        if ledger.rules.findTime > 0, now - time > ledger.rules.findTime {
            counts.spared += 1
            return
        }
        if let reason = exemption(of: prefix, now: now) {
            counts.spared += 1
            return decisions.append(.exempt(prefix, reason))
        }
        guard budget.take(now), let ban = book.ban(prefix, for: offence, now: now, chance: chance()) else {
            counts.refused += 1
            return decisions.append(.refused(prefix))
        }
        counts.bans += 1
        decisions.append(.ban(ban, evidence.lines(about: source)))
    }

    /// Why nobody in `prefix` is ever banned, in words that follow "it is"; nil if that is not so.
    package mutating func exemption(of prefix: BanPrefix, now: Int64) -> String? {
        if looked != now {
            looked = now
            exemptions.seen = surroundings()
        }
        return exemptions.reason(against: prefix)
    }

    package var hasDecisions: Bool { !decisions.isEmpty }
    package var decisionCount: Int { decisions.count }

    /// What has been decided since the last call, in order.
    package mutating func takeDecisions() -> [Decision] {
        defer { decisions.removeAll(keepingCapacity: true) }
        return decisions
    }

    /// The lines that led to a ban of one source.
    package func lines(about prefix: BanPrefix) -> [String] {
        prefix.isNarrow ? evidence.lines(about: BanSource(prefix.address)) : []
    }

    /// What a source has done within the window.
    package func account(of prefix: BanPrefix) -> BanLedger.Offence? {
        prefix.isNarrow ? ledger.account(of: BanSource(prefix.address)) : nil
    }

    /// Whether a source has authenticated lately, and is spared for that.
    package func isGuest(_ prefix: BanPrefix, now: Int64) -> Bool {
        prefix.isNarrow && ledger.isGuest(BanSource(prefix.address), now: now)
    }

    // MARK: Orders

    package mutating func order(_ prefix: BanPrefix, seconds: Int64?, reason: String, now: Int64) -> Ban? {
        book.order(prefix, seconds: seconds, reason: reason, now: now)
    }

    package mutating func adopt(_ prefix: BanPrefix, seconds: Int64, now: Int64) -> Ban? {
        book.adopt(prefix, seconds: seconds, now: now)
    }

    /// Ends a ban; what the source has done is forgotten with it.
    package mutating func lift(_ prefix: BanPrefix, now: Int64) -> Ban? {
        if prefix.isNarrow { ledger.forget(BanSource(prefix.address)) }
        return book.lift(prefix, now: now)
    }

    /// Of how long bans last.
    package var terms: BanTerms { book.terms }

    /// Takes back an order; `before` is the ban that was there, nil if there was none.
    package mutating func undo(_ prefix: BanPrefix, to before: Ban?, now: Int64) {
        _ = book.lift(prefix, now: now)
        if let before { book.restore(before) }
    }

    /// Old lines about `prefix`, or about anybody, say nothing up to that time.
    package mutating func pardon(_ prefix: BanPrefix?, at time: Int64) {
        if let prefix {
            pardons[prefix] = max(time, generalPardon)
        } else {
            pardons = [:]
            generalPardon = time
        }
    }

    package mutating func forget(_ now: Int64) -> [BanPrefix] { book.forget(now) }

    package mutating func shift(by seconds: Int64) -> [Ban] { book.shift(by: seconds) }

    package mutating func rebase(_ now: Int64) -> [Ban] { book.rebase(now) }

    /// What was counted by a clock that is now behind says nothing any more.
    package mutating func forgetCounts() {
        ledger = BanLedger(ledger.rules, capacity: capacity)
        budget = BanBudget()
        looked = nil
    }

    // MARK: What is stored

    package mutating func restore(_ bans: [Ban]) {
        book.reserve(bans.count)
        for ban in bans { book.restore(ban) }
    }

    package func forEachRecord(_ body: (BanLedger.Record) -> Void) { ledger.forEachRecord(body) }

    /// Nothing that seems to have happened later than `now`: the clock was wrong, or the disk is.
    package mutating func restore(_ record: BanLedger.Record, now: Int64) {
        // A machine without a battery begins in 1970.
        let latest = BanBook.isClockSet(now) ? UInt32(clamping: now + BanBook.clockError) : .max
        guard record.lastGood <= latest, record.moments.allSatisfy({ $0.time <= latest }) else { return }
        ledger.restore(record)
    }
}
