import Testing

@testable import SSCommon

@Suite("The memory of names")
struct ResolverCacheTests {
    let start = ContinuousClock.now
    let found = Resolution.addresses([.v4(IPv4Address(192, 0, 2, 1))])

    @Test(
        "A result is kept for its TTL inside its bounds",
        arguments: [
            (true, 100, 100), (true, 0, 1), (true, 1, 1), (true, 3600, 3600), (true, 1_000_000, 3600), (true, nil, 60),
            (false, 100, 60), (false, 0, 5), (false, 30, 30), (false, nil, 5),
        ] as [(Bool, UInt32?, Int)])
    func lifetime(exists: Bool, ttl: UInt32?, seconds: Int) throws {
        var cache = ResolverCache<Int>()
        let resolution = exists ? found : .absent
        #expect(step(&cache, "a.example", 0, 1) == "start")
        _ = cache.finish(try name("a.example"), TimedResolution(resolution, ttl: ttl), now: start)
        #expect(step(&cache, "a.example", Double(seconds) - 0.1, 2) == "known \(resolution)")
        #expect(step(&cache, "a.example", Double(seconds), 3) == "start")
    }

    @Test("A failure is kept for a second", arguments: [Resolution.timedOut, .failed("x")])
    func failure(resolution: Resolution) throws {
        var cache = ResolverCache<Int>()
        _ = step(&cache, "a.example", 0, 1)
        _ = cache.finish(try name("a.example"), TimedResolution(resolution, ttl: 500), now: start)
        #expect(step(&cache, "a.example", 0.9, 2) == "known \(resolution)")
        #expect(step(&cache, "a.example", 1, 3) == "start")
    }

    @Test("Those who ask for a name under way join its lookup and all get its result")
    func singleFlight() throws {
        var cache = ResolverCache<Int>()
        #expect(step(&cache, "a.example", 0, 1) == "start")
        #expect(step(&cache, "a.example", 0, 2) == "wait")
        #expect(step(&cache, "b.example", 0, 3) == "start")
        #expect(step(&cache, "a.example", 0, 4) == "wait")
        #expect(cache.finish(try name("a.example"), TimedResolution(found, ttl: 9), now: start) == [1, 2, 4])
        #expect(cache.finish(try name("b.example"), TimedResolution(.absent, ttl: 9), now: start) == [3])
    }

    @Test("Giving up lets the waiters go, and the lookup still serves those who come later")
    func givingUp() throws {
        var cache = ResolverCache<Int>()
        _ = step(&cache, "a.example", 0, 1)
        #expect(cache.giveUp(try name("a.example")) == [1])
        #expect(cache.giveUp(try name("b.example")) == [])
        #expect(step(&cache, "a.example", 6, 2) == "wait")
        #expect(cache.finish(try name("a.example"), TimedResolution(found, ttl: 9), now: start) == [2])
    }

    @Test("Lookups and waiters are bounded, and room comes back")
    func bounds() throws {
        var limits = ResolverCacheLimits()
        limits.lookups = 2
        limits.waiters = 3
        var cache = ResolverCache<Int>(limits: limits)
        #expect(step(&cache, "a.example", 0, 1) == "start")
        #expect(step(&cache, "b.example", 0, 2) == "start")
        #expect(step(&cache, "c.example", 0, 3) == "refuse")
        #expect(step(&cache, "b.example", 0, 4) == "wait")
        #expect(step(&cache, "b.example", 0, 5) == "refuse")
        _ = cache.finish(try name("b.example"), TimedResolution(found, ttl: 9), now: start)
        #expect(step(&cache, "c.example", 0, 6) == "start")
        #expect(step(&cache, "b.example", 0, 7) == "known \(found)")
    }

    @Test("The name not used for longest is forgotten first")
    func eviction() throws {
        var limits = ResolverCacheLimits()
        limits.entries = 3
        var cache = ResolverCache<Int>(limits: limits)
        for text in ["a.example", "b.example", "c.example"] { try add(&cache, text) }
        #expect(step(&cache, "a.example", 0, 0) == "known \(found)")
        try add(&cache, "d.example")
        #expect(cache.count == 3)
        #expect(step(&cache, "b.example", 0, 0) == "start")
        for text in ["a.example", "c.example", "d.example"] {
            #expect(step(&cache, text, 0, 0) == "known \(found)")
        }
    }

    @Test("The map agrees with a slow one over many random steps", arguments: [1, 2, 3] as [UInt64])
    func recency(seed: UInt64) {
        var random = SplitMix(state: seed)
        var map = RecencyMap<Int, Int>(capacity: 8)
        var model: [(key: Int, value: Int)] = []
        for step in 0..<5_000 {
            let key = Int.random(in: 0..<16, using: &random)
            let index = model.firstIndex { $0.key == key }
            switch Int.random(in: 0..<4, using: &random) {
            case 0, 1:
                if let index { model.remove(at: index) } else if model.count == 8 { model.removeFirst() }
                model.append((key, step))
                map.insert(step, for: key)
            case 2:
                let value = index.map { model[$0].value }
                if let index { model.append(model.remove(at: index)) }
                #expect(map.value(for: key) == value)
            default:
                if let index { model.remove(at: index) }
                map.remove(key)
            }
            #expect(map.count == model.count)
        }
    }

    private func add(_ cache: inout ResolverCache<Int>, _ text: String) throws {
        _ = step(&cache, text, 0, 0)
        _ = cache.finish(try name(text), TimedResolution(found, ttl: 60), now: start)
    }

    private func step(_ cache: inout ResolverCache<Int>, _ text: String, _ seconds: Double, _ waiter: Int) -> String {
        switch cache.look(up: DomainName(text)!, now: start + .seconds(seconds), waiter: { waiter }) {
        case .known(let resolution): "known \(resolution)"
        case .wait: "wait"
        case .start: "start"
        case .refuse: "refuse"
        }
    }

    private func name(_ text: String) throws -> DomainName { try #require(DomainName(text)) }
}
