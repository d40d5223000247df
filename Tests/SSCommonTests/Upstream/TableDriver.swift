import SSCommon

/// A table with a clock of its own and numbers that are the same in every run.
struct TableDriver {
    var table: ServerTable
    var now = ContinuousClock.now
    var random: SplitMix

    init(_ count: Int, seed: UInt64 = 1) {
        table = ServerTable(Array(0..<count))
        random = SplitMix(state: seed)
    }

    mutating func pass(_ time: Duration) { now += time }

    mutating func note(_ evidence: ServerEvidence, _ id: Int) {
        table.note(evidence, about: id, now: now, random: &random)
    }

    mutating func choose() -> [Int] { table.choose(now: now) }

    mutating func look() { table.look(now: now, random: &random) }

    mutating func use() { table.used(now: now, random: &random) }

    mutating func checksDue() -> [Int] { table.checksDue(now: now, random: &random) }

    mutating func checkEnded(_ id: Int) { table.checkEnded(id, now: now, random: &random) }

    func state(_ id: Int) -> ServerHealth.State? { table.state(of: id) }

    /// Chooses once a second for so long, as a laptop in use does; the last choice.
    mutating func choose(for time: Duration) -> Int {
        var last = choose()[0]
        var left = time
        while left > .zero {
            pass(.seconds(1))
            left -= .seconds(1)
            look()
            last = choose()[0]
        }
        return last
    }

    /// Runs the clock for so long, uses the table each second where `isUsed`, and gives the times and servers of checks,
    /// all of which find nothing new.
    mutating func checks(for time: Duration, isUsed: Bool) -> [(at: Duration, id: Int)] {
        var found: [(Duration, Int)] = []
        let start = now
        while now - start < time {
            if isUsed { use() }
            for id in checksDue() {
                found.append((now - start, id))
                note(.answered(after: .milliseconds(100)), id)
                checkEnded(id)
            }
            pass(.seconds(1))
        }
        return found
    }
}
