// What happened to the table, a list that is exchanged while it is in use, and the table as it is shown.

extension ServerTable {
    /// Something that others may want to know.
    package enum Change: Hashable, Sendable {
        /// A server's state is another.
        case state(ID, from: ServerHealth.State, to: ServerHealth.State)
        /// Another server is in use.
        case inUse(ID)
    }

    /// What has changed since this was last called, in order.
    package mutating func takeChanges() -> [Change] {
        defer { changes = [] }
        return changes
    }

    /// Whoever never asks costs no memory.
    mutating func changed(_ change: Change) {
        if changes.count < 1000 { changes.append(change) }
    }

    /// Another list: who is in both keeps what is known about it. The one in use stays in use if it is there and works.
    package mutating func replace(
        with ids: [ID], now: ContinuousClock.Instant, random: inout some RandomNumberGenerator
    ) {
        let known = Dictionary(uniqueKeysWithValues: rows.map { ($0.id, $0) })
        var other = ServerTable(ids)
        other.lastUse = lastUse
        other.changes = changes
        for index in other.rows.indices {
            if let row = known[other.rows[index].id] { other.rows[index] = row }
        }
        if let used = other.index(of: current), other.rows[used].health.state < .suspect { other.current = current }
        if other.current != current { other.changes.append(.inUse(other.current)) }
        self = other
        for index in rows.indices {
            // A wait that was drawn stays.
            if rows.count == 1 {
                rows[index].nextCheck = nil
            } else if rows[index].nextCheck == nil {
                schedule(index, now, &random)
            }
        }
    }

    /// One line of the table.
    package struct Entry: Hashable, Sendable {
        package let id: ID
        package let state: ServerHealth.State
        package let isInUse: Bool
        /// From a request to its answer, and of the connection alone, at best.
        package let answer: Duration?
        package let handshake: Duration?
        package let lastAnswer: ContinuousClock.Instant?
        /// Since the last answer.
        package let failures: Int
        package let nextCheck: ContinuousClock.Instant?
    }

    /// In the user's order.
    package var entries: [Entry] {
        rows.map { row in
            Entry(
                id: row.id, state: row.health.state, isInUse: row.id == current, answer: row.health.answer.value,
                handshake: row.health.handshake.value, lastAnswer: row.health.lastAnswer,
                failures: row.health.failures, nextCheck: row.nextCheck)
        }
    }

    /// Nil if it is not in the list.
    package func state(of id: ID) -> ServerHealth.State? { index(of: id).map { rows[$0].health.state } }
}
