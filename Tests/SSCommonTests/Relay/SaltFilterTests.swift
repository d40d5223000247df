import Testing

@testable import SSCommon

@Suite("The salt filter")
struct SaltFilterTests {
    @Test("A salt is fresh once")
    func once() {
        var filter = SaltFilter(capacity: 100)
        let salt = Salt.random(for: .aes256GCM)
        let answers = [filter.insert(salt), filter.insert(salt)]
        #expect(answers == [true, false])
    }

    @Test("At least the latest salts up to the capacity are remembered, in bounded memory")
    func generations() {
        var filter = SaltFilter(capacity: 1000)
        let salts = (0..<5000).map { _ in Salt.random(for: .aes128GCM) }
        let first = salts.map { filter.insert($0) }
        #expect(!first.contains(false))
        let again = salts.suffix(1000).map { filter.insert($0) }
        #expect(!again.contains(true))
        let oldest = filter.insert(salts[0])
        #expect(oldest, "what is older than two generations is forgotten")
    }

    @Test("It answers like two plain sets", arguments: [1, 2, 511, 512, 513, 1000, 5000, 40_000])
    func model(capacity: Int) {
        var filter = SaltFilter(capacity: capacity)
        var young: Set<UInt64> = []
        var old: Set<UInt64> = []
        var generator = SystemRandomNumberGenerator()
        var wrong = 0
        for _ in 0..<(5 * capacity + 10) {
            // From so few that a third of them are repeats; zero and the extremes among them.
            let number = UInt64.random(in: 0...UInt64(4 * capacity), using: &generator)
            let hash = number == 1 ? .max : number &* 0x9e37_79b9_7f4a_7c15
            let isFresh = !old.contains(hash) && young.insert(hash).inserted
            if young.count >= capacity { (old, young) = (young, []) }
            if filter.insert(hash: hash) != isFresh { wrong += 1 }
        }
        #expect(wrong == 0)
    }

    @Test("Memory stays within two generations, whose pieces do not outgrow their share")
    func memory() {
        let capacity = 65_536
        var filter = SaltFilter(capacity: capacity)
        var most = 0
        for step in 1...(6 * capacity) {
            _ = filter.insert(hash: .random(in: .min ... .max))
            if step % 1024 == 0 { most = max(most, filter.footprint) }
        }
        // Half full at the least, two generations, and one that is being given back while the next is still small.
        #expect(most <= 2 * capacity * 2 * 8 + capacity * 2)
        #expect(most >= 2 * capacity * 8)
    }

    @Test("No insertion moves more than one small piece")
    func steps() {
        let capacity = 8192
        var filter = SaltFilter(capacity: capacity)
        var before = 0
        var largest = 0
        for _ in 1...(4 * capacity) {
            _ = filter.insert(hash: .random(in: .min ... .max))
            let after = filter.footprint
            largest = max(largest, abs(after - before))
            before = after
        }
        #expect(largest <= 2048 * 8)
    }
}
