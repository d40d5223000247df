// Who is banned, until when, and for the how manieth time.

package struct Ban: Hashable, Sendable {
    package var prefix: BanPrefix
    /// Seconds since 1970.
    package var since: Int64
    /// Seconds since 1970; it is over then.
    package var until: Int64
    /// From 1 on.
    package var count: Int
    /// What it did; nil where somebody has ordered the ban.
    package var offence: BanLedger.Offence?
    /// Of an ordered one; may be empty.
    package var reason = ""

    /// In place of a reason: nobody knows why, it was in force.
    package static let found = "found in the firewall"

    package init(
        _ prefix: BanPrefix, since: Int64, until: Int64, count: Int, offence: BanLedger.Offence? = nil,
        reason: String = ""
    ) {
        self.prefix = prefix
        self.since = since
        self.until = until
        self.count = count
        self.offence = offence
        self.reason = reason
    }

    package var seconds: Int64 { max(0, until - since) }

    /// Seconds that it goes on; never more than it was made for, whatever has become of the clock since.
    package func left(_ now: Int64) -> Int64 { min(max(0, until - now), seconds) }

    package func isActive(_ now: Int64) -> Bool { until > now }
}

package struct BanBook: Sendable {
    /// Bans that are remembered, those that are over included.
    package static let maximum = 1 << 16
    /// Seconds that a clock may be wrong without anybody minding.
    static let clockError: Int64 = 60
    /// 2025: no clock that is set shows less.
    private static let earliest: Int64 = 1_735_689_600

    let terms: BanTerms
    private var bans: [BanPrefix: Ban] = [:]
    /// Those of several sources.
    private var wide: Set<BanPrefix> = []
    /// That had to make room.
    private var dropped: [BanPrefix] = []

    package init(_ terms: BanTerms) { self.terms = terms }

    package var count: Int { bans.count }

    package func ban(of prefix: BanPrefix) -> Ban? { bans[prefix] }

    /// The ban in force that `source` falls under.
    package func ban(on source: BanSource, now: Int64) -> Ban? {
        if let ban = bans[BanPrefix(source)], ban.isActive(now) { return ban }
        for prefix in wide where prefix.contains(source) {
            if let ban = bans[prefix], ban.isActive(now) { return ban }
        }
        return nil
    }

    /// Those in force, as far as they are wanted; there may be very many others.
    package func active(_ now: Int64, where isWanted: (Ban) -> Bool = { _ in true }) -> [Ban] {
        bans.values.filter { $0.isActive(now) && isWanted($0) }
    }

    /// Those in force and those that count as earlier ones.
    package var all: [Ban] { Array(bans.values) }

    /// So many will be put back: without this they would be in memory twice meanwhile.
    package mutating func reserve(_ count: Int) { bans.reserveCapacity(min(count, Self.maximum)) }

    /// Puts back what was stored, in place of what there is.
    package mutating func restore(_ ban: Ban) {
        guard bans.count < Self.maximum || bans[ban.prefix] != nil else { return }
        put(ban)
    }

    /// Bans for what was done. Nil if there is room for no more.
    package mutating func ban(
        _ prefix: BanPrefix, for offence: BanLedger.Offence, now: Int64, chance: Double
    ) -> Ban? {
        begin(prefix, now, offence: offence) { $0.seconds(of: $1, chance: chance) }
    }

    /// Bans because somebody says so, for so many seconds; without a number for as long as its next ban would be. Nil if there
    /// is room for no more.
    package mutating func order(_ prefix: BanPrefix, seconds: Int64?, reason: String, now: Int64) -> Ban? {
        begin(prefix, now, reason: reason) { seconds ?? $0.seconds(of: $1, chance: 0) }
    }

    private mutating func begin(
        _ prefix: BanPrefix, _ now: Int64, offence: BanLedger.Offence? = nil, reason: String = "",
        _ seconds: (BanTerms, _ count: Int) -> Int64
    ) -> Ban? {
        guard makeRoom(for: prefix, now) else { return nil }
        let before = bans[prefix].flatMap { isRemembered($0, now) ? $0.count : nil } ?? 0
        let count = min(before + 1, 64)
        let ban = Ban(
            prefix, since: now, until: now + seconds(terms, count), count: count, offence: offence, reason: reason)
        put(ban)
        return ban
    }

    /// Takes up a ban that is in force elsewhere for so many seconds to come. Nil if there is room for no more.
    package mutating func adopt(_ prefix: BanPrefix, seconds: Int64, now: Int64) -> Ban? {
        guard makeRoom(for: prefix, now) else { return nil }
        var ban = bans[prefix] ?? Ban(prefix, since: now, until: now, count: 1, reason: Ban.found)
        (ban.since, ban.until) = (now, now + seconds)
        put(ban)
        return ban
    }

    /// Bans that seem to begin later than now, since the clock was wrong or the disk is, begin now. Those that were changed.
    package mutating func rebase(_ now: Int64) -> [Ban] {
        // A machine without a battery begins in 1970, and will know better soon.
        guard Self.isClockSet(now) else { return [] }
        let early = bans.values.filter { $0.since > now + Self.clockError }
        return early.map { ban in
            var ban = ban
            (ban.since, ban.until) = (now, now + ban.seconds)
            bans[ban.prefix] = ban
            return ban
        }
    }

    /// The clock was set, by so many seconds: what goes on lasts as long as it would have, and what is over stays so. All of them.
    package mutating func shift(by seconds: Int64) -> [Ban] {
        for prefix in bans.keys {
            bans[prefix]?.since += seconds
            bans[prefix]?.until += seconds
        }
        return all
    }

    /// Ends a ban and forgets that there was one. What it was, if it was in force.
    package mutating func lift(_ prefix: BanPrefix, now: Int64) -> Ban? {
        wide.remove(prefix)
        guard let ban = bans.removeValue(forKey: prefix), ban.isActive(now) else { return nil }
        return ban
    }

    /// Those that no longer count are forgotten; which they were.
    package mutating func forget(_ now: Int64) -> [BanPrefix] {
        let old = bans.values.filter { !isRemembered($0, now) }.map(\.prefix)
        for prefix in old { drop(prefix) }
        defer { dropped.removeAll() }
        return old + dropped.filter { bans[$0] == nil }
    }

    /// Whether somebody has set the clock.
    package static func isClockSet(_ now: Int64) -> Bool { now > earliest }

    /// Whether a ban still counts as an earlier one.
    package func isRemembered(_ ban: Ban, _ now: Int64) -> Bool { ban.until + terms.memory(of: ban.seconds) > now }

    /// Where it is full those go first whose bans have been over for longest.
    private mutating func makeRoom(for prefix: BanPrefix, _ now: Int64) -> Bool {
        if bans[prefix] != nil || bans.count < Self.maximum { return true }
        let over = bans.values.filter { !$0.isActive(now) }.sorted { $0.until < $1.until }
        for ban in over.prefix(max(1, Self.maximum / 8)) {
            drop(ban.prefix)
            dropped.append(ban.prefix)
        }
        return bans.count < Self.maximum
    }

    private mutating func put(_ ban: Ban) {
        bans[ban.prefix] = ban
        if !ban.prefix.isNarrow { wide.insert(ban.prefix) }
    }

    private mutating func drop(_ prefix: BanPrefix) {
        bans[prefix] = nil
        wide.remove(prefix)
    }
}
