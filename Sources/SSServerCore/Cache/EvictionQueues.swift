// Which objects leave a cache that is full: S3-FIFO (Yang and others, SOSP 2023) over bytes. New ones wait in a small queue, and
// only those that are asked for there get into the main one: most of what a cache sees is never asked for again, and it must not
// drive out what is. A hit changes a counter and no list. The objects are their owner's; here they are numbers.

/// A slot number stays the object's own until it is removed or evicted.
package struct EvictionQueues: Sendable {
    package typealias Slot = UInt32

    enum Place {
        /// Nobody's; `older` is the next such one.
        case free
        /// Where new ones wait.
        case small
        /// Where those are that have been asked for.
        case main
    }

    struct Node: Sendable {
        var hash: UInt64
        /// Bytes.
        var size: Int
        var newer = EvictionQueues.none
        var older = EvictionQueues.none
        /// Hits that have not been paid for with another round, at most `maximumFrequency`.
        var frequency: UInt8 = 0
        var place = Place.free
        var wasTouched = false
    }

    private struct Queue: Sendable {
        var newest = EvictionQueues.none
        var oldest = EvictionQueues.none
        var count = 0
        var byteCount = 0
    }

    private static let none = Slot.max
    private static let maximumFrequency: UInt8 = 3
    /// Hits that get an object from the small queue into the main one.
    private static let promotingFrequency: UInt8 = 2
    /// So many are given another round for one that goes. Each has paid for it with a hit, but all at once they would hold up
    /// whoever waits.
    private static let maximumSpared = 1024

    private var nodes: [Node] = []
    private var firstFree = Self.none
    private var small = Queue()
    private var main = Queue()
    private var ghosts = EvictionGhosts()

    /// Bytes; more than 0.
    package private(set) var capacity: Int

    /// `capacity` is in bytes and more than 0.
    package init(capacity: Int) {
        precondition(capacity > 0, "a cache without room")
        self.capacity = capacity
    }

    /// Bytes of all that are in; at most `capacity`.
    package var byteCount: Int { small.byteCount + main.byteCount }

    /// Objects that are in.
    package var count: Int { small.count + main.count }

    /// What the small queue may hold while there is something in the other.
    private var smallShare: Int { capacity / 10 }

    // MARK: Objects

    /// Takes an object in; the slots of what had to go are appended to `evicted`, and never the new one. Nil, and nothing
    /// changes, if it is larger than the capacity. `hash` is its key's; two of the same hash are taken for one only when they
    /// come back. `size` is in bytes, with what its owner's own books take: objects of 0 bytes would never have to go, and what
    /// is larger than a tenth of the capacity drives out what is popular.
    package mutating func insert(hash: UInt64, size: Int, evicted: inout [Slot]) -> Slot? {
        precondition(size >= 0, "an object of less than nothing")
        guard size <= capacity else { return nil }
        // Before something goes, or it would get that one's slot.
        let slot = takeSlot(Node(hash: hash, size: size))
        let place = ghosts.remove(hash, limit: main.count) ? Place.main : .small
        makeRoom(for: size, evicted: &evicted)
        link(slot, place)
        fillMain()
        return slot
    }

    /// It was asked for. Cheap: no list is changed.
    package mutating func touch(_ slot: Slot) {
        precondition(nodes[Int(slot)].place != .free, "a slot without an object")
        nodes[Int(slot)].frequency = min(Self.maximumFrequency, nodes[Int(slot)].frequency + 1)
        nodes[Int(slot)].wasTouched = true
    }

    /// Whether it has been asked for since it came in or was last looked at, to see whether it has to go. Of what was evicted it
    /// can be asked too, until the next insertion.
    package func wasTouched(_ slot: Slot) -> Bool { nodes[Int(slot)].wasTouched }

    /// Its slot will be another's.
    package mutating func remove(_ slot: Slot) {
        unlink(slot)
        nodes[Int(slot)].older = firstFree
        firstFree = slot
    }

    /// Its size is another now, in bytes. It goes itself only if it is larger than the capacity, and then it alone; where others
    /// have to go, it is the newest of its queue after this.
    package mutating func resize(_ slot: Slot, to size: Int, evicted: inout [Slot]) {
        precondition(size >= 0, "an object of less than nothing")
        let place = nodes[Int(slot)].place
        guard size <= capacity else {
            remove(slot)
            return evicted.append(slot)
        }
        let others = byteCount - nodes[Int(slot)].size
        guard others > capacity - size else { return setSize(slot, size) }
        // Out of the queue, so that it does not go itself.
        unlink(slot)
        nodes[Int(slot)].size = size
        makeRoom(for: size, evicted: &evicted)
        link(slot, place)
    }

    /// `bytes` is more than 0.
    package mutating func setCapacity(_ bytes: Int, evicted: inout [Slot]) {
        precondition(bytes > 0, "a cache without room")
        capacity = bytes
        makeRoom(for: 0, evicted: &evicted)
    }

    /// All slots are free, and what has left is forgotten.
    package mutating func removeAll() { self = EvictionQueues(capacity: capacity) }

    // MARK: Who goes

    /// Evicts until `size` bytes are free.
    private mutating func makeRoom(for size: Int, evicted: inout [Slot]) {
        var spared = 0
        while byteCount > capacity - size {
            let slot = small.byteCount > smallShare || main.count == 0 ? small.oldest : main.oldest
            if spared < Self.maximumSpared, spare(slot) {
                spared += 1
            } else {
                evict(slot)
                evicted.append(slot)
                spared = 0
            }
        }
    }

    /// Whether its hits have got it into the main queue, or once more through it.
    private mutating func spare(_ slot: Slot) -> Bool {
        let frequency = nodes[Int(slot)].frequency
        switch nodes[Int(slot)].place {
        case .free: preconditionFailure("a slot without an object")
        case .small:
            guard frequency >= Self.promotingFrequency else { return false }
            nodes[Int(slot)].frequency = 0
        case .main:
            guard frequency > 0 else { return false }
            nodes[Int(slot)].frequency = frequency - 1
        }
        nodes[Int(slot)].wasTouched = false
        unlink(slot)
        link(slot, .main)
        return true
    }

    /// With room to spare nothing has to be asked for: a cache that has just begun would be one small queue for long, and a scan
    /// would find it without its main one.
    private mutating func fillMain() {
        while small.byteCount > smallShare, small.count > 1, capacity - byteCount > smallShare {
            let slot = small.oldest
            unlink(slot)
            link(slot, .main)
        }
    }

    private mutating func evict(_ slot: Slot) {
        // What leaves the main queue has had its time there.
        if nodes[Int(slot)].place == .small { ghosts.insert(nodes[Int(slot)].hash, limit: main.count) }
        remove(slot)
    }

    // MARK: Queues

    private mutating func takeSlot(_ node: Node) -> Slot {
        guard firstFree != Self.none else {
            precondition(nodes.count < Int(Self.none), "more objects than slots")
            nodes.append(node)
            return Slot(nodes.count - 1)
        }
        let slot = firstFree
        firstFree = nodes[Int(slot)].older
        nodes[Int(slot)] = node
        return slot
    }

    private mutating func change(_ place: Place, _ change: (inout Queue) -> Void) {
        switch place {
        case .free: preconditionFailure("a slot without an object")
        case .small: change(&small)
        case .main: change(&main)
        }
    }

    private mutating func setSize(_ slot: Slot, _ size: Int) {
        let growth = size - nodes[Int(slot)].size
        nodes[Int(slot)].size = size
        change(nodes[Int(slot)].place) { $0.byteCount += growth }
    }

    /// As the newest.
    private mutating func link(_ slot: Slot, _ place: Place) {
        let size = nodes[Int(slot)].size
        var second = Self.none
        change(place) { queue in
            second = queue.newest
            queue.newest = slot
            if second == Self.none { queue.oldest = slot }
            queue.count += 1
            queue.byteCount += size
        }
        if second != Self.none { nodes[Int(second)].newer = slot }
        nodes[Int(slot)].newer = Self.none
        nodes[Int(slot)].older = second
        nodes[Int(slot)].place = place
    }

    private mutating func unlink(_ slot: Slot) {
        let node = nodes[Int(slot)]
        change(node.place) { queue in
            if node.newer == Self.none { queue.newest = node.older }
            if node.older == Self.none { queue.oldest = node.newer }
            queue.count -= 1
            queue.byteCount -= node.size
        }
        if node.newer != Self.none { nodes[Int(node.newer)].older = node.older }
        if node.older != Self.none { nodes[Int(node.older)].newer = node.newer }
        nodes[Int(slot)].place = .free
    }
}
