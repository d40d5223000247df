import NIOCore
import SSCommon
import Testing

@testable import SSNetwork

@Suite("SIP022's UDP sessions on the server", .serialized)
struct ServerSessionsTests {
    private static let credential = Credential(
        method: .blake3AES256GCM, key: SecretKey([UInt8](repeating: 7, count: 32)))

    private struct Policy: DatagramPolicy {
        func allows(_ destination: Endpoint, from sender: DatagramSender) -> Bool { true }
        func resolve(
            _ name: HostName, port: UInt16, from sender: DatagramSender, on eventLoop: any EventLoop
        ) -> EventLoopFuture<[IPAddress]> {
            eventLoop.makeFailedFuture(DialError.nameNotFound)
        }
    }

    private struct Rig {
        let ledger = TrafficLedger()
        let port: DatagramPort
        let echo: DatagramPeer

        init(limit: Int = 16) async throws {
            let counters = ledger.makeCounters()
            port = try await DatagramPort.open(
                Endpoint(.v4(IPv4Address(127, 0, 0, 1)), 0), on: TestEngine.group.any(), batch: 4, onLoss: { _ in },
                handler: {
                    ServerDatagramHandler(
                        KeyRing(AcceptedKeys(credential)), policy: Policy(), counters: counters, replay: ReplayGuard(),
                        limit: limit, lifetime: .seconds(1))
                }
            ).get()
            echo = try await DatagramPeer(echoes: true)
        }

        var target: TargetAddress { TargetAddress(.ip(echo.endpoint.address), port: echo.endpoint.port) }

        func end() async throws {
            try await port.close().get()
            try await echo.close()
        }
    }

    /// A client's session, whatever address it sends from.
    private struct Session: ~Copyable {
        var session: ClientDatagramSession
        var random = SaltSource()

        init(_ id: UInt64) { session = ClientDatagramSession(credential, session: id) }

        mutating func seal(_ payload: [UInt8], to target: TargetAddress) -> [UInt8] {
            var buffer = ByteBuffer()
            buffer.writeWithOutputRawSpan(minimumWritableBytes: payload.count + session.overhead(for: target)) { span in
                session.seal(
                    payload.span.bytes, address: target, now: WallClock.now(), random: &random, into: &span)
            }
            return Array(buffer.readableBytesView)
        }

        mutating func open(_ wire: [UInt8]) throws(StreamFault) -> [UInt8] {
            var buffer = ByteBuffer()
            var offset = 0
            try buffer.writeWithOutputRawSpan(minimumWritableBytes: wire.count) { (span) throws(StreamFault) in
                offset = try session.open(wire.span.bytes, into: &span, now: WallClock.now(), clock: 0).payloadOffset
            }
            return Array(buffer.readableBytesView.dropFirst(offset))
        }
    }

    @Test("A session keeps its sockets when its client moves, and a replay does not move it")
    func roaming() async throws {
        let rig = try await Rig()
        let (home, away, thief) = (try await DatagramPeer(), try await DatagramPeer(), try await DatagramPeer())
        var session = Session(1)
        let first = session.seal([1], to: rig.target)
        try await home.send(first, to: rig.port.endpoint)
        #expect(try await home.has(1))
        #expect(try session.open(home.all[0].bytes) == [1])
        try await away.send(session.seal([2], to: rig.target), to: rig.port.endpoint)
        #expect(try await away.has(1))
        #expect(try session.open(away.all[0].bytes) == [2])
        // One socket towards the target all along.
        #expect(Set(rig.echo.all.map(\.source)).count == 1)
        #expect(rig.ledger.snapshot().associationsOpened == 1)
        // Recorded and sent again from elsewhere, whole and altered.
        for wire in [first, Array(session.seal([3], to: rig.target).dropLast())] {
            try await thief.send(wire, to: rig.port.endpoint)
        }
        try await Task.sleep(for: .milliseconds(100))
        try await rig.echo.send([9], to: rig.echo.all[0].source)
        #expect(try await away.has(2))
        #expect(try session.open(away.all[1].bytes) == [9])
        #expect(thief.all.isEmpty)
        for peer in [home, away, thief] { try await peer.close() }
        try await rig.end()
    }

    @Test("Two sessions of one address are told apart")
    func sessions() async throws {
        let rig = try await Rig()
        let client = try await DatagramPeer()
        var one = Session(1)
        var two = Session(2)
        try await client.send(one.seal([1], to: rig.target), to: rig.port.endpoint)
        #expect(try await client.has(1))
        try await client.send(two.seal([2], to: rig.target), to: rig.port.endpoint)
        #expect(try await client.has(2))
        #expect(try one.open(client.all[0].bytes) == [1])
        #expect(try two.open(client.all[1].bytes) == [2])
        #expect(Set(rig.echo.all.map(\.source)).count == 2)
        try await client.close()
        try await rig.end()
    }

    @Test("A session is known for a minute, however short others' patience, and is not pushed out before")
    func memory() async throws {
        let rig = try await Rig(limit: 2)
        let client = try await DatagramPeer()
        for id: UInt64 in 1...3 {
            var session = Session(id)
            try await client.send(session.seal([UInt8(id)], to: rig.target), to: rig.port.endpoint)
        }
        #expect(try await client.has(2))
        // Twice as long as the lifetime that was asked for.
        try await Task.sleep(for: .seconds(2))
        #expect(client.all.count == 2)
        #expect(rig.ledger.snapshot().associationsOpen == 2)
        #expect(rig.echo.all.map(\.bytes) == [[1], [2]])
        try await client.close()
        try await rig.end()
    }
}
