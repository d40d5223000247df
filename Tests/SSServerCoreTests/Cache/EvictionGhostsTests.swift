import Testing

@testable import SSServerCore

@Suite("What has left the cache")
struct EvictionGhostsTests {
    private func found(_ hashes: some Sequence<UInt64>, _ ghosts: inout EvictionGhosts) -> Int {
        hashes.count { ghosts.remove($0, limit: 1000) }
    }

    @Test("The last ones are remembered, those before them are not, and none a second time")
    func lastOnes() {
        var ghosts = EvictionGhosts()
        for hash in 0..<10_000 as Range<UInt64> { ghosts.insert(hash, limit: 1000) }
        // A bucket that is full of what counts writes over some of it.
        #expect(found(9000..<10_000, &ghosts) > 950)
        #expect(found(0..<9000, &ghosts) == 0)
        #expect(found(9000..<10_000, &ghosts) == 0)
    }

    @Test("The table grows with the limit and keeps what it has, and does not grow with time")
    func growth() {
        var ghosts = EvictionGhosts()
        for hash in 0..<50 as Range<UInt64> { ghosts.insert(hash, limit: 50) }
        for hash in 50..<1000 as Range<UInt64> { ghosts.insert(hash, limit: 1000) }
        #expect(found(0..<1000, &ghosts) > 950)
        for hash in 0..<200_000 as Range<UInt64> { ghosts.insert(hash, limit: 1000) }
        #expect(ghosts.byteCount <= 1000 * 22)
    }

    @Test("Nothing is remembered where nothing counts")
    func nothing() {
        var ghosts = EvictionGhosts()
        ghosts.insert(1, limit: 0)
        #expect(found(1..<2, &ghosts) == 0)
        #expect(ghosts.byteCount == 0)
    }

    @Test("Hashes that all meet in one bucket take no more room, and the last of them are remembered")
    func oneBucket() {
        var ghosts = EvictionGhosts()
        // Inverse of the factor that makes marks of hashes: marks 1, 2, 3 and so on, which are all in the first bucket.
        let inverse: UInt64 = 0xF1DE_83E1_9937_733D
        let hashes = (1...1000 as ClosedRange<UInt64>).map { ($0 << 32) &* inverse }
        for hash in hashes { ghosts.insert(hash, limit: 1000) }
        #expect(found(hashes.suffix(8), &ghosts) == 8)
        #expect(found(hashes, &ghosts) == 0)
    }
}
