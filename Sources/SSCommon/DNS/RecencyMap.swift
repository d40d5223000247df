// A dictionary that forgets the least recently used key when it is full. A list threaded through an array of
// slots keeps the order, so every operation is constant time and nothing is allocated once it is full.

struct RecencyMap<Key: Hashable, Value> {
    fileprivate struct Slot {
        var key: Key
        var value: Value
        /// Neighbours in the order of use; the newest has `newer` -1, the oldest `older` -1.
        var newer: Int
        var older: Int
    }

    private let capacity: Int
    private var index: [Key: Int] = [:]
    private var slots: [Slot] = []
    private var free: [Int] = []
    private var newest = -1
    private var oldest = -1

    /// `capacity` must be at least 1.
    init(capacity: Int) {
        precondition(capacity >= 1, "a map needs room for one entry")
        self.capacity = capacity
    }

    var count: Int { index.count }

    /// The value, which becomes the most recently used one.
    mutating func value(for key: Key) -> Value? {
        guard let slot = index[key] else { return nil }
        moveToFront(slot)
        return slots[slot].value
    }

    mutating func insert(_ value: Value, for key: Key) {
        if let slot = index[key] {
            slots[slot].value = value
            moveToFront(slot)
            return
        }
        if index.count == capacity { remove(slots[oldest].key) }
        let entry = Slot(key: key, value: value, newer: -1, older: -1)
        let slot: Int
        if let reused = free.popLast() {
            slot = reused
            slots[slot] = entry
        } else {
            slot = slots.count
            slots.append(entry)
        }
        index[key] = slot
        link(slot)
    }

    mutating func remove(_ key: Key) {
        guard let slot = index.removeValue(forKey: key) else { return }
        unlink(slot)
        free.append(slot)
    }

    private mutating func moveToFront(_ slot: Int) {
        if slot == newest { return }
        unlink(slot)
        link(slot)
    }

    private mutating func link(_ slot: Int) {
        slots[slot].newer = -1
        slots[slot].older = newest
        if newest >= 0 { slots[newest].newer = slot } else { oldest = slot }
        newest = slot
    }

    private mutating func unlink(_ slot: Int) {
        let (newer, older) = (slots[slot].newer, slots[slot].older)
        if newer >= 0 { slots[newer].older = older } else { newest = older }
        if older >= 0 { slots[older].newer = newer } else { oldest = newer }
    }
}

extension RecencyMap.Slot: Sendable where Key: Sendable, Value: Sendable {}

extension RecencyMap: Sendable where Key: Sendable, Value: Sendable {}
