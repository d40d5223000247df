// The relay's counters at one moment, for whoever shows them: the live line, later status and metrics.

/// Sums since the program started.
package struct TrafficSnapshot: Hashable, Sendable {
    package var streamsOpened: UInt64 = 0
    package var streamsClosed: UInt64 = 0
    package var bytesUp: UInt64 = 0
    package var bytesDown: UInt64 = 0
    package var associationsOpened: UInt64 = 0
    package var associationsClosed: UInt64 = 0
    package var packetsUp: UInt64 = 0
    package var packetsDown: UInt64 = 0
    /// By `ConnectionStatus.rawValue`.
    var outcomes = [UInt64](repeating: 0, count: ConnectionStatus.allCases.count)

    package init() {}

    package var streamsOpen: UInt64 { streamsOpened - min(streamsClosed, streamsOpened) }

    package var associationsOpen: UInt64 { associationsOpened - min(associationsClosed, associationsOpened) }

    /// How many connections and datagrams ended so.
    package func count(of status: ConnectionStatus) -> UInt64 { outcomes[status.rawValue] }

    /// How many ended in any way but well.
    package var failures: UInt64 {
        outcomes.reduce(0, +) - count(of: .ok)
    }
}
