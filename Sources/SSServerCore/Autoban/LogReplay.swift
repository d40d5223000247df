// A log played again by the times in its lines: whom the rules would have banned, and by what. Nobody fails twice in it, since nobody
// who is banned can.

package struct LogReplay {
    package struct Ban: Hashable, Sendable {
        package var source: BanSource
        package var offence: BanLedger.Offence
        /// Of the line that it was for; nil if no line so far has said a time.
        package var at: LogStamp?
    }

    private var reader: LogLineReader
    private var ledger: BanLedger
    /// Where in `bans` whose stands.
    private var places = SlotTable()
    private var stamp: LogStamp?
    package private(set) var bans: [Ban] = []
    package private(set) var lines = 0
    package private(set) var bad = 0
    package private(set) var good = 0

    /// `year` is for times that do not say theirs, `programs` as in `LogLineReader`.
    package init(_ rules: BanRules, year: LogYear, programs: [String] = [], capacity: Int = 1 << 18) {
        reader = LogLineReader(year: year, programs: programs)
        ledger = BanLedger(rules, capacity: capacity)
    }

    /// The next line, without its end.
    package mutating func read(_ line: RawSpan) {
        lines += 1
        guard let event = reader.event(line) else { return }
        if let new = reader.stamp(line) { stamp = new }
        let now = stamp?.seconds ?? 0
        switch event {
        case .good(let source):
            good += 1
            if !isBanned(source) { ledger.good(source, at: now) }
        case .bad(let source):
            bad += 1
            guard !isBanned(source), let offence = ledger.bad(source, at: now) else { return }
            places.insert(UInt32(bans.count), source.tableHash)
            bans.append(Ban(source: source, offence: offence, at: stamp))
        }
    }

    private func isBanned(_ source: BanSource) -> Bool {
        for place in places.slots(source.tableHash) where bans[Int(place)].source == source { return true }
        return false
    }
}
