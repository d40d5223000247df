import SSCommon
import Testing

@Suite("Counters")
struct TrafficTests {
    @Test("The counters of all event loops add up")
    func sums() async {
        let ledger = TrafficLedger()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                let counters = ledger.makeCounters()
                group.addTask {
                    for number in 0..<1000 {
                        counters.streamOpened()
                        counters.add(up: 2)
                        counters.add(down: 3)
                        if number % 2 == 0 { counters.streamClosed() }
                        counters.finished(number % 4 == 0 ? .cipher : .ok)
                        counters.associationOpened()
                        counters.packetUp(bytes: 10)
                        counters.packetDown(bytes: 20)
                        counters.associationClosed()
                    }
                }
            }
        }
        let sum = ledger.snapshot()
        #expect(sum.streamsOpened == 4000 && sum.streamsClosed == 2000 && sum.streamsOpen == 2000)
        #expect(sum.bytesUp == 48000 && sum.bytesDown == 92000)
        #expect(sum.packetsUp == 4000 && sum.packetsDown == 4000)
        #expect(sum.associationsOpened == 4000 && sum.associationsOpen == 0)
        #expect(sum.failures == 1000 && sum.count(of: .cipher) == 1000 && sum.count(of: .ok) == 3000)
    }

    @Test(
        "Bytes are shown with few digits",
        arguments: [
            (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1049, "1.0 kB"), (1050, "1.1 kB"), (99_949, "99.9 kB"),
            (99_950, "100 kB"), (999_449, "999 kB"), (999_500, "1.0 MB"), (40_100_000, "40.1 MB"),
            (310_000_000, "310 MB"), (4_200_000_000, "4.2 GB"), (UInt64.max, "18.4 EB"),
        ] as [(UInt64, String)])
    func units(count: UInt64, expected: String) {
        #expect(LiveLine.bytes(count) == expected)
    }
}

@Suite("The live line")
struct LiveLineTests {
    private func snapshot() -> TrafficSnapshot {
        var snapshot = TrafficSnapshot()
        snapshot.streamsOpened = 12
        snapshot.streamsClosed = 9
        snapshot.bytesUp = 1_200_000
        snapshot.bytesDown = 40_100_000
        return snapshot
    }

    @Test("It tells streams, traffic, rate and failures")
    func full() {
        var line = LiveLine()
        #expect(
            line.render(snapshot(), after: 1, width: 120)
                == "3 streams · 12 opened · ↑ 1.2 MB ↓ 40.1 MB · 20.7 MB/s · 0 failed")
        #expect(line.render(snapshot(), after: 1, width: 120).contains("10.3 MB/s"))
        for _ in 0..<40 { _ = line.render(snapshot(), after: 1, width: 120) }
        #expect(line.render(snapshot(), after: 1, width: 120).contains(" 0 B/s"))
    }

    @Test("Without Unicode it is ASCII")
    func ascii() {
        var line = LiveLine(isUnicode: false)
        let text = line.render(snapshot(), after: 1, width: 120)
        #expect(text == "3 streams | 12 opened | up 1.2 MB down 40.1 MB | 20.7 MB/s | 0 failed")
    }

    @Test("It never exceeds the width and gives up the least telling part first", arguments: -1...120)
    func widths(width: Int) {
        var line = LiveLine()
        let text = line.render(snapshot(), after: 1, width: width)
        #expect(text.unicodeScalars.count <= max(width, 0))
        if width >= 9 { #expect(text.hasPrefix("3 streams")) }
        if width >= 36 { #expect(text.contains("MB/s")) }
    }

    @Test("No time passed and counters that went back give a line, not a trap")
    func oddInput() {
        var line = LiveLine()
        _ = line.render(snapshot(), after: 0, width: 80)
        _ = line.render(TrafficSnapshot(), after: -1, width: 80)
        #expect(!line.render(snapshot(), after: 1e-300, width: 80).isEmpty)
        #expect(!line.render(TrafficSnapshot(), after: 1, width: 80).isEmpty)
    }
}
