// What is kept in memory, and what has to go when there is too much of it.

package struct MemoryTier: Sendable {
    /// Answers to one URL that differ by Vary.
    package static let maximumVariants = 16

    /// The answers to one URL, and their places in the queues.
    private struct Entry {
        var kept: [StoredResponse] = []
        var slots: [EvictionQueues.Slot] = []

        func slot(of response: StoredResponse) -> EvictionQueues.Slot? {
            kept.firstIndex { $0 === response }.map { slots[$0] }
        }

        mutating func remove(at index: Int) -> EvictionQueues.Slot {
            kept.remove(at: index)
            return slots.remove(at: index)
        }
    }

    private var queues: EvictionQueues
    private var entries: [CacheKey: Entry] = [:]
    /// By slot.
    private var owners: [StoredResponse?] = []
    /// Answers that had to make room.
    package private(set) var evictions: UInt64 = 0

    /// `capacity` is in bytes.
    package init(capacity: Int) { queues = EvictionQueues(capacity: max(1, capacity)) }

    package var capacity: Int { queues.capacity }
    package var byteCount: Int { queues.byteCount }
    package var count: Int { queues.count }

    package var keys: some Collection<CacheKey> { entries.keys }

    package func kept(_ key: CacheKey) -> [StoredResponse] { entries[key]?.kept ?? [] }

    package mutating func touch(_ response: StoredResponse) {
        guard let slot = entries[response.key]?.slot(of: response) else { return }
        queues.touch(slot)
    }

    /// Keeps an answer, in place of the one for the same requests. False if it is too large.
    @discardableResult
    package mutating func insert(_ response: StoredResponse) -> Bool {
        var entry = entries[response.key] ?? Entry()
        var wasAsked = false
        if let index = entry.kept.firstIndex(where: { $0.variant == response.variant }) {
            wasAsked = queues.wasTouched(entry.slots[index])
            release(entry.remove(at: index))
        } else if entry.kept.count >= Self.maximumVariants {
            // The oldest goes: nobody can fill the store with one URL.
            release(entry.remove(at: 0))
        }
        entries[response.key] = entry.kept.isEmpty ? nil : entry
        var evicted: [EvictionQueues.Slot] = []
        let hash = UInt64(truncatingIfNeeded: response.key.hashValue ^ (response.variant?.hashValue ?? 0))
        guard let slot = queues.insert(hash: hash, size: response.byteCount, evicted: &evicted) else { return false }
        for slot in evicted { evict(slot) }
        while owners.count <= Int(slot) { owners.append(nil) }
        owners[Int(slot)] = response
        entries[response.key, default: Entry()].kept.append(response)
        entries[response.key]?.slots.append(slot)
        if wasAsked { queues.touch(slot) }
        return true
    }

    /// Puts a renewed answer in the place of the one that it was made of, if that is still there.
    package mutating func replace(_ old: StoredResponse, by new: StoredResponse) {
        guard entries[old.key]?.slot(of: old) != nil else { return }
        insert(new)
    }

    /// Forgets all answers under a key; how many there were.
    @discardableResult
    package mutating func remove(_ key: CacheKey) -> Int {
        guard let entry = entries.removeValue(forKey: key) else { return 0 }
        for slot in entry.slots { release(slot) }
        return entry.kept.count
    }

    package mutating func remove(_ response: StoredResponse) {
        guard let slot = entries[response.key]?.slot(of: response) else { return }
        release(slot)
        drop(response)
    }

    /// Takes it out of its entry.
    private mutating func drop(_ response: StoredResponse) {
        guard let index = entries[response.key]?.kept.firstIndex(where: { $0 === response }) else { return }
        _ = entries[response.key]?.remove(at: index)
        if entries[response.key]?.kept.isEmpty == true { entries[response.key] = nil }
    }

    /// Forgets everything that `isMeant` says; how many there were.
    package mutating func removeAll(where isMeant: (CacheKey) -> Bool) -> Int {
        entries.keys.filter(isMeant).reduce(0) { $0 + remove($1) }
    }

    package mutating func setCapacity(_ bytes: Int) {
        var evicted: [EvictionQueues.Slot] = []
        queues.setCapacity(max(1, bytes), evicted: &evicted)
        for slot in evicted { evict(slot) }
    }

    private mutating func release(_ slot: EvictionQueues.Slot) {
        queues.remove(slot)
        owners[Int(slot)] = nil
    }

    private mutating func evict(_ slot: EvictionQueues.Slot) {
        evictions += 1
        if let response = owners[Int(slot)].take() { drop(response) }
    }
}
