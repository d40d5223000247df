// What the relay counts. Every event loop has counters of its own, so that loops do not pull one cache line to
// and fro; a reader adds them up. Adding costs one relaxed atomic operation and no lock.
internal import Synchronization

/// The counters of one event loop. Up is from the laptop to the target, down is the way back, in both programs.
package final class TrafficCounters: Sendable {
    private let streamsOpened = Atomic<UInt64>(0)
    private let streamsClosed = Atomic<UInt64>(0)
    private let bytesUp = Atomic<UInt64>(0)
    private let bytesDown = Atomic<UInt64>(0)
    private let associationsOpened = Atomic<UInt64>(0)
    private let associationsClosed = Atomic<UInt64>(0)
    private let packetsUp = Atomic<UInt64>(0)
    private let packetsDown = Atomic<UInt64>(0)
    private let outcomes: InlineArray<12, Atomic<UInt64>>

    init() {
        precondition(ConnectionStatus.allCases.count == 12, "one counter a status")
        outcomes = InlineArray { _ in Atomic<UInt64>(0) }
    }

    package func streamOpened() {
        streamsOpened.wrappingAdd(1, ordering: .relaxed)
    }

    /// To be called once for every `streamOpened`.
    package func streamClosed() {
        streamsClosed.wrappingAdd(1, ordering: .relaxed)
    }

    /// Payload bytes that went to the target.
    package func add(up bytes: Int) {
        bytesUp.wrappingAdd(UInt64(bytes), ordering: .relaxed)
    }

    /// Payload bytes that came from the target.
    package func add(down bytes: Int) {
        bytesDown.wrappingAdd(UInt64(bytes), ordering: .relaxed)
    }

    package func associationOpened() {
        associationsOpened.wrappingAdd(1, ordering: .relaxed)
    }

    /// To be called once for every `associationOpened`.
    package func associationClosed() {
        associationsClosed.wrappingAdd(1, ordering: .relaxed)
    }

    /// One datagram with so many payload bytes went to the target.
    package func packetUp(bytes: Int) {
        packetsUp.wrappingAdd(1, ordering: .relaxed)
        add(up: bytes)
    }

    /// One datagram with so many payload bytes came from the target.
    package func packetDown(bytes: Int) {
        packetsDown.wrappingAdd(1, ordering: .relaxed)
        add(down: bytes)
    }

    /// How a connection or a datagram ended; to be called once for each.
    package func finished(_ status: ConnectionStatus) {
        outcomes[status.rawValue].wrappingAdd(1, ordering: .relaxed)
    }

    func add(to total: inout TrafficSnapshot) {
        // Closings are read before openings: what closes in between must not make "open" negative.
        total.streamsClosed += streamsClosed.load(ordering: .acquiring)
        total.associationsClosed += associationsClosed.load(ordering: .acquiring)
        total.streamsOpened += streamsOpened.load(ordering: .relaxed)
        total.associationsOpened += associationsOpened.load(ordering: .relaxed)
        total.bytesUp += bytesUp.load(ordering: .relaxed)
        total.bytesDown += bytesDown.load(ordering: .relaxed)
        total.packetsUp += packetsUp.load(ordering: .relaxed)
        total.packetsDown += packetsDown.load(ordering: .relaxed)
        for status in ConnectionStatus.allCases {
            total.outcomes[status.rawValue] += outcomes[status.rawValue].load(ordering: .relaxed)
        }
    }
}

/// All counters of a program.
package final class TrafficLedger: Sendable {
    private let pages = Mutex<[TrafficCounters]>([])

    package init() {}

    /// New counters, for one event loop. They are counted for as long as the program runs, so make few.
    package func makeCounters() -> TrafficCounters {
        let counters = TrafficCounters()
        pages.withLock { $0.append(counters) }
        return counters
    }

    /// The sums at this moment.
    package func snapshot() -> TrafficSnapshot {
        var total = TrafficSnapshot()
        for counters in pages.withLock({ $0 }) { counters.add(to: &total) }
        return total
    }
}
