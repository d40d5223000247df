import NIOCore
import NIOEmbedded
import SSCommon
import SSNetwork
import Testing

@testable import ssserver

@Suite("Connections that have not authenticated")
struct UnauthenticatedListTests {
    private struct Rig {
        let lists: UnauthenticatedLists
        let list: UnauthenticatedList
        let service: InboundService
        let loop: LoopContext
        let eventLoop = EmbeddedEventLoop()

        init(limit: Int) throws {
            lists = UnauthenticatedLists(eventLoop, limit: limit)
            list = lists[eventLoop]
            loop = LoopContext(eventLoop, counters: TrafficLedger().makeCounters())
            service = InboundService(
                ring: KeyRing(AcceptedKeys(Credential(method: .aes128GCM, password: "a password for tests"))),
                limits: lists.limits,
                replay: ReplayGuard(capacity: 10), dialer: Nowhere(), log: try LogSink(.file("/dev/null")),
                timeouts: RelayTimeouts())
        }

        func accept() throws -> EmbeddedChannel {
            let channel = EmbeddedChannel(loop: eventLoop)
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
            try service.accept(channel, loop, ReadAllocator(loop.buffers), waiting: list)
            return channel
        }
    }

    private struct Nowhere: StreamDialer {
        func dial(
            _ target: TargetAddress, on eventLoop: any EventLoop,
            configure: @escaping @Sendable (any Channel) throws -> Void
        ) -> EventLoopFuture<any Channel> { eventLoop.makeFailedFuture(DialError.refused) }
    }

    @Test("Beyond the limit the oldest makes room, silent or absorbed")
    func eviction() throws {
        let rig = try Rig(limit: 3)
        let channels = try (0..<5).map { number in
            let channel = try rig.accept()
            if number % 2 == 0 { try channel.writeInbound(ByteBuffer(bytes: Sodium.random(300))) }
            return channel
        }
        #expect(channels.map(\.isActive) == [false, false, true, true, true])
        channels[2].close(promise: nil)
        let sixth = try rig.accept()
        #expect(channels[3].isActive, "who closed has made room")
        let seventh = try rig.accept()
        #expect(!channels[3].isActive)
        #expect(sixth.isActive && seventh.isActive && channels[4].isActive)
        rig.service.log.close()
    }

    @Test("Ten thousand that come and go leave nothing behind")
    func churn() throws {
        let rig = try Rig(limit: 4)
        for _ in 0..<10_000 {
            let channel = try rig.accept()
            channel.close(promise: nil)
        }
        let last = try (0..<4).map { _ in try rig.accept() }
        #expect(last.map(\.isActive) == [true, true, true, true])
        rig.service.log.close()
    }
}
