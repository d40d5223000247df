import NIOCore
import NIOPosix
import SSCommon
import SSNetwork
import Synchronization
import Testing

@Suite("Asking name servers")
struct StubResolverTests {
    private static let v4: [UInt8] = [192, 0, 2, 1]
    private static let v6: [UInt8] = [0x20, 1, 0xd, 0xb8] + [UInt8](repeating: 0, count: 11) + [1]
    private static let both = Resolution.addresses([IPAddress("192.0.2.1")!, IPAddress("2001:db8::1")!])

    @Test("Both families are asked for and found")
    func both() async throws {
        let server = try await FakeNameServer { [FakeNameServer.reply($0, [$0.isIPv6 ? Self.v6 : Self.v4], ttl: 77)] }
        let (result, time) = await look(server.endpoint)
        #expect(result == TimedResolution(Self.both, ttl: 77))
        #expect(server.asked == (2, 0))
        #expect(time < .milliseconds(900))
        try await server.close()
    }

    @Test(
        "A name that does not exist is absent, a server that fails is a failure, both without waiting",
        arguments: [2, 3, 5] as [UInt8])
    func codes(code: UInt8) async throws {
        let server = try await FakeNameServer { [FakeNameServer.reply($0, code: code)] }
        let (result, time) = await look(server.endpoint)
        #expect(result.resolution == (code == 3 ? .absent : .failed("name server answered with code \(code)")))
        #expect(time < .milliseconds(900))
        try await server.close()
    }

    @Test("A cut answer is fetched over TCP")
    func truncated() async throws {
        let server = try await FakeNameServer { question in
            [
                FakeNameServer.reply(
                    question, question.overTCP ? [question.isIPv6 ? Self.v6 : Self.v4] : [], cut: !question.overTCP)
            ]
        }
        #expect(await look(server.endpoint).0.resolution == Self.both)
        #expect(server.asked == (2, 2))
        try await server.close()
    }

    @Test("A server marked tcp:// is asked over TCP only")
    func overTCP() async throws {
        let server = try await FakeNameServer { [FakeNameServer.reply($0, [$0.isIPv6 ? Self.v6 : Self.v4])] }
        #expect(await look(server.endpoint, .tcp).0.resolution == Self.both)
        #expect(server.asked == (0, 2))
        try await server.close()
    }

    @Test("A server over TCP that closes without a word is a failed round, and the lookup ends early")
    func closedTCP() async throws {
        let server = try await FakeNameServer { _ in [] }
        let (result, time) = await look(server.endpoint, .tcp)
        #expect(result.resolution == .failed("no name server can be reached"))
        #expect(time < .seconds(3))
        #expect(server.asked.tcp == 6)
        try await server.close()
    }

    @Test("Forged answers before the right one change nothing")
    func forged() async throws {
        let server = try await FakeNameServer { question in
            var forged = question
            forged.id = [question.id[0] ^ 1, question.id[1]]
            var otherName = question
            otherName.question[1] ^= 1
            let lie = [UInt8](repeating: 66, count: question.isIPv6 ? 16 : 4)
            return [
                FakeNameServer.reply(forged, [lie]), FakeNameServer.reply(otherName, [lie]), [], [0],
                [UInt8](repeating: 0xc0, count: 1400),
                FakeNameServer.reply(question, [question.isIPv6 ? Self.v6 : Self.v4]),
            ]
        }
        #expect(await look(server.endpoint).0.resolution == Self.both)
        try await server.close()
    }

    @Test("A first server that is not there costs nothing, one that is silent costs a second")
    func deadFirst() async throws {
        let server = try await FakeNameServer { [FakeNameServer.reply($0, [$0.isIPv6 ? Self.v6 : Self.v4])] }
        let gone = try await FakeNameServer { _ in [] }
        try await gone.close()
        let silent = try await FakeNameServer { _ in [] }
        let (first, quick) = await look([gone.endpoint, server.endpoint])
        #expect(first.resolution == Self.both && quick < .milliseconds(900))
        let (second, slow) = await look([silent.endpoint, server.endpoint])
        #expect(second.resolution == Self.both && slow >= .milliseconds(990) && slow < .seconds(4))
        try await server.close()
        try await silent.close()
    }

    @Test("Nobody there at all is told at once")
    func nobody() async throws {
        let gone = try await FakeNameServer { _ in [] }
        try await gone.close()
        let (result, time) = await look(gone.endpoint)
        #expect(result.resolution == .failed("no name server can be reached") && time < .seconds(1))
    }

    @Test("Silence ends after five seconds and three rounds")
    func silence() async throws {
        let silent = try await FakeNameServer { _ in [] }
        let (result, time) = await look(silent.endpoint)
        #expect(result.resolution == .timedOut)
        #expect(time >= .milliseconds(4900) && time < .seconds(8))
        #expect(silent.asked == (6, 0))
        try await silent.close()
    }

    @Test("A lost first question is asked again")
    func retry() async throws {
        let attempts = Listener.Counter()
        let server = try await FakeNameServer { question in
            attempts.value.wrappingAdd(1, ordering: .relaxed).oldValue < 2
                ? [] : [FakeNameServer.reply(question, [question.isIPv6 ? Self.v6 : Self.v4])]
        }
        let (result, time) = await look(server.endpoint)
        #expect(result.resolution == Self.both && time < .seconds(3))
        try await server.close()
    }

    @Test("Behind the cache a second question asks nobody")
    func cached() async throws {
        let server = try await FakeNameServer { [FakeNameServer.reply($0, [$0.isIPv6 ? Self.v6 : Self.v4])] }
        let group = TestEngine.group
        let resolver = CachingResolver(StubResolver([Nameserver(server.endpoint)], group: group))
        let name = try #require(HostName("www.example.com"))
        for _ in 0..<3 { #expect(try await resolver.resolve(name, on: group.any()).get().count == 2) }
        #expect(server.asked.udp == 2)
        try await server.close()
    }

    private func look(_ server: Endpoint, _ transport: Nameserver.Transport = .udp) async -> (TimedResolution, Duration)
    {
        await look([server], transport)
    }

    private func look(
        _ servers: [Endpoint], _ transport: Nameserver.Transport = .udp
    ) async -> (TimedResolution, Duration) {
        let resolver = StubResolver(
            servers.map { Nameserver($0, transport) }, group: TestEngine.group)
        let start = ContinuousClock.now
        let result = await withCheckedContinuation { continuation in
            resolver.start(DomainName("www.example.com")!) { continuation.resume(returning: $0) }
        }
        return (result, ContinuousClock.now - start)
    }
}
