// What was made void lately, so that an answer that was asked for before that, and comes after, is not kept.

package struct VoidLog<Key: Hashable & Sendable>: Sendable {
    /// What is older than so many entries is not known any more, and counts as void.
    private static var limit: UInt64 { 4096 }

    /// Goes up with every entry.
    package private(set) var generation: UInt64 = 0
    private var latest: [Key: UInt64] = [:]
    private var order: [Key] = []
    private var next = 0
    private var all: UInt64 = 0

    package init() {}

    package mutating func note(_ key: Key) {
        generation += 1
        latest[key] = generation
        if order.count < Int(Self.limit) {
            order.append(key)
        } else {
            let old = order[next]
            // It may have been noted again since.
            if let at = latest[old], at <= generation - Self.limit { latest[old] = nil }
            order[next] = key
            next = (next + 1) % order.count
        }
    }

    package mutating func noteAll() {
        generation += 1
        all = generation
        latest = [:]
    }

    /// Whether something that was begun at `generation` is out of date.
    package func isVoid(_ key: Key, since generation: UInt64) -> Bool {
        if all > generation || self.generation - generation > Self.limit { return true }
        return latest[key].map { $0 > generation } ?? false
    }
}
