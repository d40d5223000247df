import Testing

@testable import SSServerCore

@Suite("Where slots are found by hash")
struct SlotTableTests {
    @Test("Slots of one hash are found in the order in which they came", arguments: [1, 2, 3] as [UInt64])
    func model(seed: UInt64) {
        var random = SplitMix(seed)
        var table = SlotTable()
        var model: [(slot: EvictionQueues.Slot, hash: Int)] = []
        // Few places, so that they are in each other's way, the table's last ones among them.
        let hashes = (0..<40).map { _ in
            Int.random(in: -3..<13, using: &random) &+ (Bool.random(using: &random) ? 0 : 1 << 20)
        }
        var free = Array((0..<300 as Range<EvictionQueues.Slot>).shuffled(using: &random))
        for round in 0..<4000 {
            // It grows, and shrinks, and grows.
            let grows = Int.random(in: 0..<10, using: &random) < (round / 1000 % 2 == 0 ? 7 : 3)
            if grows, let slot = free.popLast() {
                let hash = hashes.randomElement(using: &random) ?? 0
                table.insert(slot, hash)
                model.append((slot, hash))
            } else if let index = model.indices.randomElement(using: &random) {
                let (slot, hash) = model.remove(at: index)
                table.remove(slot, hash)
                free.insert(slot, at: 0)
            }
            guard round % 7 == 0 else { continue }
            for hash in Set(hashes) {
                #expect(Array(table.slots(hash)) == model.filter { $0.hash == hash }.map(\.slot))
            }
        }
    }

    @Test("What is not there is not found, and its removal changes nothing")
    func absent() {
        var table = SlotTable()
        #expect(Array(table.slots(5)).isEmpty)
        table.remove(1, 5)
        table.insert(1, 5)
        table.remove(2, 5)
        table.remove(1, 6)
        #expect(Array(table.slots(5)) == [1] && Array(table.slots(6)).isEmpty)
    }
}
