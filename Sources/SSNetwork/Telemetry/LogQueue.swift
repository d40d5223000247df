// Lines on their way from the event loops to the writer: formatted at once, bounded, counted where they do not
// fit. A value without a lock; `LogSink` holds it under one.
internal import SSCommon

/// Lines that wait to be written.
struct LogQueue: Sendable {
    /// The most bytes that wait here. As many again may be in the writer's hands.
    let bound: Int
    /// Lines lost since the program started, for whatever reason.
    private(set) var totalDropped: UInt64 = 0

    private var formatter: LogFormatter
    private var pending: [UInt8] = []
    /// Lines lost that no line has told of yet.
    private var untold: UInt64 = 0

    init(formatter: LogFormatter, bound: Int) {
        self.formatter = formatter
        self.bound = bound
    }

    /// What the writer takes at once.
    struct Batch {
        var bytes: [UInt8]
        /// How many lost lines the batch's last line tells of; 0 if it tells of none.
        var told: UInt64
    }

    var isEmpty: Bool { pending.isEmpty }

    mutating func append(_ event: RelayEvent, at time: LogTime) {
        let start = pending.count
        formatter.append(event, at: time, to: &pending)
        enforceBound(start)
    }

    mutating func append(
        _ level: LogLevel, _ message: String, _ fields: [(name: String, value: String)], at time: LogTime
    ) {
        let start = pending.count
        formatter.append(level, message, fields, at: time, to: &pending)
        enforceBound(start)
    }

    private mutating func enforceBound(_ start: Int) {
        if pending.count <= bound { return }
        pending.removeSubrange(start...)
        drop(1)
    }

    private mutating func drop(_ lines: UInt64) {
        untold += lines
        totalDropped += lines
    }

    /// Gives up what waits and goes on with `spare`'s memory. Where lines were lost, the last line says how many;
    /// nothing is said while nothing waits, so a log that cannot be written is not tried for that alone.
    mutating func take(at time: LogTime, reusing spare: inout [UInt8]) -> Batch {
        // A burst must not keep its megabytes for ever.
        if spare.capacity > Self.keptCapacity { spare = [] }
        spare.removeAll(keepingCapacity: true)
        if pending.isEmpty { return Batch(bytes: [], told: 0) }
        let told = untold
        untold = 0
        if told > 0 {
            formatter.append(.warning, "log lines dropped", [("lines", "\(told)")], at: time, to: &pending)
        }
        var bytes: [UInt8] = []
        swap(&bytes, &pending)
        swap(&pending, &spare)
        return Batch(bytes: bytes, told: told)
    }

    /// Takes back the count of a batch of which the last `lines` lines could not be written.
    mutating func lost(lines: Int, of batch: borrowing Batch) {
        guard lines > 0 else { return }
        untold += batch.told
        drop(UInt64(batch.told > 0 ? lines - 1 : lines))
    }

    private static let keptCapacity = 256 * 1024
}
