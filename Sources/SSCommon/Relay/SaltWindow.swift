// Which salts of SIP022 streams were seen (3.1.5). A header is good for 30 seconds before and after its time, so a salt
// need not be known for longer than 60 seconds, but until then exactly: a filter that errs would refuse honest streams.
// Only authentic requests get here, so a stranger cannot fill it; when users do, new streams are refused, not old ones
// forgotten.
//
// As in SaltFilter, two generations are many small sets each, so that no insertion takes long.

package struct SaltWindow: Sendable {
    package enum Outcome: Hashable, Sendable {
        /// Not seen, and recorded.
        case fresh
        /// Seen.
        case seen
        /// Nothing can be recorded any more.
        case full
    }

    /// How long a salt is known at least, in seconds; at most twice as long.
    package static let memory = 2 * HeaderTime.tolerance
    private static let shardCount = 256

    private var young = Generation()
    private var old = Generation()
    /// What is left of the generation before the old one.
    private var forgotten: [Set<Salt>] = []
    private var turn: UInt64?
    private let capacity: Int

    /// How many generations have ended.
    package private(set) var generation = 0

    private struct Generation: Sendable {
        var shards = [Set<Salt>](repeating: [], count: shardCount)
        var count = 0
    }

    /// Knows up to `capacity` salts, about 100 bytes each.
    package init(capacity: Int) {
        precondition(capacity > 0, "a window that remembers nothing")
        self.capacity = capacity
    }

    package var count: Int { young.count + old.count }

    /// `clock` counts seconds and never goes back; it is no clock that people set.
    package mutating func insert(_ salt: Salt, clock: UInt64) -> Outcome {
        rotate(clock)
        _ = forgotten.popLast()
        let shard = salt.withUnsafeBytes { Int($0[0]) }
        if old.shards[shard].contains(salt) { return .seen }
        // Known ones are told apart from new ones also when there is no room.
        guard count < capacity else { return young.shards[shard].contains(salt) ? .seen : .full }
        guard young.shards[shard].insert(salt).inserted else { return .seen }
        young.count += 1
        return .fresh
    }

    /// Whether `salt` was seen in the last minute, or a little earlier.
    package func contains(_ salt: Salt) -> Bool {
        let shard = salt.withUnsafeBytes { Int($0[0]) }
        return young.shards[shard].contains(salt) || old.shards[shard].contains(salt)
    }

    private mutating func rotate(_ clock: UInt64) {
        let since = turn ?? clock
        turn = turn ?? clock
        guard clock - since >= Self.memory else { return }
        forgotten = old.shards
        old = clock - since < 2 * Self.memory ? young : Generation()
        young = Generation()
        turn = clock
        generation += 1
    }
}
