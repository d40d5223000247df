import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import SSCommon
import SSNetwork
import Testing

@Suite("Resolving with a memory")
struct CachingResolverTests {
    private let group = TestEngine.group
    private let address = IPAddress("192.0.2.1")!

    @Test("Many callers on several loops cost one lookup, and each is answered on its own loop")
    func singleFlight() async throws {
        let lookup = HeldLookup()
        let resolver = CachingResolver(lookup)
        let name = try #require(HostName("a.Example."))
        var futures: [EventLoopFuture<Bool>] = []
        for _ in 0..<100 {
            let loop = group.next()
            futures.append(resolver.resolve(name, on: loop).map { _ in loop.inEventLoop })
        }
        #expect(lookup.names == ["a.example"])
        lookup.answer(TimedResolution(.addresses([address]), ttl: 60))
        for future in futures { #expect(try await future.get()) }
        #expect(try await resolver.resolve(name, on: group.any()).get() == [address])
        #expect(lookup.names.count == 1)
        resolver.forget()
        _ = resolver.resolve(name, on: group.any())
        #expect(lookup.names.count == 2)
        lookup.answer(TimedResolution(.absent, ttl: nil))
    }

    @Test("A lookup that hangs lets everyone go in time, those who join it late too")
    func patience() async throws {
        let lookup = HeldLookup()
        let resolver = CachingResolver(lookup, patience: .milliseconds(50))
        let name = try #require(HostName("a.example"))
        for _ in 0..<2 {
            await #expect(throws: DialError.timedOut) { try await resolver.resolve(name, on: group.any()).get() }
        }
        #expect(lookup.names.count == 1)
        lookup.answer(TimedResolution(.addresses([address]), ttl: 60))
        #expect(try await resolver.resolve(name, on: group.any()).get() == [address])
    }

    @Test(
        "Outcomes have their errors",
        arguments: [
            (.absent, .nameNotFound), (.timedOut, .timedOut), (.failed("x"), .failed("name lookup: x")),
        ] as [(Resolution, DialError)])
    func errors(resolution: Resolution, error: DialError) async throws {
        let lookup = HeldLookup()
        let resolver = CachingResolver(lookup)
        let name = try #require(HostName("a.example"))
        let future = resolver.resolve(name, on: group.any())
        lookup.answer(TimedResolution(resolution, ttl: nil))
        await #expect(throws: error) { try await future.get() }
        await #expect(throws: error) { try await resolver.resolve(name, on: group.any()).get() }
    }

    @Test("Addresses need no lookup, and what is no name gets none")
    func noLookup() async throws {
        let lookup = HeldLookup()
        let resolver = CachingResolver(lookup)
        let number = try #require(HostName("0x7f.1"))
        #expect(try await resolver.resolve(number, on: group.any()).get() == [IPAddress("127.0.0.1")!])
        for text in ["a..b", "a b", "1.2.3.4.5", String(repeating: "a", count: 64)] {
            let name = try #require(HostName(text))
            await #expect(throws: DialError.nameNotFound) { try await resolver.resolve(name, on: group.any()).get() }
        }
        #expect(lookup.names.isEmpty)
    }

    @Test("The addresses of the preferred family come first, in the order they had", arguments: [false, true])
    func families(ipv6First: Bool) async throws {
        let lookup = HeldLookup()
        let resolver = CachingResolver(lookup, ipv6First: ipv6First)
        let found = resolver.resolve(try #require(HostName("a.example")), on: group.any())
        let (v4, v6) = (["192.0.2.9", "192.0.2.1"], ["2001:db8::9", "2001:db8::1"])
        let mixed = ["2001:db8::9", "::ffff:192.0.2.9", "2001:db8::1", "192.0.2.1"]
        lookup.answer(TimedResolution(.addresses(mixed.map { IPAddress($0)! }), ttl: 60))
        #expect(try await found.get() == ((ipv6First ? v6 + v4 : v4 + v6).map { IPAddress($0)! }))
    }

    @Test("Too many lookups at once are refused")
    func bounded() async throws {
        var limits = ResolverCacheLimits()
        limits.lookups = 1
        let lookup = HeldLookup()
        let resolver = CachingResolver(lookup, limits: limits)
        let first = resolver.resolve(try #require(HostName("a.example")), on: group.any())
        let second = try #require(HostName("b.example"))
        await #expect(throws: DialError.exhausted) { try await resolver.resolve(second, on: group.any()).get() }
        lookup.answer(TimedResolution(.addresses([address]), ttl: 60))
        #expect(try await first.get() == [address])
    }

    @Test("The system's resolver knows localhost")
    func system() async throws {
        let system = SystemResolver()
        let resolver = CachingResolver(system)
        let addresses = try await resolver.resolve(try #require(HostName("localhost")), on: group.any()).get()
        #expect(
            !addresses.isEmpty && addresses.allSatisfy { [IPAddress("127.0.0.1")!, IPAddress("::1")!].contains($0) })
        system.shutdown()
    }
}

/// Collects lookups and answers them when told to.
private final class HeldLookup: AddressLookup {
    private struct State {
        var names: [String] = []
        var waiting: [@Sendable (TimedResolution) -> Void] = []
    }

    private let state = NIOLockedValueBox(State())

    var names: [String] { state.withLockedValue { $0.names } }

    func start(_ name: DomainName, done: @escaping @Sendable (TimedResolution) -> Void) {
        state.withLockedValue { state in
            state.names.append(name.text)
            state.waiting.append(done)
        }
    }

    func answer(_ result: TimedResolution) {
        let waiting = state.withLockedValue { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for done in waiting { done(result) }
    }
}
