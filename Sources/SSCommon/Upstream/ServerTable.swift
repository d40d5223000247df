// Which of several servers to use, and when to look after the others. Given what was observed it keeps each server's health,
// says in which order to try them, and stays with the one in use: that is left at once when it fails, and for a better one
// only when that has been clearly better for a while.
//
// When everything fails, the laptop's own network is the likely cause. Then nobody is given up for minutes, the order stays,
// and as soon as one answers the others are tried again.

/// The servers of one list. Pure: whoever holds it gives the time and randomness.
package struct ServerTable: Sendable {
    /// A server; whoever holds the table gives each list's servers numbers that were never used before.
    package typealias ID = Int

    struct Row: Sendable {
        let id: ID
        var health = ServerHealth()
        var backoff = Backoff(base: ServerTable.retryTime)
        /// When it is to be checked; nil for not at all.
        var nextCheck: ContinuousClock.Instant?
        var isBeingChecked = false
        /// How often it failed while it was used, and when last: whoever falls often is trusted later.
        var falls = 0
        var lastFall: ContinuousClock.Instant?
    }

    /// How many servers one request is tried on.
    package static let attemptLimit = 4
    /// How long another must have been better before it is used.
    static let holdTime = Duration.seconds(30)
    /// The first wait before a server that is down is tried again, and the longest; the second where all are down.
    static let retryTime = Duration.seconds(2)
    static let longestRetry = Duration.seconds(600)
    static let longestRetryOfAll = Duration.seconds(15)
    /// A fall is forgiven after this.
    private static let forgiveness = Duration.seconds(3600)

    /// In the user's order.
    var rows: [Row]
    package internal(set) var current: ID
    var changes: [Change] = []
    private var challenger: (id: ID, since: ContinuousClock.Instant)?
    /// The last real use; nil before the first.
    var lastUse: ContinuousClock.Instant?

    /// `ids` in the user's order, at least one, each once.
    package init(_ ids: [ID]) {
        precondition(!ids.isEmpty, "a list without servers")
        precondition(Set(ids).count == ids.count, "a server twice")
        rows = ids.map { Row(id: $0) }
        current = ids[0]
    }

    // MARK: Observations

    /// Takes in what was observed about `id`; nothing if that is no longer in the list.
    package mutating func note(
        _ evidence: ServerEvidence, about id: ID, now: ContinuousClock.Instant,
        random: inout some RandomNumberGenerator
    ) {
        guard let index = index(of: id) else { return }
        let wasAllDown = isAllDown
        let before = rows[index].health.state
        rows[index].health.note(evidence, now: now)
        changed(index, from: before, now, &random)
        if wasAllDown, !isAllDown { networkIsBack(but: index, now, &random) }
    }

    /// Looks at what time alone changes: requests without an answer, and a better server that has proved itself.
    package mutating func look(now: ContinuousClock.Instant, random: inout some RandomNumberGenerator) {
        for index in rows.indices where rows[index].health.isWaiting {
            let before = rows[index].health.state
            rows[index].health.look(now)
            changed(index, from: before, now, &random)
        }
        reconsider(now)
    }

    /// The network changed, or whoever knows says that servers may be back: all are tried soon.
    package mutating func tryAllAgain(now: ContinuousClock.Instant, random: inout some RandomNumberGenerator) {
        for index in rows.indices { giveAnotherChance(index, now, &random) }
    }

    private mutating func changed(
        _ index: Int, from before: ServerHealth.State, _ now: ContinuousClock.Instant,
        _ random: inout some RandomNumberGenerator
    ) {
        let after = rows[index].health.state
        guard after != before else { return }
        changed(.state(rows[index].id, from: before, to: after))
        if after < .suspect { rows[index].backoff.reset() }
        if after >= .suspect, before < .suspect, rows[index].id == current {
            rows[index].falls = min(rows[index].falls + 1, 6)
            rows[index].lastFall = now
        }
        schedule(index, now, &random)
        reconsider(now)
    }

    private mutating func networkIsBack(
        but index: Int, _ now: ContinuousClock.Instant, _ random: inout some RandomNumberGenerator
    ) {
        for other in rows.indices where other != index { giveAnotherChance(other, now, &random) }
    }

    private mutating func giveAnotherChance(
        _ index: Int, _ now: ContinuousClock.Instant, _ random: inout some RandomNumberGenerator
    ) {
        let before = rows[index].health.state
        rows[index].health.giveAnotherChance()
        let after = rows[index].health.state
        if after != before { changed(.state(rows[index].id, from: before, to: after)) }
        rows[index].backoff.reset()
        schedule(index, now, &random)
    }

    // MARK: Choosing

    /// The servers to try for a request, the best first; at least one, at most `attemptLimit`. Those that are not `usable`
    /// for it are left out, unless none is.
    package mutating func choose(now: ContinuousClock.Instant, usable: (ID) -> Bool = { _ in true }) -> [ID] {
        reconsider(now)
        var left = rows.indices.filter { usable(rows[$0].id) }
        if left.isEmpty { left = Array(rows.indices) }
        var order: [ID] = []
        if let used = left.firstIndex(where: { rows[$0].id == current }) {
            order.append(current)
            left.remove(at: used)
        }
        while order.count < Self.attemptLimit, let next = preferred(among: left) {
            order.append(rows[next].id)
            left.removeAll { $0 == next }
        }
        return order
    }

    /// Whether no server works.
    package var isAllDown: Bool { rows.allSatisfy { $0.health.state == .down } }

    private mutating func reconsider(_ now: ContinuousClock.Instant) {
        guard rows.count > 1, let best = preferred(among: Array(rows.indices)), let used = index(of: current) else {
            return
        }
        guard rows[best].id != current, !(rows[used].health.state == .down && rows[best].health.state == .down) else {
            challenger = nil
            return
        }
        if rows[used].health.state >= .suspect, rows[best].health.state < rows[used].health.state {
            return use(best)
        }
        guard let challenger, challenger.id == rows[best].id else {
            self.challenger = (rows[best].id, now)
            return
        }
        if now - challenger.since >= hold(best, now) { use(best) }
    }

    private mutating func use(_ index: Int) {
        current = rows[index].id
        changed(.inUse(current))
        challenger = nil
    }

    private func hold(_ index: Int, _ now: ContinuousClock.Instant) -> Duration {
        guard let lastFall = rows[index].lastFall, now - lastFall < Self.forgiveness else { return Self.holdTime }
        return Self.holdTime * (1 << max(0, rows[index].falls - 1))
    }

    /// The first in the user's order of those that are about as good as the best.
    private func preferred(among indices: [Int]) -> Int? {
        guard let state = indices.lazy.map({ self.rows[$0].health.state }).min() else { return nil }
        let candidates = indices.filter { rows[$0].health.state == state }
        // Times of different things cannot be compared, so one kind is, if all have it.
        for time in [\ServerHealth.answer.value, \ServerHealth.handshake.value] {
            let times = candidates.compactMap { rows[$0].health[keyPath: time] }
            guard state < .suspect, times.count == candidates.count, let best = times.min() else { continue }
            let limit = best * 1.5 + .milliseconds(30)
            return zip(candidates, times).first { $0.1 <= limit }?.0
        }
        return candidates.first
    }

    func index(of id: ID) -> Int? { rows.firstIndex { $0.id == id } }
}
