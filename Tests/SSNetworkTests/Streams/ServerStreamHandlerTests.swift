import NIOCore
import NIOEmbedded
import SSCommon
import Testing

@testable import SSNetwork

@Suite("The server's end of a stream")
struct ServerStreamHandlerTests {
    private final class Owner: ServerStreamOwner {
        var target: TargetAddress?
        var faults: [StreamFault] = []
        var closings = 0
        let arrivals = Arrivals()

        func requestReceived(_ request: RequestOpener.Request, context: ChannelHandlerContext) {
            target = request.target
            try? context.pipeline.syncOperations.addHandler(arrivals)
        }

        func requestRefused(_ fault: StreamFault, context: ChannelHandlerContext) { faults.append(fault) }
        func closed() { closings += 1 }
    }

    private struct Rig {
        let owner = Owner()
        let channel = EmbeddedChannel()
        let feeder: Feeder

        init(replay: ReplayGuard = ReplayGuard(capacity: 100)) throws {
            let loop = LoopContext(channel.embeddedEventLoop, counters: TrafficLedger().makeCounters())
            let allocator = ReadAllocator(loop.buffers)
            feeder = Feeder(channel: channel, allocator: allocator)
            try channel.pipeline.syncOperations.addHandler(
                ServerStreamHandler(
                    AcceptedKeys(streamCredential), replay: replay, loop: loop, allocator: allocator, owner: owner))
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        }
    }

    @Test("A request is opened however it is cut, and its payload follows")
    func cuts() throws {
        let pieces = request([1, 2, 3], [4, 5])
        let wire = pieces[0] + pieces[1]
        for cut in 0...wire.count {
            let rig = try Rig()
            try rig.feeder.feed(Array(wire[..<cut]))
            try rig.feeder.feed(Array(wire[cut...]))
            #expect(rig.owner.target == streamTarget, "cut at \(cut)")
            #expect(rig.owner.arrivals.bytes == [1, 2, 3, 4, 5], "cut at \(cut)")
        }
        let rig = try Rig()
        for byte in wire { try rig.feeder.feed([byte]) }
        #expect(rig.owner.arrivals.bytes == [1, 2, 3, 4, 5])
        rig.channel.endInput()
        #expect(rig.owner.arrivals.events == ["ended"])
    }

    @Test("A read that finds nothing loses no part of a chunk")
    func emptyRead() throws {
        let wire = request([1, 2, 3])[0]
        let rig = try Rig()
        try rig.feeder.feed(Array(wire[..<40]))
        // NIO asks for a buffer, finds nothing to read, and throws the buffer away.
        _ = rig.feeder.allocator.buffer(allocator: rig.channel.allocator)
        try rig.feeder.feed(Array(wire[40...]))
        #expect(rig.owner.arrivals.bytes == [1, 2, 3])
    }

    @Test(
        "Whatever is no request meets silence, and a FIN is answered by a FIN", arguments: [1, 31, 50, 51, 221, 20_000])
    func silence(count: Int) throws {
        let rig = try Rig()
        try rig.feeder.feed(Sodium.random(count))
        try rig.feeder.feed(Sodium.random(count))
        #expect(rig.channel.isActive)
        #expect(try rig.channel.written().isEmpty)
        rig.channel.endInput()
        #expect(!rig.channel.isActive)
        #expect(try rig.channel.written().isEmpty)
        #expect(rig.owner.faults.count == 1, "one line in the log, whatever the length")
        #expect(rig.owner.closings == 1)
        #expect(rig.owner.target == nil)
    }

    @Test("A connection that says nothing is nobody's failure", arguments: [false, true])
    func nothing(ends: Bool) throws {
        let rig = try Rig()
        if ends { rig.channel.endInput() } else { rig.channel.close(promise: nil) }
        #expect(!rig.channel.isActive)
        #expect(rig.owner.faults.isEmpty)
        #expect(rig.owner.closings == 1)
    }

    @Test("A reset in the header is a failure as well")
    func resetInHeader() throws {
        let rig = try Rig()
        try rig.feeder.feed([1, 2, 3])
        #expect(rig.owner.faults.isEmpty)
        rig.channel.close(promise: nil)
        #expect(rig.owner.faults == [.truncated])
    }

    @Test("A request that is played again is refused, the truncated one does not use it up")
    func replay() throws {
        let replay = ReplayGuard(capacity: 100)
        let wire = request([1])[0]
        let truncated = try Rig(replay: replay)
        try truncated.feeder.feed(Array(wire[..<50]))
        let genuine = try Rig(replay: replay)
        try genuine.feeder.feed(wire)
        #expect(genuine.owner.target == streamTarget)
        let again = try Rig(replay: replay)
        try again.feeder.feed(wire)
        #expect(again.owner.target == nil)
        #expect(again.owner.faults == [.replayed])
        #expect(again.channel.isActive)
        #expect(try again.channel.written().isEmpty)
    }

    @Test("An answer of ours that is sent back to us is a replay")
    func reflection() throws {
        let replay = ReplayGuard(capacity: 100)
        let rig = try Rig(replay: replay)
        try rig.feeder.feed(request([1])[0])
        rig.channel.writeAndFlush(ByteBuffer(bytes: [9]), promise: nil)
        let salt = Salt(Array(try #require(try rig.channel.written().first).prefix(32)).span.bytes)
        #expect(!replay.isFresh(salt))
    }

    @Test("Bytes altered in the middle are told to the other side only")
    func tampered() throws {
        var pieces = request([1, 2, 3], [4, 5])
        pieces[1][20] ^= 1
        let rig = try Rig()
        try rig.feeder.feed(pieces[0])
        try rig.feeder.feed(pieces[1])
        try rig.feeder.feed(Sodium.random(1000))
        #expect(rig.owner.arrivals.bytes == [1, 2, 3])
        #expect(rig.owner.arrivals.events == ["broken"])
        #expect(rig.owner.faults.isEmpty, "it did authenticate")
        rig.channel.writeAndFlush(ByteBuffer(bytes: [9]), promise: nil)
        #expect(try rig.channel.written().isEmpty)
        #expect(rig.channel.isActive)
        rig.channel.endInput()
        #expect(!rig.channel.isActive)
    }

    @Test(
        "An end inside a chunk is a cut, one between chunks is an end, by FIN and by reset", arguments: [false, true])
    func ends(isReset: Bool) throws {
        let pieces = request([1], [2, 3])
        for count in 0...pieces[1].count {
            let rig = try Rig()
            try rig.feeder.feed(pieces[0])
            if count > 0 { try rig.feeder.feed(Array(pieces[1][..<count])) }
            if isReset { rig.channel.close(promise: nil) } else { rig.channel.endInput() }
            let isWhole = count == 0 || count == pieces[1].count
            #expect(rig.owner.arrivals.events.contains("broken") == !isWhole, "after \(count) bytes")
        }
    }

    @Test("Salt and first chunk of an answer are one write")
    func firstWrite() throws {
        let rig = try Rig()
        try rig.feeder.feed(request([1])[0])
        rig.channel.writeAndFlush(ByteBuffer(bytes: [7, 8]), promise: nil)
        rig.channel.writeAndFlush(ByteBuffer(), promise: nil)
        let written = try rig.channel.written().filter { !$0.isEmpty }
        #expect(written.map(\.count) == [32 + 2 + 16 + 2 + 16])
    }
}
