// Associations by key: bounded, and forgotten when they have been quiet for too long. The one that was quiet for
// longest makes room for a new one when the table is full.
package import NIOCore

/// A bounded map whose entries expire; only ever touched on one event loop.
package final class ExpiringTable<Key: Hashable, Value> {
    private struct Entry {
        var value: Value
        var lastUse: NIODeadline
    }

    private var entries: [Key: Entry] = [:]
    private let limit: Int
    private let lifetime: TimeAmount
    private let onEnd: (Value) -> Void

    /// At most `limit` entries, each for `lifetime` after its last use; `onEnd` gets what leaves.
    package init(limit: Int, lifetime: TimeAmount, onEnd: @escaping (Value) -> Void) {
        self.limit = limit
        self.lifetime = lifetime
        self.onEnd = onEnd
    }

    package var count: Int { entries.count }

    /// The value of `key`, which counts as a use.
    package func use(_ key: Key, now: NIODeadline) -> Value? {
        guard let index = entries.index(forKey: key) else { return nil }
        entries.values[index].lastUse = now
        return entries.values[index].value
    }

    /// The value of `key`, which is not used thereby.
    package func peek(_ key: Key) -> Value? { entries[key]?.value }

    /// False if there is only room where something was used less than `idle` ago.
    package func hasRoom(now: NIODeadline, idle: TimeAmount) -> Bool {
        if entries.count < limit { return true }
        guard let oldest = entries.values.min(by: { $0.lastUse < $1.lastUse }) else { return true }
        return now - oldest.lastUse >= idle
    }

    package func insert(_ value: Value, for key: Key, now: NIODeadline) {
        if entries.count >= limit { evictOldest() }
        if let former = entries.updateValue(Entry(value: value, lastUse: now), forKey: key) { onEnd(former.value) }
    }

    package func remove(_ key: Key) {
        if let entry = entries.removeValue(forKey: key) { onEnd(entry.value) }
    }

    /// Ends what has been quiet for longer than the lifetime, and what `isOver` says.
    package func sweep(now: NIODeadline, isOver: (Value) -> Bool = { _ in false }) {
        for (key, entry) in entries where now - entry.lastUse >= lifetime || isOver(entry.value) { remove(key) }
    }

    package func removeAll() {
        let all = entries
        entries = [:]
        for entry in all.values { onEnd(entry.value) }
    }

    /// Linear, but only when the table is full; a flood of new keys pays for it itself.
    private func evictOldest() {
        if let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) { remove(oldest.key) }
    }
}
