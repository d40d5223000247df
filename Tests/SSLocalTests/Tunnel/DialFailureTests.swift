import Logging
import NIOCore
import NIOPosix
import SSCommon
import SSNetwork
import Testing

@testable import sslocal

/// Never reaches anything.
private struct Unreachable: StreamDialer {
    let error: DialError

    func dial(
        _ target: TargetAddress, on eventLoop: any EventLoop,
        configure: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        eventLoop.makeFailedFuture(error)
    }
}

/// A server that cannot be reached, and the way to it.
private struct Scene {
    let eventLoop = MultiThreadedEventLoopGroup.singleton.any()
    let ledger = TrafficLedger()
    let loops: LoopContexts
    let dialer: ServerDialer
    let target = TargetAddress(host: "192.0.2.1", port: 80)!

    init(_ error: DialError) {
        loops = LoopContexts(eventLoop, ledger: ledger)
        let servers = ServerSet(
            [ServerRig.entry(TargetAddress(host: "192.0.2.2", port: 8388)!)], resolver: NoNames(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        dialer = ServerDialer(
            servers: servers, replay: ReplayGuard(capacity: 10), connector: Unreachable(error: error), loops: loops)
    }
}

@Suite("When the server cannot be reached")
struct DialFailureTests {
    @Test(
        "the outcome is counted, once",
        arguments: [
            (.refused, .connect), (.timedOut, .timeout), (.nameNotFound, .resolve), (.exhausted, .limit),
        ] as [(DialError, ConnectionStatus)])
    func counted(error: DialError, status: ConnectionStatus) async throws {
        let scene = Scene(error)
        await #expect(throws: error) {
            try await scene.dialer.dial(scene.target, on: scene.eventLoop) { _ in }.get()
        }
        let total = scene.ledger.snapshot()
        #expect(total.count(of: status) == 1)
        #expect(total.failures == 1)
    }

    @Test("a fixed tunnel's client, which has sent already, sees an end in good order")
    func tunnel() async throws {
        let scene = Scene(.refused)
        let relay = RelayStart(loops: scene.loops, timeouts: RelayTimeouts())
        let tunnel = FixedTunnel(target: scene.target, dialer: scene.dialer, relay: relay)
        let listener = try await StreamListener.bind(
            ListenAddress(Endpoint(.v4(IPv4Address(127, 0, 0, 1)), 0)), group: scene.eventLoop, loops: scene.loops
        ) { channel, loop, allocator in
            try tunnel.accept(channel, loop, allocator)
        }.get()
        let client = try await Wire.connect(Int(listener.address?.port ?? 0))
        try await client.send([UInt8](repeating: 1, count: 100_000))
        #expect(await client.wait { $0.ended })
        try? await client.send([2])
        try await Task.sleep(for: .milliseconds(50))
        #expect(!client.now.wasReset)
        #expect(client.now.bytes.isEmpty)
        client.close()
        try await listener.close().get()
        #expect(scene.ledger.snapshot().failures == 1)
    }
}
