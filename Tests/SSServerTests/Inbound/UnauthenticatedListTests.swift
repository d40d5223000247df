import Dispatch
import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded
import SSNetwork
import Testing

@testable import SSCommon
@testable import ssserver

@Suite("Connections that have not authenticated")
struct UnauthenticatedListTests {
    private struct Rig {
        let lists: UnauthenticatedLists
        let list: UnauthenticatedList
        let service: InboundService
        let loop: LoopContext
        let eventLoop = EmbeddedEventLoop()

        init(limit: Int, perSource: Int = 64, dialer: any JudgedDialer = Nowhere()) throws {
            var limits = ConnectionLimits()
            limits.waitingPerSource = perSource
            lists = UnauthenticatedLists(eventLoop, limit: limit, limits: SourceLimits(limits))
            list = lists[eventLoop]
            loop = LoopContext(eventLoop, counters: TrafficLedger().makeCounters())
            let log = try LogSink(.file("/dev/null"))
            service = InboundService(
                ring: KeyRing(AcceptedKeys(Credential(method: .aes128GCM, password: "a password for tests"))),
                limits: lists.limits,
                replay: ReplayGuard(capacity: 10), dialer: dialer,
                policy: PolicyInForce(refusals: Refusals(log: log)), sessions: OpenSessions(eventLoop), log: log,
                timeouts: RelayTimeouts())
        }

        func accept(from address: String = "127.0.0.1") throws -> EmbeddedChannel {
            let channel = EmbeddedChannel(loop: eventLoop)
            try channel.connect(to: SocketAddress(ipAddress: address, port: 1)).wait()
            try service.accept(channel, loop, ReadAllocator(loop.buffers), waiting: list)
            return channel
        }
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

    @Test("Beyond a source's limit its own oldest makes room, and no other source's")
    func perSource() throws {
        let rig = try Rig(limit: 100, perSource: 3)
        let others = try ["192.0.2.2", "2001:db8:1::1", "127.0.0.1"].flatMap { address in
            try (0..<3).map { _ in try rig.accept(from: address) }
        }
        let crowd = try (0..<7).map { _ in try rig.accept(from: "192.0.2.1") }
        #expect(crowd.map(\.isActive) == [false, false, false, false, true, true, true])
        // One household of IPv6 has many addresses.
        let household = try (1...5).map { try rig.accept(from: "2001:db8:2::\($0)") }
        #expect(household.map(\.isActive) == [false, false, true, true, true])
        // Loopback stands for many.
        let local = try (0..<20).map { _ in try rig.accept() }
        #expect((local + others).allSatisfy { $0.isActive })
        #expect(rig.lists.limits.counts.sources == 4)
        for channel in crowd + household + local + others { channel.close(promise: nil) }
        #expect(rig.lists.limits.counts == (0, 0))
        #expect(rig.list.count == 0)
        rig.service.log.close()
    }

    @Test("Who has authenticated waits no more and is a stream of its source until it ends")
    func authenticated() throws {
        let dialer = Waiting()
        let rig = try Rig(limit: 100, perSource: 2, dialer: dialer)
        let first = try rig.accept(from: "192.0.2.1")
        var sealer = RequestSealer(
            Credential(method: .aes128GCM, password: "a password for tests"),
            target: try #require(TargetAddress(host: "192.0.2.9", port: 80)), salt: .random(for: .aes128GCM))
        let payload: [UInt8] = [1]
        var wire = ByteBuffer()
        wire.writeWithOutputRawSpan(minimumWritableBytes: sealer.sealedCount(1)) { span in
            sealer.seal(payload.span.bytes, into: &span, circumstances: .init(now: WallClock.now(), random: 0))
        }
        try first.writeInbound(wire)
        let later = try (0..<2).map { _ in try rig.accept(from: "192.0.2.1") }
        #expect(first.isActive && later.allSatisfy { $0.isActive })
        #expect(rig.list.count == 2)
        #expect(rig.lists.limits.counts == (1, 1))
        for channel in later { channel.close(promise: nil) }
        #expect(rig.lists.limits.counts == (1, 1))
        dialer.giveUp()
        rig.eventLoop.run()
        #expect(rig.lists.limits.counts == (0, 0))
        rig.service.log.close()
    }

    @Test("Churn of many sources leaves no count behind")
    func sourceChurn() throws {
        let rig = try Rig(limit: 40, perSource: 3)
        var open: [EmbeddedChannel] = []
        for _ in 0..<5_000 {
            open.append(try rig.accept(from: "192.0.2.\(Int.random(in: 1...20))"))
            if Int.random(in: 0..<3) == 0 { open.remove(at: .random(in: open.indices)).close(promise: nil) }
            open.removeAll { !$0.isActive }
            #expect(open.count <= 40 && rig.list.count == open.count)
        }
        let bySource = Dictionary(grouping: open) { $0.remoteAddress?.ipAddress }
        #expect(bySource.values.allSatisfy { $0.count <= 3 })
        for channel in open { channel.close(promise: nil) }
        #expect(rig.lists.limits.counts == (0, 0) && rig.list.count == 0)
        rig.service.log.close()
    }

    @Test("Two loops hold a source to one limit together, and others' connections stay")
    func twoLoops() async throws {
        let rig = try TwoLoops(limit: 1_000, perSource: 4)
        let others = [try await rig.accept(0, from: "192.0.2.2"), try await rig.accept(1, from: "192.0.2.3")]
        // All on the first loop, and then more on the second.
        var crowd: [NIOAsyncTestingChannel] = []
        for index in [0, 0, 0, 0, 1, 1, 1] { crowd.append(try await rig.accept(index, from: "192.0.2.1")) }
        #expect(try await rig.settles { crowd.filter(\.isActive).count == 4 })
        try await withThrowingTaskGroup(of: [NIOAsyncTestingChannel].self) { group in
            for index in 0..<2 {
                group.addTask {
                    var mine: [NIOAsyncTestingChannel] = []
                    for number in 0..<400 {
                        mine.append(try await rig.accept(index, from: "192.0.2.\(10 + number % 3)"))
                        if number % 5 == 0 { try? await mine.removeFirst().close() }
                    }
                    return mine
                }
            }
            for try await channels in group { crowd += channels }
        }
        let all = crowd
        #expect(
            try await rig.settles {
                Dictionary(grouping: all.filter(\.isActive)) { $0.remoteAddress?.ipAddress }
                    .values.allSatisfy { $0.count <= 4 }
            })
        #expect(others.allSatisfy { $0.isActive })
        for channel in all + others where channel.isActive { try? await channel.close() }
        #expect(try await rig.settles { rig.lists.limits.counts == (0, 0) })
        rig.service.log.close()
    }
}

/// Two loops, each on a thread of its own, and connections from anywhere.
private final class TwoLoops: Sendable {
    /// What the lists are made for.
    private final class Pair: EventLoopGroup {
        let loops: [NIOAsyncTestingEventLoop]

        init(_ loops: [NIOAsyncTestingEventLoop]) { self.loops = loops }

        func next() -> any EventLoop { loops[0] }
        func makeIterator() -> EventLoopIterator { EventLoopIterator(loops) }
        func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
            queue.async { callback(nil) }
        }
    }

    private let loops = [NIOAsyncTestingEventLoop(), NIOAsyncTestingEventLoop()]
    private let contexts: LoopContexts
    let lists: UnauthenticatedLists
    let service: InboundService

    init(limit: Int, perSource: Int) throws {
        var limits = ConnectionLimits()
        limits.waitingPerSource = perSource
        let pair = Pair(loops)
        contexts = LoopContexts(pair, ledger: TrafficLedger())
        lists = UnauthenticatedLists(pair, limit: limit, limits: SourceLimits(limits))
        let log = try LogSink(.file("/dev/null"))
        service = InboundService(
            ring: KeyRing(AcceptedKeys(Credential(method: .aes128GCM, password: "a password for tests"))),
            limits: lists.limits, replay: ReplayGuard(capacity: 10), dialer: Nowhere(),
            policy: PolicyInForce(refusals: Refusals(log: log)), sessions: OpenSessions(pair), log: log,
            timeouts: RelayTimeouts())
    }

    func accept(_ index: Int, from address: String) async throws -> NIOAsyncTestingChannel {
        let loop = loops[index]
        let channel = NIOAsyncTestingChannel(loop: loop)
        try await channel.connect(to: SocketAddress(ipAddress: address, port: 1)).get()
        try await loop.executeInContext { [self] in
            let context = contexts[loop]
            try service.accept(channel, context, ReadAllocator(context.buffers), waiting: lists[loop])
        }
        return channel
    }

    /// Whether `condition` comes to hold within ten seconds.
    func settles(_ condition: () -> Bool) async throws -> Bool {
        for _ in 0..<500 {
            if condition() { return true }
            try await Task.sleep(for: .milliseconds(20))
        }
        return false
    }
}

private struct Nowhere: JudgedDialer {
    func dial(
        _ target: TargetAddress, on eventLoop: any EventLoop, judge: (any TargetJudge)?,
        configure: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> { eventLoop.makeFailedFuture(DialError.refused) }
}

/// Dials until it is told to give up.
private final class Waiting: JudgedDialer {
    private let promises = NIOLockedValueBox<[EventLoopPromise<any Channel>]>([])

    func dial(
        _ target: TargetAddress, on eventLoop: any EventLoop, judge: (any TargetJudge)?,
        configure: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        let promise = eventLoop.makePromise(of: (any Channel).self)
        promises.withLockedValue { $0.append(promise) }
        return promise.futureResult
    }

    func giveUp() {
        for promise in promises.withLockedValue({ $0 }) { promise.fail(DialError.refused) }
    }
}
