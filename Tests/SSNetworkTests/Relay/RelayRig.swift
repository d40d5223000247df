// A relay without encryption between two sockets of the test.
import NIOCore
import NIOPosix
import SSCommon
import Synchronization

@testable import SSNetwork

/// client (a socket) - near - far - target (a socket); `link` joins the two in the middle.
final class RelayRig {
    let client: Peer
    let target: Peer
    let ledger = TrafficLedger()
    let loop: LoopContext
    private let near: NIOLoopBound<RelayHandler>
    private let nearChannel: any Channel
    private let far: NIOLoopBound<RelayHandler>
    private let farChannel: any Channel
    private let listener: StreamListener

    /// `configure` sees the near channel before anything is read from it.
    init(
        receiveBuffer: CInt? = nil, configure: @escaping @Sendable (any Channel) throws -> Void = { _ in }
    ) async throws {
        let eventLoop = TestEngine.group.any()
        let loops = LoopContexts(eventLoop, ledger: ledger)
        loop = loops[eventLoop]
        let accepted = eventLoop.makePromise(of: (any Channel, NIOLoopBound<RelayHandler>).self)
        listener = try await StreamListener.bind(
            ListenAddress(Endpoint(.v4(IPv4Address(127, 0, 0, 1)), 0)), group: eventLoop, loops: loops
        ) { channel, loop, allocator in
            let near = RelayHandler(allocator: allocator, isFirst: true)
            try configure(channel)
            try channel.pipeline.syncOperations.addHandler(near)
            accepted.succeed((channel, NIOLoopBound(near, eventLoop: loop.eventLoop)))
        }.get()
        client = Peer.connected(to: listener.address?.port ?? 0, receiveBuffer: receiveBuffer)
        (nearChannel, near) = try await accepted.futureResult.get()
        let (waiting, port) = Peer.listening()
        let made = eventLoop.makePromise(of: NIOLoopBound<RelayHandler>.self)
        farChannel = try await RacingDialer(resolver: NoNames()).dial(
            TargetAddress(.ip(.v4(IPv4Address(127, 0, 0, 1))), port: port), on: eventLoop
        ) { [loop] channel in
            let allocator = ReadAllocator(loop.buffers)
            try StreamSocketOptions.apply(allocator, to: channel)
            let far = RelayHandler(allocator: allocator, isFirst: true)
            try channel.pipeline.syncOperations.addHandler(far)
            made.succeed(NIOLoopBound(far, eventLoop: loop.eventLoop))
        }.get()
        far = try await made.futureResult.get()
        target = waiting.accepted()
    }

    func link(_ timeouts: RelayTimeouts = RelayTimeouts(), account: UserAccount? = nil) async throws {
        try await loop.eventLoop.submit { [near, far, loop] in
            loop.counters.streamOpened()
            Relay(near.value, far.value, on: loop, timeouts: timeouts, account: account) {
                loop.counters.streamClosed()
            }
        }.get()
    }

    func decline() async throws {
        try await loop.eventLoop.submit { [near] in near.value.decline() }.get()
    }

    /// As the stream handler does it for bytes that are not authentic.
    func breakNear() async throws { try await breakOff(nearChannel) }

    func breakFar() async throws { try await breakOff(farChannel) }

    private func breakOff(_ channel: any Channel) async throws {
        try await loop.eventLoop.submit { channel.pipeline.fireUserInboundEventTriggered(StreamBroken()) }.get()
    }

    /// As a loop does it that ends.
    func closeNear() async throws { try await nearChannel.close() }

    /// Whether both channels are closed and the relay has let go, within ten seconds.
    func isOver() async throws -> Bool {
        for _ in 0..<200 {
            let isListed = try await loop.eventLoop.submit { [loop] in loop.deadlines.count > 0 }.get()
            if !isListed, !nearChannel.isActive, !farChannel.isActive, ledger.snapshot().streamsOpen == 0 {
                return true
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        return false
    }

    func end() async throws {
        client.close()
        target.close()
        try await listener.close().get()
    }
}

private struct NoNames: NameResolver {
    func resolve(_ name: HostName, on eventLoop: any EventLoop) -> EventLoopFuture<[IPAddress]> {
        eventLoop.makeFailedFuture(DialError.nameNotFound)
    }
}
