import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import SSCommon
import Testing

@testable import SSNetwork

@Suite("UDP on the server", .serialized)
struct ServerDatagramsTests {
    private struct Policy: DatagramPolicy {
        var denied: Set<UInt16> = []
        func allows(_ destination: Endpoint, from sender: DatagramSender) -> Bool { !denied.contains(destination.port) }
        func resolve(
            _ name: HostName, port: UInt16, from sender: DatagramSender, on eventLoop: any EventLoop
        ) -> EventLoopFuture<[IPAddress]> {
            eventLoop.makeSucceededFuture(denied.contains(port) ? [] : [.v4(IPv4Address(127, 0, 0, 1))])
        }
    }

    private struct Rig {
        let ledger = TrafficLedger()
        let losses = Losses()
        let port: DatagramPort
        let client: DatagramPeer
        let echo: DatagramPeer

        init(limit: Int = 16, lifetime: TimeAmount = .seconds(60), denied: Set<UInt16> = []) async throws {
            let counters = ledger.makeCounters()
            port = try await DatagramPort.open(
                Endpoint(.v4(IPv4Address(127, 0, 0, 1)), 0), on: TestEngine.group.any(), batch: 4,
                onLoss: { [losses] _ in losses.note() },
                handler: {
                    ServerDatagramHandler(
                        KeyRing(AcceptedKeys(streamCredential)), policy: Policy(denied: denied), counters: counters,
                        replay: ReplayGuard(capacity: 1000), limit: limit, lifetime: lifetime)
                }
            ).get()
            client = try await DatagramPeer()
            echo = try await DatagramPeer(echoes: true)
        }

        var target: TargetAddress { TargetAddress(.ip(echo.endpoint.address), port: echo.endpoint.port) }

        func end() async throws {
            try await port.close().get()
            try await client.close()
            try await echo.close()
        }
    }

    private final class Losses: Sendable {
        private let value = NIOLockedValueBox(0)
        var count: Int { value.withLockedValue { $0 } }
        func note() { value.withLockedValue { $0 += 1 } }
    }

    @Test("A datagram reaches its target and the answer names it", arguments: [0, 1, 1400, 60_000])
    func echo(count: Int) async throws {
        let rig = try await Rig()
        let payload = Sodium.random(count)
        try await rig.client.send(SealedDatagram.seal(payload, to: rig.target), to: rig.port.endpoint)
        #expect(try await rig.client.has(1))
        let opened = try SealedDatagram.open(try #require(rig.client.all.first).bytes)
        #expect(opened.source == rig.target)
        #expect(opened.payload == payload)
        try await rig.end()
    }

    @Test("A name is resolved, and its datagram goes where the policy lets it")
    func name() async throws {
        let rig = try await Rig()
        let named = try #require(TargetAddress(host: "echo.example", port: rig.target.port))
        try await rig.client.send(SealedDatagram.seal([1], to: named), to: rig.port.endpoint)
        #expect(try await rig.client.has(1))
        try await rig.end()
    }

    @Test("What does not authenticate, or comes twice, leaves no trace")
    func silence() async throws {
        let rig = try await Rig()
        let genuine = SealedDatagram.seal([1], to: rig.target)
        for count in [0, 1, 31, 32, 48, 49, 221] {
            try await rig.client.send(Sodium.random(count), to: rig.port.endpoint)
        }
        for index in stride(from: 0, to: genuine.count, by: 5) {
            var altered = genuine
            altered[index] ^= 1
            try await rig.client.send(altered, to: rig.port.endpoint)
        }
        #expect(rig.ledger.snapshot().associationsOpened == 0)
        try await rig.client.send(genuine, to: rig.port.endpoint)
        try await rig.client.send(genuine, to: rig.port.endpoint)
        try await rig.client.send(SealedDatagram.seal([2], to: rig.target), to: rig.port.endpoint)
        #expect(try await rig.client.has(2))
        try await Task.sleep(for: .milliseconds(100))
        #expect(rig.client.all.count == 2)
        #expect(rig.echo.all.map(\.bytes) == [[1], [2]])
        #expect(rig.ledger.snapshot().associationsOpened == 1)
        try await rig.end()
    }

    @Test("A target the policy denies hears nothing, by address and by name")
    func denied() async throws {
        let quiet = try await DatagramPeer()
        let rig = try await Rig(denied: [quiet.endpoint.port])
        for target in [
            TargetAddress(.ip(quiet.endpoint.address), port: quiet.endpoint.port),
            try #require(TargetAddress(host: "quiet.example", port: quiet.endpoint.port)),
        ] {
            try await rig.client.send(SealedDatagram.seal([1], to: target), to: rig.port.endpoint)
        }
        try await rig.client.send(SealedDatagram.seal([2], to: rig.target), to: rig.port.endpoint)
        #expect(try await rig.client.has(1))
        #expect(quiet.all.isEmpty)
        try await quiet.close()
        try await rig.end()
    }

    @Test("Anybody can answer a client that has spoken once, and is named (full cone)")
    func cone() async throws {
        let rig = try await Rig()
        try await rig.client.send(SealedDatagram.seal([1], to: rig.target), to: rig.port.endpoint)
        #expect(try await rig.client.has(1))
        let outside = try #require(rig.echo.all.first).source
        let stranger = try await DatagramPeer()
        try await stranger.send([7, 7], to: outside)
        #expect(try await rig.client.has(2))
        let opened = try SealedDatagram.open(try #require(rig.client.all.last).bytes)
        #expect(opened.payload == [7, 7])
        #expect(opened.source == TargetAddress(.ip(stranger.endpoint.address), port: stranger.endpoint.port))
        // The same client has the same port outside, whomever it speaks to.
        let other = try await DatagramPeer()
        let target = TargetAddress(.ip(other.endpoint.address), port: other.endpoint.port)
        try await rig.client.send(SealedDatagram.seal([2], to: target), to: rig.port.endpoint)
        #expect(try await other.has(1))
        #expect(other.all.first?.source == outside)
        try await stranger.close()
        try await other.close()
        try await rig.end()
    }

    @Test("Associations are bounded: the one quiet for longest ends")
    func limit() async throws {
        let rig = try await Rig(limit: 2)
        var clients: [DatagramPeer] = []
        for number in 0..<4 {
            let client = try await DatagramPeer()
            clients.append(client)
            try await client.send(SealedDatagram.seal([UInt8(number)], to: rig.target), to: rig.port.endpoint)
            #expect(try await client.has(1))
        }
        let snapshot = rig.ledger.snapshot()
        #expect(snapshot.associationsOpened == 4)
        #expect(snapshot.associationsClosed == 2)
        for client in clients { try await client.close() }
        try await rig.end()
    }

    @Test("A quiet association ends, and the next datagram makes another")
    func expiry() async throws {
        let rig = try await Rig(lifetime: .seconds(1))
        try await rig.client.send(SealedDatagram.seal([1], to: rig.target), to: rig.port.endpoint)
        #expect(try await rig.client.has(1))
        for _ in 0..<200 where rig.ledger.snapshot().associationsClosed == 0 {
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(rig.ledger.snapshot().associationsClosed == 1)
        try await rig.client.send(SealedDatagram.seal([2], to: rig.target), to: rig.port.endpoint)
        #expect(try await rig.client.has(2))
        try await rig.end()
    }

    @Test("A port that NIO has closed is opened again, and only `close` ends it")
    func reopening() async throws {
        let rig = try await Rig()
        let before = rig.port.endpoint
        try await rig.port.channel?.close()
        var number: UInt8 = 0
        while rig.client.all.isEmpty, number < 100 {
            number += 1
            try await rig.client.send(SealedDatagram.seal([number], to: rig.target), to: before)
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(!rig.client.all.isEmpty)
        #expect(rig.losses.count == 1)
        try await rig.end()
        try await Task.sleep(for: .milliseconds(300))
        #expect(rig.port.channel == nil)
        #expect(rig.losses.count == 1)
    }
}
