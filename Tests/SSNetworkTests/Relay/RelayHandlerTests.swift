import NIOCore
import SSCommon
import SSNetwork
import Testing

@Suite("A relay between two sockets", .serialized)
struct RelayHandlerTests {
    private static func pattern(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    }

    @Test("A client that has said everything still gets its answer")
    func clientEndsFirst() async throws {
        let rig = try await RelayRig()
        try await rig.link()
        rig.client.write([1, 2, 3])
        rig.client.endWriting()
        #expect(rig.target.readToEnd() == ([1, 2, 3], .end))
        rig.target.write([4, 5])
        rig.target.endWriting()
        #expect(rig.client.readToEnd() == ([4, 5], .end))
        #expect(try await rig.isOver())
        try await rig.end()
    }

    @Test("A target that has said everything still hears the client")
    func targetEndsFirst() async throws {
        let rig = try await RelayRig()
        try await rig.link()
        rig.target.write([4, 5])
        rig.target.endWriting()
        #expect(rig.client.readToEnd() == ([4, 5], .end))
        rig.client.write([1, 2, 3])
        rig.client.endWriting()
        #expect(rig.target.readToEnd() == ([1, 2, 3], .end))
        #expect(try await rig.isOver())
        try await rig.end()
    }

    @Test("What is queued leaves before the end, in both directions at once")
    func queuedThenEnd() async throws {
        let rig = try await RelayRig()
        try await rig.link()
        let bytes = Self.pattern(6_000_000)
        let (client, target) = (Held(rig.client), Held(rig.target))
        async let up: Void = Task.detached {
            client.peer.write(bytes)
            client.peer.endWriting()
        }.value
        async let down: Void = Task.detached {
            target.peer.write(bytes)
            target.peer.endWriting()
        }.value
        try await Task.sleep(for: .milliseconds(200))
        async let atTarget = Task.detached { target.peer.readToEnd() }.value
        async let atClient = Task.detached { client.peer.readToEnd() }.value
        let (first, second) = await (atTarget, atClient)
        _ = await (up, down)
        #expect(first.bytes == bytes)
        #expect(first.ending == .end)
        #expect(second.bytes == bytes)
        #expect(second.ending == .end)
        #expect(try await rig.isOver())
        try await rig.end()
    }

    @Test("A reset is passed on as an end, after everything before it")
    func reset() async throws {
        let rig = try await RelayRig()
        try await rig.link()
        rig.target.write(Self.pattern(100_000))
        #expect(rig.client.read(exactly: 1) == Self.pattern(1))
        // What the relay has not read by now the kernel may throw away with the reset.
        try await Task.sleep(for: .milliseconds(500))
        rig.target.reset()
        let (rest, ending) = rig.client.readToEnd()
        #expect(rest == Array(Self.pattern(100_000).dropFirst()))
        #expect(ending == .end)
        rig.client.close()
        #expect(try await rig.isOver())
        try await rig.end()
    }

    @Test("A slow reader stops the source, and nothing is lost")
    func backPressure() async throws {
        let rig = try await RelayRig(receiveBuffer: 32 * 1024)
        try await rig.link()
        let limit = 64_000_000
        let taken = rig.target.writeUntilFull(limit: limit)
        #expect(taken < limit, "the source could write without end")
        rig.target.endWriting()
        let (bytes, ending) = rig.client.readToEnd()
        #expect(bytes.count == taken)
        #expect(ending == .end)
        try await rig.end()
    }

    @Test(
        "What the client says before the target is there waits, within bounds", arguments: [1, 1000, 32_768, 3_000_000])
    func early(count: Int) async throws {
        let rig = try await RelayRig()
        let bytes = Self.pattern(count)
        let client = Held(rig.client)
        async let written: Void = Task.detached {
            client.peer.write(bytes)
            client.peer.endWriting()
        }.value
        try await Task.sleep(for: .milliseconds(100))
        try await rig.link()
        let (received, ending) = rig.target.readToEnd()
        await written
        #expect(received == bytes)
        #expect(ending == .end)
        try await rig.end()
    }

    @Test("What a client said reaches the target even if it was reset before the target was there")
    func resetBeforeLink() async throws {
        let rig = try await RelayRig()
        rig.client.write([1, 2, 3])
        try await Task.sleep(for: .milliseconds(200))
        rig.client.reset()
        try await Task.sleep(for: .milliseconds(200))
        try await rig.link()
        #expect(rig.target.readToEnd() == ([1, 2, 3], .end))
        rig.target.close()
        #expect(try await rig.isOver())
        try await rig.end()
    }

    @Test("A target that closed before the link gives the client an end")
    func targetGoneBeforeLink() async throws {
        let rig = try await RelayRig()
        rig.target.close()
        try await Task.sleep(for: .milliseconds(200))
        try await rig.link()
        #expect(rig.client.readToEnd() == ([], .end))
        rig.client.close()
        #expect(try await rig.isOver())
        try await rig.end()
    }

    @Test("A client whose target cannot be had gets an end, no reset, whatever it has sent")
    func declined() async throws {
        let rig = try await RelayRig()
        rig.client.write(Self.pattern(150_000))
        try await rig.decline()
        #expect(rig.client.readToEnd() == ([], .end))
        rig.client.write([1])
        rig.client.endWriting()
        #expect(rig.client.readToEnd().ending == .end)
        try await rig.end()
    }

    @Test("A stream that is not authentic any more resets the other side and hears nothing of it")
    func broken() async throws {
        let rig = try await RelayRig()
        try await rig.link()
        rig.client.write([1])
        #expect(rig.target.read(exactly: 1) == [1])
        try await rig.breakNear()
        #expect(rig.target.readToEnd() == ([], .reset))
        // The client is neither closed nor told: its socket still takes bytes, which go nowhere.
        rig.client.write([2])
        rig.client.endWriting()
        #expect(rig.client.readToEnd() == ([], .end))
        #expect(try await rig.isOver())
        try await rig.end()
    }

    @Test("A stream that is not authentic any more ends in time even if its client never does")
    func brokenAndSilent() async throws {
        let rig = try await RelayRig()
        try await rig.link(RelayTimeouts(idle: 2, halfClosed: 1))
        try await rig.breakNear()
        #expect(rig.target.readToEnd() == ([], .reset))
        #expect(rig.client.readToEnd() == ([], .end))
        #expect(try await rig.isOver())
        try await rig.end()
    }

    @Test("A slow reader gets all that came before a cut, and then a reset")
    func brokenWithSlowReader() async throws {
        let rig = try await RelayRig(receiveBuffer: 16 * 1024) { channel in
            try channel.syncOptions?.setOption(.socketOption(.so_sndbuf), value: 16 * 1024)
        }
        try await rig.link()
        // More than the client's socket holds, less than stops the relay from reading.
        let bytes = Self.pattern(120_000)
        rig.target.write(bytes)
        try await Task.sleep(for: .milliseconds(300))
        try await rig.breakFar()
        try await Task.sleep(for: .milliseconds(300))
        let (received, ending) = rig.client.readToEnd(step: 8 * 1024, pause: 10_000)
        #expect(received == bytes)
        #expect(ending == .reset)
        rig.target.close()
        #expect(try await rig.isOver())
        try await rig.end()
    }

    @Test("A relay that is quiet for too long ends, and neither side takes that for the other's end")
    func idle() async throws {
        let rig = try await RelayRig()
        try await rig.link(RelayTimeouts(idle: 1))
        #expect(rig.client.readToEnd() == ([], .reset))
        #expect(rig.target.readToEnd() == ([], .reset))
        #expect(try await rig.isOver())
        try await rig.end()
    }

    @Test("A half-closed relay that is quiet for too long ends; only the side that expects more sees a failure")
    func halfClosedIdle() async throws {
        let rig = try await RelayRig()
        try await rig.link(RelayTimeouts(idle: 300, halfClosed: 1))
        rig.target.write([1, 2])
        #expect(rig.client.read(exactly: 2) == [1, 2])
        rig.client.endWriting()
        #expect(rig.target.readToEnd() == ([], .end))
        #expect(rig.client.readToEnd() == ([], .reset))
        #expect(try await rig.isOver())
        try await rig.end()
    }

    @Test("A relay that the program ends in the middle looks to both sides like a failure")
    func programEnds() async throws {
        let rig = try await RelayRig()
        try await rig.link()
        rig.client.write([1])
        rig.target.write([2])
        #expect(rig.target.read(exactly: 1) == [1])
        #expect(rig.client.read(exactly: 1) == [2])
        try await rig.closeNear()
        #expect(rig.client.readToEnd() == ([], .reset))
        #expect(rig.target.readToEnd() == ([], .reset))
        #expect(try await rig.isOver())
        try await rig.end()
    }

    @Test("An answer that is whole stays whole when the program ends")
    func programEndsAfterwards() async throws {
        let rig = try await RelayRig()
        try await rig.link()
        rig.target.write([2])
        rig.target.endWriting()
        #expect(rig.client.read(exactly: 1) == [2])
        try await Task.sleep(for: .milliseconds(200))
        try await rig.closeNear()
        #expect(rig.client.readToEnd() == ([], .end))
        #expect(rig.target.readToEnd() == ([], .reset))
        #expect(try await rig.isOver())
        try await rig.end()
    }

    @Test("A slow reader gets the whole of an answer whose sender has ended long ago")
    func slowTail() async throws {
        let rig = try await RelayRig(receiveBuffer: 16 * 1024) { channel in
            try channel.syncOptions?.setOption(.socketOption(.so_sndbuf), value: 16 * 1024)
        }
        try await rig.link(RelayTimeouts(idle: 300, halfClosed: 2))
        let bytes = Self.pattern(2_000_000)
        let target = Held(rig.target)
        async let written: Void = Task.detached {
            target.peer.write(bytes)
            target.peer.endWriting()
        }.value
        // Twice and more the patience of a half-closed relay.
        let (received, ending) = rig.client.readToEnd(step: 16 * 1024, pause: 50_000)
        await written
        #expect(received.count == bytes.count)
        #expect(received == bytes)
        #expect(ending == .end)
        try await rig.end()
    }
}

/// Lets a peer be used by one task at a time, which the tests see to.
struct Held: @unchecked Sendable {
    let peer: Peer
    init(_ peer: Peer) { self.peer = peer }
}
