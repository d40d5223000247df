import NIOCore
import SSCommon
import SSNetwork
import Testing

@testable import sslocal

@Suite("Checks of servers")
struct ServerCheckTests {
    private let target = RecentTargets.Target(TargetAddress(host: "www.example.com", port: 80)!, .http)

    private func check(_ rig: ServerRig, _ number: Int, _ target: RecentTargets.Target?) async throws {
        let server = rig.servers.withContents { $0.servers[number] }
        try await rig.eventLoop.submit {
            ServerCheck(servers: rig.servers, dialer: rig.dialer).run(server, target, on: rig.eventLoop)
        }.get()
    }

    @Test("An authentic answer makes a server healthy, and the stream ends there")
    func answered() async throws {
        let server = try await Origin.start()
        let rig = ServerRig([1, server.port])
        try await check(rig, 1, target)
        let wire = try await server.accept()
        #expect(await wire.wait { $0.bytes.count > 60 })
        // What it asks is sealed like everything else, and for its target.
        var opener = RequestOpener(AcceptedKeys(ServerRig.credential))
        var plain = ByteBuffer()
        let bytes = wire.now.bytes
        var received = RequestOpener.Received()
        try plain.writeWithOutputRawSpan(minimumWritableBytes: bytes.count) { (span) throws(StreamFault) in
            received = try opener.receive(bytes.span.bytes, into: &span, now: 0, isKnown: { _ in false }) { _ in }
        }
        #expect(received.request?.target == target.address)
        #expect(String(buffer: plain).hasPrefix("HEAD / HTTP/1.1\r\nHost: www.example.com\r\n"))
        #expect(rig.states() == [.unknown, .unknown])
        try await wire.send(ServerRig.answer("HTTP/1.1 200 OK\r\n"))
        #expect(try await rig.states(become: [.unknown, .healthy]))
        #expect(await wire.wait { $0.ended })
        let entry = rig.servers.withContents { $0.table.entries[1] }
        #expect(entry.answer != nil && entry.handshake != nil)
        #expect(rig.servers.withContents { $0.servers[1].openStreams } == 0)
        server.stop()
    }

    @Test("A server that takes the connection and ends it without an answer is suspect, then down")
    func unanswered() async throws {
        let server = try await Origin.start()
        let rig = ServerRig([1, server.port])
        for (number, state) in [ServerHealth.State.suspect, .down].enumerated() {
            try await check(rig, 1, target)
            let wire = try await server.accept(number)
            #expect(await wire.wait { $0.bytes.count > 60 })
            try await wire.finish()
            #expect(try await rig.states(become: [.unknown, state]))
        }
        server.stop()
    }

    @Test("An answer under another key condemns")
    func foreign() async throws {
        let server = try await Origin.start()
        let rig = ServerRig([1, server.port])
        try await check(rig, 1, target)
        try await (try await server.accept()).send([UInt8](repeating: 1, count: 80))
        #expect(try await rig.states(become: [.unknown, .down]))
        server.stop()
    }

    @Test("Without a target there is a connection and nothing more")
    func connection() async throws {
        let server = try await Origin.start()
        let rig = ServerRig([1, server.port])
        try await check(rig, 1, nil)
        let wire = try await server.accept()
        #expect(await wire.wait { $0.ended })
        #expect(wire.now.bytes.isEmpty)
        for _ in 0..<500 where rig.servers.withContents({ $0.table.entries[1].handshake }) == nil {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(rig.servers.withContents { $0.table.entries[1].handshake } != nil)
        #expect(rig.states() == [.unknown, .unknown])
        server.stop()
    }

    @Test("A server that takes no connection is suspect, then down")
    func refused() async throws {
        let rig = ServerRig([1, 2])
        rig.connector.plan(.fail(.refused), for: 2)
        try await check(rig, 1, target)
        #expect(try await rig.states(become: [.unknown, .suspect]))
        try await check(rig, 1, nil)
        #expect(try await rig.states(become: [.unknown, .down]))
    }
}
