import Testing

@testable import SSServerCore

@Suite("Which objects leave a full cache")
struct EvictionQueuesTests {
    typealias Slot = EvictionQueues.Slot

    /// Queues and a plain list of what is in them.
    private struct Modelled {
        var queues: EvictionQueues
        var sizes: [Slot: Int] = [:]

        init(capacity: Int) { queues = EvictionQueues(capacity: capacity) }

        mutating func insert(hash: UInt64, size: Int) -> Slot? {
            var evicted: [Slot] = []
            let slot = queues.insert(hash: hash, size: size, evicted: &evicted)
            #expect((slot == nil) == (size > queues.capacity))
            if let slot {
                #expect(sizes[slot] == nil && !evicted.contains(slot))
                sizes[slot] = size
            } else {
                #expect(evicted.isEmpty)
            }
            forget(evicted)
            return slot
        }

        mutating func resize(_ slot: Slot, to size: Int) {
            var evicted: [Slot] = []
            queues.resize(slot, to: size, evicted: &evicted)
            sizes[slot] = size
            #expect(size > queues.capacity ? evicted == [slot] : !evicted.contains(slot))
            forget(evicted)
        }

        mutating func setCapacity(_ bytes: Int) {
            var evicted: [Slot] = []
            queues.setCapacity(bytes, evicted: &evicted)
            forget(evicted)
        }

        mutating func remove(_ slot: Slot) {
            queues.remove(slot)
            forget([slot])
        }

        mutating func forget(_ slots: [Slot]) {
            for slot in slots { #expect(sizes.removeValue(forKey: slot) != nil) }
            #expect(queues.byteCount <= queues.capacity)
            #expect(queues.byteCount == sizes.values.reduce(0, +))
            #expect(queues.count == sizes.count)
        }
    }

    /// What `count` objects that nobody asks for drive out.
    private func scan(_ queues: inout EvictionQueues, _ count: Int, size: Int = 10, from first: UInt64 = 1 << 40)
        -> Set<Slot>
    {
        var evicted: [Slot] = []
        for number in 0..<UInt64(count) { _ = queues.insert(hash: first + number, size: size, evicted: &evicted) }
        return Set(evicted)
    }

    @Test(
        "Bytes and counts are right after whatever is done, and bytes are never more than the capacity",
        arguments: [1, 2, 3] as [UInt64], [1, 100, 5000])
    func randomOperations(seed: UInt64, capacity: Int) {
        var random = SplitMix(seed)
        var model = Modelled(capacity: capacity)
        for _ in 0..<4000 {
            let some = model.sizes.keys.sorted().randomElement(using: &random)
            let size = Int.random(
                in: 0...(.random(in: 0..<50, using: &random) == 0 ? capacity * 2 : 60), using: &random)
            switch (Int.random(in: 0..<100, using: &random), some) {
            case (..<30, let slot?): model.queues.touch(slot)
            case (30..<35, let slot?): model.remove(slot)
            case (35..<45, let slot?): model.resize(slot, to: size)
            case (45, _): model.setCapacity(Int.random(in: 1...capacity, using: &random))
            case (46, _): model.setCapacity(capacity)
            default: _ = model.insert(hash: .random(in: 0..<500, using: &random), size: size)
            }
        }
        // Every object is in a queue that leads to it.
        for slot in model.sizes.keys.sorted() where model.sizes[slot] ?? 0 < 2 { model.resize(slot, to: 2) }
        model.setCapacity(1)
        #expect(model.sizes.isEmpty)
    }

    @Test("What is asked for twice outlives a scan of a hundred times the cache")
    func scanning() {
        var queues = EvictionQueues(capacity: 1000)
        var evicted: [Slot] = []
        let popular = (0..<50).compactMap { queues.insert(hash: $0, size: 10, evicted: &evicted) }
        for slot in popular + popular { queues.touch(slot) }
        let gone = scan(&queues, 10_000)
        #expect(gone.isDisjoint(with: popular))
        #expect(queues.byteCount == 1000)
    }

    @Test("A scan drives out what is new, and not what has got into the main queue")
    func smallQueue() {
        var queues = EvictionQueues(capacity: 1000)
        let first = scan(&queues, 100, from: 0)
        #expect(first.isEmpty)
        let evicted = scan(&queues, 1000)
        // The small queue's share, and what was still free when the main one got no more without being asked for.
        #expect(queues.count == 100 && evicted.count <= 22)
    }

    @Test("What comes back soon stays, though nobody asks for it again")
    func comingBack() throws {
        var queues = EvictionQueues(capacity: 1000)
        _ = scan(&queues, 200, from: 0)
        var evicted: [Slot] = []
        _ = queues.insert(hash: 777, size: 10, evicted: &evicted)
        _ = scan(&queues, 30)
        let came = queues.insert(hash: 777, size: 10, evicted: &evicted)
        let slot = try #require(came)
        let gone = scan(&queues, 1000, from: 1 << 41)
        #expect(!gone.contains(slot))
    }

    @Test("What comes back late is new")
    func comingBackLate() throws {
        var queues = EvictionQueues(capacity: 1000)
        _ = scan(&queues, 200, from: 0)
        var evicted: [Slot] = []
        _ = queues.insert(hash: 777, size: 10, evicted: &evicted)
        _ = scan(&queues, 300)
        let came = queues.insert(hash: 777, size: 10, evicted: &evicted)
        let slot = try #require(came)
        let gone = scan(&queues, 30, from: 1 << 41)
        #expect(gone.contains(slot))
    }

    @Test("Slots that are free are taken before new ones")
    func slots() {
        var queues = EvictionQueues(capacity: 1000)
        var evicted: [Slot] = []
        let slots = (0..<100).compactMap { queues.insert(hash: $0, size: 10, evicted: &evicted) }
        #expect(slots == Array(0..<100))
        for slot in slots where slot % 3 == 0 { queues.remove(slot) }
        let again = (0..<34).compactMap { queues.insert(hash: 200 + $0, size: 10, evicted: &evicted) }
        #expect(again.sorted() == slots.filter { $0 % 3 == 0 })
        // One more than there is room for: a new one never gets the slot of what goes for it.
        let gone = scan(&queues, 100_000)
        #expect(gone.max() ?? .max <= 100)
    }

    @Test("Objects of no bytes come in and go like others")
    func empty() {
        var model = Modelled(capacity: 10)
        let slots = (0..<100).compactMap { model.insert(hash: $0, size: 0) }
        #expect(slots.count == 100 && model.queues.byteCount == 0)
        let full = model.insert(hash: 100, size: 10)
        #expect(model.queues.count == 101)
        // They are older than it is, and go though that makes no room.
        _ = model.insert(hash: 101, size: 10)
        #expect(full.map { model.sizes[$0] == nil } == true && model.queues.count == 1)
    }

    @Test("What is larger than all is not taken, and what is as large drives out all")
    func large() throws {
        var model = Modelled(capacity: 100)
        for hash in 0..<20 as Range<UInt64> {
            if let slot = model.insert(hash: hash, size: 5) { for _ in 0..<5 { model.queues.touch(slot) } }
        }
        let tooLarge = [101, .max].compactMap { model.insert(hash: 20, size: $0) }
        #expect(tooLarge.isEmpty && model.queues.count == 20)
        let slot = model.insert(hash: 20, size: 100)
        #expect(model.queues.count == 1)
        model.resize(try #require(slot), to: .max)
        #expect(model.queues.count == 0 && model.queues.byteCount == 0)
    }

    @Test("What grows drives out others and not itself, until it is larger than all")
    func growing() throws {
        var model = Modelled(capacity: 100)
        let first = model.insert(hash: 0, size: 1)
        let slot = try #require(first)
        for hash in 1...99 as ClosedRange<UInt64> { _ = model.insert(hash: hash, size: 1) }
        for size in [2, 50, 49, 100, 0, 100] { model.resize(slot, to: size) }
        #expect(model.queues.count == 1)
        model.resize(slot, to: 101)
        #expect(model.queues.count == 0)
    }

    @Test("A capacity that shrinks drives out, one that grows makes room")
    func capacity() {
        var model = Modelled(capacity: 1000)
        for hash in 0..<100 as Range<UInt64> { _ = model.insert(hash: hash, size: 10) }
        model.setCapacity(55)
        #expect(model.queues.count == 5 && model.queues.capacity == 55)
        model.setCapacity(500)
        for hash in 200..<400 as Range<UInt64> { _ = model.insert(hash: hash, size: 10) }
        #expect(model.queues.count == 50)
        model.setCapacity(1)
        #expect(model.queues.count == 0)
        model.setCapacity(.max)
        let largest = model.insert(hash: 1, size: .max)
        #expect(largest != nil)
    }

    @Test("Objects of one hash are two, in the cache and when they have left it")
    func sameHash() {
        var model = Modelled(capacity: 100)
        let slots = (0..<10).compactMap { _ in model.insert(hash: 5, size: 10) }
        #expect(Set(slots).count == 10)
        for _ in 0..<100 { _ = model.insert(hash: 5, size: 10) }
        #expect(model.queues.count == 10)
    }

    @Test("After removing all there is nothing, and slots begin anew")
    func removingAll() {
        var queues = EvictionQueues(capacity: 100)
        _ = scan(&queues, 50)
        queues.removeAll()
        #expect(queues.count == 0 && queues.byteCount == 0 && queues.capacity == 100)
        var evicted: [Slot] = []
        let slot = queues.insert(hash: 1, size: 100, evicted: &evicted)
        #expect(slot == 0 && evicted.isEmpty)
    }

    @Test("It is known what was asked for: until it is looked at, and of what has gone until the next comes")
    func touched() throws {
        var queues = EvictionQueues(capacity: 100)
        var evicted: [Slot] = []
        let twiceSlot = queues.insert(hash: 1, size: 10, evicted: &evicted)
        let twice = try #require(twiceSlot)
        #expect(!queues.wasTouched(twice))
        queues.touch(twice)
        queues.touch(twice)
        #expect(queues.wasTouched(twice))
        let onceSlot = queues.insert(hash: 2, size: 90, evicted: &evicted)
        let once = try #require(onceSlot)
        queues.touch(once)
        _ = queues.insert(hash: 3, size: 50, evicted: &evicted)
        #expect(evicted == [once])
        #expect(queues.wasTouched(once) && !queues.wasTouched(twice))
    }

    @Test("One that comes does not wait until all that are popular have had another round")
    func patience() {
        var queues = EvictionQueues(capacity: 20_000)
        var evicted: [Slot] = []
        let slots = (0..<20_000).compactMap { queues.insert(hash: $0, size: 1, evicted: &evicted) }
        for slot in slots + slots + slots { queues.touch(slot) }
        _ = queues.insert(hash: 20_000, size: 1, evicted: &evicted)
        #expect(evicted.count == 1)
        #expect(slots.count { queues.wasTouched($0) } >= 20_000 - 1024)
    }

    @Test("An object takes thirty-two bytes")
    func size() { #expect(MemoryLayout<EvictionQueues.Node>.stride == 32) }
}
