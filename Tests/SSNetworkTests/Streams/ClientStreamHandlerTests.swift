import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded
import SSCommon
import Testing

@testable import SSNetwork

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite("The laptop's end of a stream")
struct ClientStreamHandlerTests {
    private final class Owner: ClientStreamOwner {
        private let said = NIOLockedValueBox<[String]>([])
        var words: [String] { said.withLockedValue { $0 } }
        private func note(_ word: String) { said.withLockedValue { $0.append(word) } }

        private let open = NIOLockedValueBox(0)
        var openStreams: Int { open.withLockedValue { $0 } }

        func streamOpened() { open.withLockedValue { $0 += 1 } }
        func streamClosed() { open.withLockedValue { $0 -= 1 } }
        func serverAnswered() { note("answered") }
        func serverAnswerRefused(_ fault: StreamFault) { note("\(fault)") }
        func serverClosedSilently() { note("silent") }
        func requestSent(_ first: ByteBuffer) { note(first.readableBytes > 0 ? "sent" : "sent alone") }
    }

    private struct Rig {
        let owner = Owner()
        let channel = EmbeddedChannel()
        let arrivals = Arrivals()
        let feeder: Feeder

        init() throws {
            let loop = LoopContext(channel.embeddedEventLoop, counters: TrafficLedger().makeCounters())
            let allocator = ReadAllocator(loop.buffers)
            feeder = Feeder(channel: channel, allocator: allocator)
            try channel.pipeline.syncOperations.addHandler(
                ClientStreamHandler(
                    streamCredential, target: streamTarget, replay: ReplayGuard(capacity: 100), loop: loop,
                    allocator: allocator, owner: owner))
            try channel.pipeline.syncOperations.addHandler(arrivals)
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        }

        func wait(_ duration: Duration) async throws {
            try await Task.sleep(for: duration)
            channel.embeddedEventLoop.advanceTime(to: .now())
        }

        /// What the server makes of what was written.
        func opened() throws -> (writes: Int, target: TargetAddress?, payload: [UInt8]) {
            let written = try channel.written().filter { !$0.isEmpty }
            let wire = written.flatMap(\.self)
            var opener = RequestOpener(AcceptedKeys(streamCredential))
            var received = RequestOpener.Received()
            var plain = ByteBuffer()
            try plain.writeWithOutputRawSpan(minimumWritableBytes: wire.count) { (span) throws(StreamFault) in
                received = try opener.receive(
                    wire.span.bytes, into: &span, now: WallClock.now(), isKnown: { _ in false }
                ) { _ in }
            }
            return (written.count, received.request?.target, Array(plain.readableBytesView))
        }
    }

    @Test("Header and first payload leave in one write")
    @MainActor func together() async throws {
        let rig = try Rig()
        #expect(try rig.channel.written().isEmpty, "the header waits")
        rig.channel.writeAndFlush(ByteBuffer(bytes: [1, 2, 3]), promise: nil)
        try await rig.wait(.milliseconds(30))
        let opened = try rig.opened()
        #expect(opened == (1, streamTarget, [1, 2, 3]))
        #expect(rig.owner.words == ["sent"])
    }

    @Test("Without payload the header leaves alone, and once")
    @MainActor func alone() async throws {
        let rig = try Rig()
        try await rig.wait(.milliseconds(30))
        try await rig.wait(.milliseconds(30))
        rig.channel.writeAndFlush(ByteBuffer(bytes: [1]), promise: nil)
        let opened = try rig.opened()
        #expect(opened == (2, streamTarget, [1]))
        #expect(rig.owner.words == ["sent alone"])
    }

    @Test("An end before any payload takes the header along")
    func endFirst() throws {
        let rig = try Rig()
        rig.channel.close(mode: .output, promise: nil)
        let opened = try rig.opened()
        #expect(opened == (1, streamTarget, []))
    }

    @Test("A close before any payload sends nothing")
    @MainActor func closeFirst() async throws {
        let rig = try Rig()
        rig.channel.close(promise: nil)
        try await rig.wait(.milliseconds(30))
        #expect(try rig.channel.written().isEmpty)
        #expect(rig.owner.words.isEmpty)
        #expect(rig.owner.openStreams == 0)
    }

    @Test("An answer is opened byte by byte")
    func answer() throws {
        let rig = try Rig()
        for byte in response([1, 2], [3]).flatMap(\.self) { try rig.feeder.feed([byte]) }
        rig.channel.endInput()
        #expect(rig.arrivals.bytes == [1, 2, 3])
        #expect(rig.arrivals.events == ["ended"])
        #expect(rig.owner.words == ["answered"])
        #expect(rig.owner.openStreams == 1)
    }

    @Test("An answer that is not authentic breaks the stream, and closes it")
    func garbage() throws {
        let rig = try Rig()
        try rig.feeder.feed(Sodium.random(100))
        #expect(rig.arrivals.events == ["broken"])
        #expect(rig.owner.words == ["notAuthentic"])
        #expect(!rig.channel.isActive)
    }

    @Test("An answer that ends inside a piece was cut off, by FIN and by reset", arguments: [false, true])
    func cut(isReset: Bool) throws {
        let wire = response([1], [2])
        for count in [1, 17, 18, 19, 34] {
            let rig = try Rig()
            try rig.feeder.feed(wire[0])
            try rig.feeder.feed(Array(wire[1][..<count]))
            if isReset { rig.channel.close(promise: nil) } else { rig.channel.endInput() }
            #expect(rig.arrivals.bytes == [1])
            #expect(rig.arrivals.events == ["broken"], "after \(count) bytes")
        }
    }

    @Test("A connection that fails between two pieces has cut the answer, unless that had ended")
    func failure() throws {
        for hasEnded in [false, true] {
            let rig = try Rig()
            try rig.feeder.feed(response([1])[0])
            if hasEnded { rig.channel.endInput() }
            rig.channel.pipeline.fireErrorCaught(IOError(errnoCode: ETIMEDOUT, reason: "read"))
            rig.channel.close(promise: nil)
            #expect(rig.arrivals.bytes == [1])
            #expect(rig.arrivals.events == [hasEnded ? "ended" : "broken"])
        }
    }

    @Test("A server that says nothing and closes is noticed")
    @MainActor func silent() async throws {
        let rig = try Rig()
        rig.channel.writeAndFlush(ByteBuffer(bytes: [1]), promise: nil)
        rig.channel.endInput()
        #expect(rig.owner.words == ["sent", "silent"])
        #expect(rig.arrivals.events == ["ended"])
    }
}
