import NIOCore
import SSCommon
import SSNetwork
import Testing

@testable import sslocal

@Suite("Several servers")
struct FailoverTests {
    @Test("A server that refuses is passed over at once, and the application notices nothing")
    func refused() async throws {
        let (first, second) = (try await Origin.start(), try await Origin.start())
        let rig = ServerRig([first.port, second.port])
        rig.connector.plan(.fail(.refused), for: first.port)
        let start = ContinuousClock.now
        let stream = try await rig.stream()
        #expect(ContinuousClock.now - start < .milliseconds(900), "no waiting for a second's patience")
        try await stream.send("hello")
        let server = try await second.accept()
        #expect(await server.wait { $0.bytes.count > 37 })
        #expect(rig.states()[0] == .suspect)
        // The next stream asks the second one alone.
        _ = try await rig.stream()
        #expect(rig.connector.ports.map(Int.init) == [first.port, second.port, second.port])
        first.stop()
        second.stop()
    }

    @Test("A server that lets wait is overtaken after a second, and not asked first again")
    func silent() async throws {
        let (first, second) = (try await Origin.start(), try await Origin.start())
        let rig = ServerRig([first.port, second.port])
        rig.connector.plan(.silence, for: first.port)
        let start = ContinuousClock.now
        _ = try await rig.stream()
        #expect(ContinuousClock.now - start < .seconds(3))
        #expect(rig.states()[0] == .suspect)
        #expect(rig.current() == second.port)
        _ = try await rig.stream()
        #expect(rig.connector.ports.map(Int.init) == [first.port, second.port, second.port])
        first.stop()
        second.stop()
    }

    @Test("A connection that comes too late is closed without a byte")
    func late() async throws {
        let (first, second) = (try await Origin.start(), try await Origin.start())
        let rig = ServerRig([first.port, second.port])
        rig.connector.plan(.late(.milliseconds(1300)), for: first.port)
        let stream = try await rig.stream()
        try await stream.send("hello")
        let loser = try await first.accept()
        #expect(await loser.wait { $0.ended })
        #expect(loser.now.bytes.isEmpty)
        let winner = try await second.accept()
        #expect(await winner.wait { $0.bytes.count > 37 })
        first.stop()
        second.stop()
    }

    @Test("When no server takes a connection the request fails, once, with the error that says most")
    func allFail() async throws {
        let rig = ServerRig([1, 2, 3])
        rig.connector.plan(.fail(.nameNotFound), for: 1)
        rig.connector.plan(.fail(.refused), for: 2)
        rig.connector.plan(.fail(.unreachable), for: 3)
        await #expect(throws: DialError.refused) { try await rig.stream() }
        #expect(rig.ledger.snapshot().failures == 1)
        #expect(rig.connector.ports == [1, 2, 3])
        #expect(rig.states() == [.suspect, .suspect, .suspect])
        // All are down before long, and still all are tried.
        for _ in 0..<4 { await #expect(throws: DialError.self) { try await rig.stream() } }
        #expect(rig.states() == [.down, .down, .down])
        #expect(Set(rig.connector.ports.suffix(3)) == [1, 2, 3])
    }

    @Test("A fault of our own says nothing about servers")
    func exhausted() async throws {
        let rig = ServerRig([1, 2])
        for port in 1...2 { rig.connector.plan(.fail(.exhausted), for: port) }
        for _ in 0..<5 { await #expect(throws: DialError.exhausted) { try await rig.stream() } }
        #expect(rig.states() == [.unknown, .unknown])
    }

    @Test("An answer makes a server healthy, shows its time, and its target is good for checks")
    func answered() async throws {
        let (first, second) = (try await Origin.start(), try await Origin.start())
        let rig = ServerRig([first.port, second.port])
        let stream = try await rig.stream()
        try await stream.send("GET / HTTP/1.1\r\n\r\n")
        let server = try await first.accept()
        #expect(await server.wait { $0.bytes.count > 37 })
        try await server.send(ServerRig.answer("HTTP/1.1 200 OK\r\n\r\n"))
        await stream.take(through: "200 OK\r\n\r\n")
        #expect(rig.states() == [.healthy, .unknown])
        let entry = rig.servers.withContents { $0.table.entries[0] }
        #expect(entry.answer != nil && entry.handshake != nil && entry.lastAnswer != nil)
        #expect(rig.servers.withContents { $0.targets.count } == 1)
        #expect(rig.servers.withContents { $0.servers.map(\.openStreams) } == [1, 0])
        stream.close()
        for _ in 0..<500 where rig.servers.withContents({ $0.servers[0].openStreams }) > 0 {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(rig.servers.withContents { $0.servers[0].openStreams } == 0)
        first.stop()
        second.stop()
    }

    @Test("Who answers with another key is left at once, and running streams stay where they are")
    func wrongKey() async throws {
        let (first, second) = (try await Origin.start(), try await Origin.start())
        let rig = ServerRig([first.port, second.port])
        let running = try await rig.stream()
        try await running.send("GET / HTTP/1.1\r\n\r\n")
        let server = try await first.accept()
        try await server.send(ServerRig.answer("one"))
        await running.take(through: "one")
        let stream = try await rig.stream()
        try await stream.send("x")
        try await (try await first.accept(1)).send([UInt8](repeating: 7, count: 100))
        #expect(await stream.wait { $0.closed })
        #expect(rig.states()[0] == .down)
        _ = try await rig.stream()
        _ = try await second.accept()
        #expect(!running.now.ended)
        first.stop()
        second.stop()
    }

    @Test("One server is used as it always was: no race, no looking at its streams, no checks")
    func single() async throws {
        let server = try await Origin.start()
        let rig = ServerRig([server.port])
        #expect(!rig.servers.streamRoute().isWatched)
        #expect(!rig.servers.isWatching)
        let stream = try await rig.stream()
        try await stream.send("GET / HTTP/1.1\r\n\r\n")
        try await (try await server.accept()).send(ServerRig.answer("hello"))
        await stream.take(through: "hello")
        rig.servers.look()
        #expect(rig.states() == [.healthy])
        #expect(rig.servers.withContents { $0.servers[0].lastAnswer } != nil)
        #expect(rig.servers.withContents { $0.targets.count } == 0)
        #expect(rig.servers.checksDue().isEmpty)
        #expect(rig.servers.withContents { $0.servers[0].openStreams } == 1)
        rig.connector.plan(.fail(.timedOut), for: server.port)
        for _ in 0..<2 { await #expect(throws: DialError.timedOut) { try await rig.stream() } }
        #expect(rig.states() == [.down])
        // It is back: the next answer is heard of.
        rig.connector.plan(.connect, for: server.port)
        let next = try await rig.stream()
        try await next.send("x")
        try await (try await server.accept(1)).send(ServerRig.answer("again"))
        await next.take(through: "again")
        #expect(rig.states() == [.healthy])
        server.stop()
    }

    @Test("Another list is used from the next stream on; who is in both keeps what is known about it")
    func replaced() async throws {
        let origins = [try await Origin.start(), try await Origin.start(), try await Origin.start()]
        let rig = ServerRig([origins[0].port, origins[1].port])
        let running = try await rig.stream()
        rig.servers.note(.answered(after: nil), about: 0)
        let kept = rig.servers.withContents { $0.servers[0] }
        rig.servers.replace(with: [ServerRig.entry(origins[2].port), ServerRig.entry(origins[0].port)])
        #expect(rig.servers.withContents { $0.servers[1] } === kept)
        #expect(rig.states() == [.unknown, .healthy])
        #expect(rig.current() == origins[0].port)
        rig.servers.replace(with: [ServerRig.entry(origins[2].port)])
        _ = try await rig.stream()
        _ = try await origins[2].accept()
        try await running.send("still here")
        #expect(await (try origins[0].accept()).wait { $0.bytes.count > 37 })
        #expect(!running.now.ended)
        #expect(kept.openStreams == 1)
        origins.forEach { $0.stop() }
    }
}
