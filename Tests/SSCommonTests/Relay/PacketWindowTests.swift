import Testing

@testable import SSCommon

@Suite("Which packets were seen")
struct PacketWindowTests {
    /// As a session does.
    private func take(_ window: inout PacketWindow, _ packet: UInt64) -> Bool {
        guard window.isFresh(packet) else { return false }
        window.record(packet)
        return true
    }

    @Test("The table of WireGuard's tests")
    func table() {
        let limit = PacketWindow.size + 1
        var window = PacketWindow()
        let steps: [(UInt64, Bool)] = [
            (0, true), (1, true), (1, false), (9, true), (8, true), (7, true), (7, false), (limit, true),
            (limit - 1, true), (limit - 1, false), (limit - 2, true), (2, true), (2, false), (limit + 16, true),
            (3, false), (limit + 16, false), (limit * 4, true), (limit * 4 - (limit - 1), true), (10, false),
            (limit * 4 - limit, false), (limit * 4 - (limit + 1), false), (limit * 4 - (limit - 2), true),
            (limit * 4 + 1 - limit, false), (0, false), (.max, true), (.max - 1, true), (.max, false),
            (.max - 1, false), (.max - 2, true), (limit * 4, false),
        ]
        for (index, (packet, isTaken)) in steps.enumerated() {
            #expect(take(&window, packet) == isTaken, "step \(index): \(packet)")
        }
    }

    @Test("In order, backwards and with holes, each is taken once", arguments: [1, 2, 63, 64, 65, 8000])
    func each(step: UInt64) {
        var window = PacketWindow()
        let packets = (0..<200).map { UInt64($0) * step }
        for packet in packets { #expect(take(&window, packet)) }
        for packet in packets { #expect(!take(&window, packet)) }
        var backwards = PacketWindow()
        let near = (0...PacketWindow.size).reversed().filter { $0 % step == 0 }
        for packet in near { #expect(take(&backwards, packet)) }
        for packet in near { #expect(!take(&backwards, packet)) }
    }

    @Test("A jump forgets all blocks and no more")
    func jump() {
        var window = PacketWindow()
        for packet: UInt64 in 0..<100 { #expect(take(&window, packet)) }
        #expect(take(&window, 1_000_000))
        for packet in 1_000_000 - PacketWindow.size..<1_000_000 { #expect(take(&window, packet)) }
        #expect(!take(&window, 1_000_000 - PacketWindow.size - 1))
    }
}
