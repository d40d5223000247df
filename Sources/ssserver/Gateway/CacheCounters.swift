// What the cache did, counted: each event one relaxed addition.
internal import Synchronization

final class CacheCounters: Sendable {
    enum Event: Int, Sendable, CaseIterable {
        /// Answered from what is kept.
        case hit
        /// The origin was asked, and its answer passed on.
        case miss
        /// The origin was asked whether what is kept is still good, and it was.
        case validated
        /// Answered with something stale.
        case stale
        /// Waited for the answer to somebody else's question.
        case collapsed
        /// Not the cache's business.
        case bypassed
        /// An answer was kept.
        case stored
        /// Something kept was forgotten since it had been changed.
        case invalidated

        var word: String {
            switch self {
            case .hit: "hits"
            case .miss: "misses"
            case .validated: "validated"
            case .stale: "stale"
            case .collapsed: "collapsed"
            case .bypassed: "bypassed"
            case .stored: "stored"
            case .invalidated: "invalidated"
            }
        }
    }

    private let counts: InlineArray<8, Atomic<UInt64>>
    private let bytesServed = Atomic<UInt64>(0)
    private let bytesFetched = Atomic<UInt64>(0)
    private let millisecondsSaved = Atomic<UInt64>(0)

    init() {
        precondition(Event.allCases.count == 8, "one counter an event")
        counts = InlineArray { _ in Atomic<UInt64>(0) }
    }

    func add(_ event: Event) { counts[event.rawValue].wrappingAdd(1, ordering: .relaxed) }

    /// Bytes of bodies that clients got and origins did not send for it.
    func saved(bytes: Int) { bytesServed.wrappingAdd(UInt64(bytes), ordering: .relaxed) }

    func saved(milliseconds: UInt64) { millisecondsSaved.wrappingAdd(milliseconds, ordering: .relaxed) }

    func fetched(bytes: Int) { bytesFetched.wrappingAdd(UInt64(bytes), ordering: .relaxed) }

    struct Reading: Hashable, Sendable {
        var events: [UInt64]
        var bytesSaved: UInt64
        var bytesFetched: UInt64
        var millisecondsSaved: UInt64

        subscript(event: Event) -> UInt64 { events[event.rawValue] }
    }

    var reading: Reading {
        Reading(
            events: Event.allCases.map { counts[$0.rawValue].load(ordering: .relaxed) },
            bytesSaved: bytesServed.load(ordering: .relaxed), bytesFetched: bytesFetched.load(ordering: .relaxed),
            millisecondsSaved: millisecondsSaved.load(ordering: .relaxed))
    }
}
