import SSCommon
import Testing

@testable import SSServerCore

@Suite("What is kept in memory")
struct MemoryTierTests {
    private func key(_ name: String) -> CacheKey { CacheKey(bytes: Array("\(name):80/".utf8)) }

    /// An answer under a name; with a `variant`, only for those who ask with it.
    private func response(_ name: String, _ variant: String? = nil, size: Int = 1000) throws -> StoredResponse {
        var exchange = Exchange(["Cache-Control: max-age=60"])
        if let variant {
            exchange.says.append("Vary: X")
            exchange.asks = ["X: \(variant)"]
        }
        exchange.key = key(name)
        exchange.body = [UInt8](repeating: 7, count: size)
        return try exchange.stored()
    }

    private func keys(_ tier: MemoryTier) -> Set<CacheKey> { Set(tier.all.map(\.key)) }

    private func check(_ tier: MemoryTier) {
        let all = tier.all
        #expect(tier.byteCount <= tier.capacity)
        #expect(tier.byteCount == all.reduce(0) { $0 + $1.byteCount } && tier.count == all.count)
        for key in keys(tier) {
            let kept = tier.kept(key)
            #expect(!kept.isEmpty && kept.count <= MemoryTier.maximumVariants && kept.allSatisfy { $0.key == key })
            #expect(Set(kept.map(\.variant)).count == kept.count)
        }
    }

    @Test("What is put in is found under its key, and counted with its body and its books")
    func insertion() throws {
        var tier = MemoryTier(capacity: 100_000)
        let (a, b) = (try response("a"), try response("b", size: 2000))
        let inserted = [tier.insert(a), tier.insert(b)]
        #expect(inserted == [true, true])
        #expect(tier.kept(key("a")).first === a && tier.kept(key("b")).count == 1)
        #expect(tier.kept(key("c")).isEmpty && tier.count == 2 && tier.byteCount > 3000)
        check(tier)
    }

    @Test("An answer takes the place of the one for the same requests, and of no other")
    func replacing() throws {
        var tier = MemoryTier(capacity: 100_000)
        for variant in ["1", "2", nil, "1"] { tier.insert(try response("a", variant)) }
        let last = try response("a", "2", size: 10)
        tier.insert(last)
        #expect(tier.kept(key("a")).count == 3 && tier.evictions == 0)
        #expect(tier.all.contains { $0 === last })
        check(tier)
    }

    @Test("There are at most 16 answers to one URL, and the oldest goes")
    func variants() throws {
        var tier = MemoryTier(capacity: 1_000_000)
        let responses = try (0..<20).map { try response("a", "\($0)") }
        for response in responses { tier.insert(response) }
        #expect(tier.kept(key("a")).count == 16)
        let kept = tier.all
        for (number, response) in responses.enumerated() {
            #expect(kept.contains { $0 === response } == (number >= 4))
        }
        tier.insert(try response("b"))
        #expect(tier.count == 17)
        check(tier)
    }

    @Test("What is larger than all the room is not kept, and drives nothing out")
    func tooLarge() throws {
        var tier = MemoryTier(capacity: 10_000)
        tier.insert(try response("a"))
        let inserted = tier.insert(try response("b", size: 20_000))
        #expect(!inserted && tier.count == 1 && tier.kept(key("b")).isEmpty)
        check(tier)
    }

    @Test("What is too large to take the place of what was there leaves nothing of that")
    func tooLargeInPlace() throws {
        var tier = MemoryTier(capacity: 10_000)
        tier.insert(try response("a"))
        let inserted = tier.insert(try response("a", size: 20_000))
        #expect(!inserted && tier.kept(key("a")).isEmpty && tier.count == 0 && tier.byteCount == 0)
    }

    @Test("What nobody asks for goes first")
    func eviction() throws {
        var tier = MemoryTier(capacity: 60_000)
        let popular = try (0..<5).map { try response("popular\($0)") }
        for response in popular { tier.insert(response) }
        for number in 0..<300 {
            for response in popular { tier.touch(response) }
            tier.insert(try response("other\(number)"))
        }
        for response in popular { #expect(tier.kept(response.key).first === response) }
        #expect(tier.evictions > 200 && tier.evictions + UInt64(tier.count) == 305)
        check(tier)
    }

    @Test("What takes the place of something that was asked for has been asked for", arguments: [true, false])
    func heirs(wasAsked: Bool) throws {
        var tier = MemoryTier(capacity: 60_000)
        // While there is room, all get into the main queue.
        for number in 0..<100 { tier.insert(try response("first\(number)")) }
        let (old, new) = (try response("a"), try response("a"))
        tier.insert(old)
        if wasAsked { tier.touch(old) }
        tier.replace(old, by: new)
        #expect(tier.kept(key("a")).first === new && tier.kept(key("a")).count == 1)
        // Once alone is not enough to outlive what nobody asks for.
        tier.touch(new)
        for number in 0..<300 { tier.insert(try response("other\(number)")) }
        #expect((tier.kept(key("a")).first === new) == wasAsked)
        check(tier)
    }

    @Test("What is gone already is not replaced")
    func replacingNothing() throws {
        var tier = MemoryTier(capacity: 60_000)
        let (old, newer) = (try response("a"), try response("a"))
        tier.insert(old)
        tier.insert(newer)
        tier.replace(old, by: try response("a"))
        #expect(tier.kept(key("a")).first === newer)
        tier.remove(key("a"))
        tier.replace(newer, by: try response("a"))
        #expect(tier.count == 0)
        // Nor does it come back by being asked for.
        tier.touch(old)
        #expect(tier.count == 0)
    }

    @Test("All answers to a URL are forgotten at once, or one alone")
    func removing() throws {
        var tier = MemoryTier(capacity: 100_000)
        let some = try ["1", "2", "3"].map { try response("a", $0) }
        for response in some { tier.insert(response) }
        tier.insert(try response("b"))
        tier.remove(some[1])
        #expect(tier.kept(key("a")).count == 2 && !tier.all.contains { $0 === some[1] })
        tier.remove(some[1])
        #expect(tier.count == 3)
        #expect(tier.remove(key("a")) == 2 && tier.kept(key("a")).isEmpty && tier.count == 1)
        #expect(tier.remove(key("a")) == 0 && tier.evictions == 0)
        check(tier)
    }

    @Test("Less room drives out what is too much, and more leaves all")
    func capacity() throws {
        var tier = MemoryTier(capacity: 100_000)
        for number in 0..<30 { tier.insert(try response("host\(number)")) }
        #expect(tier.count == 30)
        tier.setCapacity(20_000)
        check(tier)
        #expect(tier.capacity == 20_000 && tier.count > 5 && tier.evictions == UInt64(30 - tier.count))
        let count = tier.count
        tier.setCapacity(1_000_000)
        #expect(tier.count == count)
        tier.setCapacity(0)
        #expect(tier.count == 0)
        check(tier)
    }

    @Test(
        "Whatever is done, there is never more than the room, and the books are right",
        arguments: [1, 2, 3] as [UInt64])
    func random(seed: UInt64) throws {
        var random = SplitMix(seed)
        var tier = MemoryTier(capacity: 60_000)
        for _ in 0..<2000 {
            let name = "host\(Int.random(in: 0..<12, using: &random))"
            let some = tier.kept(key(name)).randomElement(using: &random)
            switch (Int.random(in: 0..<100, using: &random), some) {
            case (..<25, let some?): tier.touch(some)
            case (25..<30, let some?): tier.remove(some)
            case (30..<33, _): tier.remove(key(name))
            case (33..<40, let some?): tier.replace(some, by: some.renewed(some.terms, some.head))
            case (40, _): tier.setCapacity(.random(in: 1...60_000, using: &random))
            case (41, _): for response in tier.all.shuffled(using: &random).prefix(3) { tier.remove(response) }
            default:
                let variant = Bool.random(using: &random) ? "\(Int.random(in: 0..<20, using: &random))" : nil
                tier.insert(try response(name, variant, size: .random(in: 0..<4000, using: &random)))
            }
            check(tier)
        }
    }
}
