// Who has failed how often lately. Exact to a second (for windows of more than an hour: to a four-thousandth of them), in memory that
// has a bound: of more sources, and of more that has happened, than there is room for, what is longest ago is forgotten.

/// When a source is banned.
package struct BanRules: Hashable, Sendable {
    /// Failures; at least 1.
    package var maxRetry = 3
    /// Seconds within which they must lie; 0 for ever.
    package var findTime: Int64 = 600
    /// Failures among all that the source did in that time, 0...1. Of an address that many share one may have a broken device.
    package var ratio = 0.8
    /// Seconds after it has authenticated in which a source is not banned, whatever it does; 0 for none. Somebody is there who has
    /// a key, and streams that a ban would cut.
    package var grace: Int64 = 0

    package init() {}

    package init(maxRetry: Int, findTime: Int64, ratio: Double, grace: Int64 = 0) {
        self.maxRetry = max(1, maxRetry)
        self.findTime = max(0, findTime)
        self.ratio = ratio
        self.grace = max(0, grace)
    }

    func isOffence(bad: UInt64, good: UInt64) -> Bool {
        // A share that is the ratio to the last digit counts: 4 of 5 are 0.8.
        bad >= UInt64(maxRetry) && Double(bad) >= ratio * Double(bad + good) - 1e-9
    }
}

package struct BanLedger {
    /// What a source has done within the window.
    package struct Offence: Hashable, Sendable {
        package var bad: UInt64
        package var total: UInt64

        package init(bad: UInt64, total: UInt64) {
            self.bad = bad
            self.total = total
        }
    }

    /// What happened in one second, or whatever the step is.
    private struct Moment {
        /// Seconds since 1970.
        var time: UInt32
        var bad: UInt16
        var good: UInt16
        var next = BanLedger.none

        var isFull: Bool { bad == .max || good == .max }

        /// Takes what happened later as if it were now; false if there is no room for it.
        mutating func add(_ later: Moment) -> Bool {
            let (bad, isBadOver) = bad.addingReportingOverflow(later.bad)
            let (good, isGoodOver) = good.addingReportingOverflow(later.good)
            if isBadOver || isGoodOver { return false }
            (self.bad, self.good) = (bad, good)
            return true
        }
    }

    private struct Account {
        var source: BanSource
        /// In the moments, and no more than there are numbers: the greatest stands for more.
        var bad: UInt32 = 0
        var good: UInt32 = 0
        /// When it authenticated last; 0 for never.
        var lastGood: UInt32 = 0
        var oldest = BanLedger.none
        var newest = BanLedger.none
        /// In the order in which they were last heard of.
        var before = BanLedger.none
        var after = BanLedger.none

        mutating func count(bad more: UInt32, good others: UInt32) {
            bad = UInt32(clamping: UInt64(bad) + UInt64(more))
            good = UInt32(clamping: UInt64(good) + UInt64(others))
        }
    }

    private static let none = UInt32.max

    package let rules: BanRules
    private let step: UInt32
    /// Of the window.
    private let span: UInt32
    private let maximumAccounts: Int
    private let maximumMoments: Int
    private var places = SlotTable()
    private var accounts: [Account] = []
    private var freeAccount = Self.none
    private var moments: [Moment] = []
    private var freeMoment = Self.none
    private var first = Self.none
    private var last = Self.none
    /// Sources that are known.
    package private(set) var count = 0
    /// Failures that would have been enough for a ban, of sources that had authenticated lately.
    package private(set) var spared: UInt64 = 0

    /// At most so many sources, and eight times as many seconds in which something happened.
    package init(_ rules: BanRules, capacity: Int = 1 << 17) {
        self.rules = rules
        span = UInt32(clamping: rules.findTime)
        step = max(1, span / 4096)
        maximumAccounts = max(1, capacity)
        maximumMoments = max(16, capacity * 8)
    }

    /// The source did something right at `time`, in seconds.
    package mutating func good(_ source: BanSource, at time: Int64) {
        let slot = note(source, time, bad: 0, good: 1)
        accounts[Int(slot)].lastGood = max(accounts[Int(slot)].lastGood, UInt32(clamping: time))
    }

    /// It did not; what it has done if that is enough for a ban, and it is forgotten then.
    package mutating func bad(_ source: BanSource, at time: Int64) -> Offence? {
        let slot = note(source, time, bad: 1, good: 0)
        let (bad, good) = (UInt64(accounts[Int(slot)].bad), UInt64(accounts[Int(slot)].good))
        guard rules.isOffence(bad: bad, good: good) else { return nil }
        if isGuest(slot, UInt32(clamping: time)) {
            spared += 1
            return nil
        }
        remove(slot)
        return Offence(bad: bad, total: bad + good)
    }

    /// What is known of it.
    package func account(of source: BanSource) -> Offence? {
        find(source).map {
            let (bad, good) = (UInt64(accounts[Int($0)].bad), UInt64(accounts[Int($0)].good))
            return Offence(bad: bad, total: bad + good)
        }
    }

    package mutating func forget(_ source: BanSource) { if let slot = find(source) { remove(slot) } }

    /// Whether it has authenticated lately.
    package func isGuest(_ source: BanSource, now: Int64) -> Bool {
        find(source).map { isGuest($0, UInt32(clamping: now)) } ?? false
    }

    private func isGuest(_ slot: UInt32, _ now: UInt32) -> Bool {
        let time = accounts[Int(slot)].lastGood
        return rules.grace > 0 && time > 0 && (now < time || Int64(now - time) <= rules.grace)
    }

    // MARK: To be stored

    /// What is known of one source.
    package struct Record: Hashable, Sendable {
        package struct Moment: Hashable, Sendable {
            /// Seconds since 1970; 0 where the window is for ever.
            package var time: UInt32
            package var bad: UInt64
            package var good: UInt64
        }

        package var source: BanSource
        package var lastGood: UInt32
        package var moments: [Moment]
    }

    /// All of it, from whoever was heard of longest ago.
    package func forEachRecord(_ body: (Record) -> Void) {
        var slot = first
        while slot != Self.none {
            let account = accounts[Int(slot)]
            var moments: [Record.Moment] = []
            if span == 0 { moments = [.init(time: 0, bad: UInt64(account.bad), good: UInt64(account.good))] }
            var place = account.oldest
            while place != Self.none {
                let moment = self.moments[Int(place)]
                moments.append(.init(time: moment.time, bad: UInt64(moment.bad), good: UInt64(moment.good)))
                place = moment.next
            }
            body(Record(source: account.source, lastGood: account.lastGood, moments: moments))
            slot = account.after
        }
    }

    /// Puts back what `forEachRecord` gave, in its order.
    package mutating func restore(_ record: Record) {
        guard find(record.source) == nil, count < maximumAccounts else { return }
        let slot = add(record.source)
        accounts[Int(slot)].lastGood = record.lastGood
        for moment in record.moments {
            accounts[Int(slot)].count(bad: UInt32(clamping: moment.bad), good: UInt32(clamping: moment.good))
            guard span > 0 else { continue }
            append(
                Moment(time: moment.time, bad: UInt16(clamping: moment.bad), good: UInt16(clamping: moment.good)), slot)
        }
    }

    // MARK: Moments

    private mutating func note(_ source: BanSource, _ time: Int64, bad: UInt16, good: UInt16) -> UInt32 {
        let slot = find(source) ?? add(source)
        touch(slot)
        accounts[Int(slot)].count(bad: UInt32(bad), good: UInt32(good))
        guard span > 0 else { return slot }
        let newest = accounts[Int(slot)].newest
        // A clock that was set back does not make time go back.
        let now = max(UInt32(clamping: time), newest == Self.none ? 0 : moments[Int(newest)].time)
        expire(slot, now)
        if accounts[Int(slot)].newest != Self.none, now - moments[Int(newest)].time < step, !moments[Int(newest)].isFull
        {
            moments[Int(newest)].bad += bad
            moments[Int(newest)].good += good
        } else {
            append(Moment(time: now, bad: bad, good: good), slot)
        }
        forgetOld(now, sparing: slot)
        return slot
    }

    /// Those who have done nothing within the window; few at a time, and more than can come.
    private mutating func forgetOld(_ now: UInt32, sparing slot: UInt32) {
        for _ in 0..<2 {
            let newest = accounts[Int(first)].newest
            guard first != slot, newest == Self.none || isOver(moments[Int(newest)].time, now), !isGuest(first, now)
            else {
                return
            }
            remove(first)
        }
    }

    private func isOver(_ time: UInt32, _ now: UInt32) -> Bool { now > time && now - time > span }

    private mutating func append(_ moment: Moment, _ slot: UInt32) {
        if freeMoment == Self.none, moments.count >= maximumMoments { makeRoom(for: slot) }
        let place: UInt32
        if freeMoment == Self.none {
            place = UInt32(moments.count)
            moments.append(moment)
        } else {
            place = freeMoment
            freeMoment = moments[Int(place)].next
            moments[Int(place)] = moment
        }
        let newest = accounts[Int(slot)].newest
        if newest == Self.none { accounts[Int(slot)].oldest = place } else { moments[Int(newest)].next = place }
        accounts[Int(slot)].newest = place
    }

    /// What lies before the window.
    private mutating func expire(_ slot: UInt32, _ now: UInt32) {
        while accounts[Int(slot)].oldest != Self.none, isOver(moments[Int(accounts[Int(slot)].oldest)].time, now) {
            dropOldest(slot)
        }
    }

    private mutating func dropOldest(_ slot: UInt32) {
        let place = accounts[Int(slot)].oldest
        let moment = moments[Int(place)]
        accounts[Int(slot)].bad -= min(UInt32(moment.bad), accounts[Int(slot)].bad)
        accounts[Int(slot)].good -= min(UInt32(moment.good), accounts[Int(slot)].good)
        accounts[Int(slot)].oldest = moment.next
        if moment.next == Self.none { accounts[Int(slot)].newest = Self.none }
        moments[Int(place)].next = freeMoment
        freeMoment = place
    }

    /// Who has more than its share of the room makes it: what it did longest ago is held together, and forgotten together. If neither
    /// `slot` nor one of those heard of last has, whoever has not been heard of for longest is forgotten. So nobody who is often there
    /// pushes out those who seldom come.
    private mutating func makeRoom(for slot: UInt32) {
        var other = slot
        for _ in 0..<Self.lookups where other != Self.none {
            if join(other) { return }
            other = accounts[Int(other)].before
        }
        while freeMoment == Self.none {
            if first == slot { dropOldest(slot) } else { remove(first) }
        }
    }

    /// Those who are asked whether they have more than their share.
    private static let lookups = 16
    /// Moments of one source.
    private static let share = 8

    /// Makes one of the two oldest moments of a source that has more than its share.
    private mutating func join(_ slot: UInt32) -> Bool {
        var place = accounts[Int(slot)].oldest
        for _ in 0..<Self.share {
            if place == Self.none { return false }
            place = moments[Int(place)].next
        }
        let oldest = accounts[Int(slot)].oldest
        let second = moments[Int(oldest)].next
        guard place != Self.none else { return false }
        guard moments[Int(oldest)].add(moments[Int(second)]) else {
            // More than a moment can hold.
            dropOldest(slot)
            return true
        }
        moments[Int(oldest)].next = moments[Int(second)].next
        moments[Int(second)].next = freeMoment
        freeMoment = second
        return true
    }

    // MARK: Accounts

    private func find(_ source: BanSource) -> UInt32? {
        for slot in places.slots(source.tableHash) where accounts[Int(slot)].source == source { return slot }
        return nil
    }

    private mutating func add(_ source: BanSource) -> UInt32 {
        if count >= maximumAccounts { remove(first) }
        let slot: UInt32
        if freeAccount == Self.none {
            slot = UInt32(accounts.count)
            accounts.append(Account(source: source))
        } else {
            slot = freeAccount
            freeAccount = accounts[Int(slot)].after
            accounts[Int(slot)] = Account(source: source)
        }
        places.insert(slot, source.tableHash)
        link(slot)
        count += 1
        return slot
    }

    private mutating func remove(_ slot: UInt32) {
        while accounts[Int(slot)].oldest != Self.none { dropOldest(slot) }
        unlink(slot)
        places.remove(slot, accounts[Int(slot)].source.tableHash)
        accounts[Int(slot)].after = freeAccount
        freeAccount = slot
        count -= 1
    }

    private mutating func touch(_ slot: UInt32) {
        guard last != slot else { return }
        unlink(slot)
        link(slot)
    }

    private mutating func link(_ slot: UInt32) {
        accounts[Int(slot)].before = last
        accounts[Int(slot)].after = Self.none
        if last == Self.none { first = slot } else { accounts[Int(last)].after = slot }
        last = slot
    }

    private mutating func unlink(_ slot: UInt32) {
        let account = accounts[Int(slot)]
        if account.before == Self.none {
            first = account.after
        } else {
            accounts[Int(account.before)].after = account.after
        }
        if account.after == Self.none {
            last = account.before
        } else {
            accounts[Int(account.after)].before = account.before
        }
    }
}
