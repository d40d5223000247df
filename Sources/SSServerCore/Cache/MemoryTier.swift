// What is kept in memory, and what has to go when there is too much of it.

package struct MemoryTier: Sendable {
    /// Answers to one URL that differ by Vary.
    package static let maximumVariants = 16

    private var queues: EvictionQueues
    private var places = SlotTable()
    /// By slot.
    private var owners: [StoredResponse?] = []
    /// Answers that had to make room.
    package private(set) var evictions: UInt64 = 0

    /// `capacity` is in bytes.
    package init(capacity: Int) { queues = EvictionQueues(capacity: max(1, capacity)) }

    package var capacity: Int { queues.capacity }
    package var byteCount: Int { queues.byteCount }
    package var count: Int { queues.count }

    /// All there is, in no order.
    package var all: [StoredResponse] { owners.compactMap(\.self) }

    /// The answers to one URL, the oldest first.
    package func kept(_ key: CacheKey) -> [StoredResponse] {
        var kept: [StoredResponse] = []
        for slot in places.slots(key.tableHash) { if let owner = owner(slot), owner.hasKey(key) { kept.append(owner) } }
        return kept
    }

    private func owner(_ slot: EvictionQueues.Slot) -> StoredResponse? { owners[Int(slot)] }

    private func slot(of response: StoredResponse) -> EvictionQueues.Slot? {
        for slot in places.slots(response.keyHash) where owner(slot) === response { return slot }
        return nil
    }

    package mutating func touch(_ response: StoredResponse) {
        if let slot = slot(of: response) { queues.touch(slot) }
    }

    /// Keeps an answer, in place of the one for the same requests. False if it is too large.
    @discardableResult
    package mutating func insert(_ response: StoredResponse) -> Bool {
        let key = response.key
        let kept = kept(key)
        var wasAsked = false
        if let old = kept.first(where: { $0.variant == response.variant }) {
            wasAsked = remove(old)
        } else if kept.count >= Self.maximumVariants, let oldest = kept.first {
            // Nobody can fill the store with one URL.
            remove(oldest)
        }
        var evicted: [EvictionQueues.Slot] = []
        let keyHash = key.tableHash
        let hash = UInt64(truncatingIfNeeded: keyHash ^ (response.variant?.hashValue ?? 0))
        guard let slot = queues.insert(hash: hash, size: response.byteCount, evicted: &evicted) else { return false }
        for slot in evicted { evict(slot) }
        while owners.count <= Int(slot) { owners.append(nil) }
        owners[Int(slot)] = response
        places.insert(slot, keyHash)
        if wasAsked { queues.touch(slot) }
        return true
    }

    /// Puts a renewed answer in the place of the one that it was made of, if that is still there.
    package mutating func replace(_ old: StoredResponse, by new: StoredResponse) {
        if slot(of: old) != nil { insert(new) }
    }

    /// Forgets all answers under a key; how many there were.
    @discardableResult
    package mutating func remove(_ key: CacheKey) -> Int {
        let kept = kept(key)
        for response in kept { remove(response) }
        return kept.count
    }

    /// Whether it had been asked for.
    @discardableResult
    package mutating func remove(_ response: StoredResponse) -> Bool {
        guard let slot = slot(of: response) else { return false }
        let wasAsked = queues.wasTouched(slot)
        queues.remove(slot)
        forget(slot)
        return wasAsked
    }

    package mutating func setCapacity(_ bytes: Int) {
        var evicted: [EvictionQueues.Slot] = []
        queues.setCapacity(max(1, bytes), evicted: &evicted)
        for slot in evicted { evict(slot) }
    }

    private mutating func evict(_ slot: EvictionQueues.Slot) {
        evictions += 1
        forget(slot)
    }

    private mutating func forget(_ slot: EvictionQueues.Slot) {
        guard let owner = owners[Int(slot)].take() else { return }
        places.remove(slot, owner.keyHash)
    }
}

/// Slots by the hash of what is in them, several under one hash in the order in which they came: 8 bytes each, in a table that is
/// at most three quarters full.
struct SlotTable: Sendable {
    private struct Place {
        /// One more than the slot; 0 where there is none.
        var number: UInt32 = 0
        var hash: UInt32 = 0
    }

    private var table = [Place](repeating: Place(), count: 16)
    private var count = 0

    private static func short(_ hash: Int) -> UInt32 { UInt32(truncatingIfNeeded: hash) }

    private func home(_ hash: UInt32) -> Int { Int(hash) & (table.count - 1) }

    private func next(_ index: Int) -> Int { (index + 1) & (table.count - 1) }

    /// Those under `hash`, and maybe some of other hashes.
    func slots(_ hash: Int) -> Slots {
        let hash = Self.short(hash)
        return Slots(table: self, hash: hash, index: home(hash))
    }

    struct Slots: Sequence, IteratorProtocol {
        fileprivate let table: SlotTable
        fileprivate let hash: UInt32
        fileprivate var index: Int

        mutating func next() -> EvictionQueues.Slot? {
            while true {
                let place = table.table[index]
                guard place.number != 0 else { return nil }
                index = table.next(index)
                if place.hash == hash { return place.number - 1 }
            }
        }
    }

    mutating func insert(_ slot: EvictionQueues.Slot, _ hash: Int) {
        if (count + 1) * 4 > table.count * 3 { grow() }
        place(Place(number: slot + 1, hash: Self.short(hash)))
        count += 1
    }

    private mutating func place(_ new: Place) {
        var index = home(new.hash)
        while table[index].number != 0 { index = next(index) }
        table[index] = new
    }

    /// In the order in which they are found, so that those of one hash stay in theirs.
    private mutating func grow() {
        let old = table
        table = [Place](repeating: Place(), count: old.count * 2)
        // A run that goes on at the table's beginning begins at its end.
        let start = old.firstIndex { $0.number == 0 } ?? 0
        for place in old[start...] + old[..<start] where place.number != 0 { self.place(place) }
    }

    mutating func remove(_ slot: EvictionQueues.Slot, _ hash: Int) {
        var hole = home(Self.short(hash))
        while table[hole].number != slot + 1 {
            guard table[hole].number != 0 else { return }
            hole = next(hole)
        }
        // Those behind that could not have their own place move up.
        var index = next(hole)
        while table[index].number != 0 {
            let home = home(table[index].hash)
            let isBetween = hole < index ? home > hole && home <= index : home > hole || home <= index
            if !isBetween {
                table[hole] = table[index]
                hole = index
            }
            index = next(index)
        }
        table[hole] = Place()
        count -= 1
    }
}
