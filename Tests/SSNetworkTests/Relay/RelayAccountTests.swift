import NIOCore
import SSCommon
import SSNetwork
import Testing

@Suite("A relay that counts for a user", .serialized)
struct RelayAccountTests {
    private static func pattern(_ count: Int) -> [UInt8] {
        let block = (0..<65_521).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        var bytes: [UInt8] = []
        while bytes.count < count { bytes += block.prefix(count - bytes.count) }
        return bytes
    }

    private static func account(quota: UInt64? = nil, rate: UInt64? = nil) -> UserAccount {
        let account = UserAccount(name: "alice")
        account.setLimits(quota: quota, rate: rate, streams: nil)
        account.judge(nil)
        return account
    }

    /// Writes all of `bytes` and ends, beside whatever else happens.
    private static func write(_ bytes: [UInt8], to peer: Peer) -> Task<Void, Never> {
        let held = Held(peer)
        return Task.detached {
            held.peer.write(bytes)
            held.peer.endWriting()
        }
    }

    @Test("What passed is counted to the byte, each direction for itself", arguments: [nil, 50_000_000] as [UInt64?])
    func exact(rate: UInt64?) async throws {
        let rig = try await RelayRig()
        let account = Self.account(rate: rate)
        // Some of it is said before the target is there.
        rig.client.write(Self.pattern(20_000))
        try await Task.sleep(for: .milliseconds(100))
        try await rig.link(account: account)
        let (up, down) = (Self.pattern(3_000_017), Self.pattern(1_234_567))
        let writers = [Self.write(up, to: rig.client), Self.write(down, to: rig.target)]
        let (client, target) = (Held(rig.client), Held(rig.target))
        async let atTarget = Task.detached { target.peer.readToEnd() }.value
        async let atClient = Task.detached { client.peer.readToEnd() }.value
        let (first, second) = await (atTarget, atClient)
        for writer in writers { await writer.value }
        #expect(first.bytes == Self.pattern(20_000) + up && first.ending == .end)
        #expect(second.bytes == down && second.ending == .end)
        #expect(try await rig.isOver())
        let reading = account.reading
        #expect(reading.up == 3_020_017 && reading.down == 1_234_567)
        #expect(reading.used == 4_254_584)
        try await rig.end()
    }

    @Test("What a client said that was gone before the target was there is counted too")
    func goneEarly() async throws {
        let rig = try await RelayRig()
        let account = Self.account()
        rig.client.write(Self.pattern(1_000))
        try await Task.sleep(for: .milliseconds(200))
        rig.client.reset()
        try await Task.sleep(for: .milliseconds(200))
        try await rig.link(account: account)
        #expect(rig.target.readToEnd() == (Self.pattern(1_000), .end))
        rig.target.close()
        #expect(try await rig.isOver())
        #expect(account.reading.up == 1_000)
        try await rig.end()
    }

    @Test(
        "A rate is kept by waiting: nothing is lost, and no more comes through than it allows",
        arguments: [true, false])
    func paced(isUp: Bool) async throws {
        let rig = try await RelayRig()
        let rate: UInt64 = 2_000_000
        let account = Self.account(rate: rate)
        try await rig.link(account: account)
        let bytes = Self.pattern(3_000_000)
        let (from, to) = isUp ? (rig.client, rig.target) : (rig.target, rig.client)
        let start = NIODeadline.now()
        let (writer, reader) = (Held(from), Held(to))
        let writing = Task.detached { writer.peer.write(bytes) }
        let received = await Task.detached { reader.peer.read(exactly: bytes.count) }.value
        let taken = Double((NIODeadline.now() - start).nanoseconds) / 1e9
        await writing.value
        #expect(received == bytes)
        // Less what may be ahead of the rate, and what was read before the first wait. (At an end NIO reads all there is.)
        let ahead = 0.1 * Double(rate) + Double(1 << 17)
        #expect(taken >= (3_000_000 - ahead) / Double(rate), "\(taken) s")
        from.close()
        to.close()
        #expect(try await rig.isOver())
        try await rig.end()
    }

    @Test("The other direction does not wait")
    func otherDirection() async throws {
        let rig = try await RelayRig()
        // The rest of what comes down takes a minute.
        let account = Self.account(rate: 1_000)
        try await rig.link(account: account)
        rig.target.write(Self.pattern(60_000))
        #expect(rig.client.read(exactly: 1_000) == Array(Self.pattern(60_000).prefix(1_000)))
        rig.client.write([1])
        #expect(rig.target.read(exactly: 1) == [1])
        account.judge(.removed)
        #expect(try await rig.isOver())
        try await rig.end()
    }

    @Test("A stream that waits for its rate goes on soon when that is changed, and is not taken for quiet")
    func changed() async throws {
        let rig = try await RelayRig()
        let account = Self.account(rate: 1)
        try await rig.link(RelayTimeouts(idle: 2), account: account)
        let bytes = Self.pattern(1_000_000)
        let writer = Self.write(bytes, to: rig.target)
        #expect(rig.client.read(exactly: 1) == Self.pattern(1))
        // At this rate it would take a week.
        try await Task.sleep(for: .milliseconds(3_500))
        account.setLimits(quota: nil, rate: 50_000_000, streams: nil)
        let held = Held(rig.client)
        let (received, ending) = await Task.detached { held.peer.readToEnd() }.value
        await writer.value
        let isWhole = received == Array(bytes.dropFirst())
        #expect(isWhole && ending == .end, "\(received.count) bytes, \(ending)")
        try await rig.end()
    }

    @Test("A slow reader and a rate together lose nothing")
    func slowReader() async throws {
        let rig = try await RelayRig(receiveBuffer: 16 * 1024)
        let account = Self.account(rate: 3_000_000)
        try await rig.link(account: account)
        let bytes = Self.pattern(2_000_000)
        let writer = Self.write(bytes, to: rig.target)
        let (received, ending) = rig.client.readToEnd(step: 64 * 1024, pause: 5_000)
        await writer.value
        #expect(received == bytes)
        #expect(ending == .end)
        #expect(account.reading.down == 2_000_000)
        try await rig.end()
    }

    @Test("The quota cuts the stream when it is used up, in either direction", arguments: [true, false])
    func quota(isUp: Bool) async throws {
        let rig = try await RelayRig()
        let account = Self.account(quota: 100_000)
        try await rig.link(account: account)
        let (from, to) = isUp ? (rig.client, rig.target) : (rig.target, rig.client)
        let writer = Self.write(Self.pattern(50_000_000), to: from)
        let held = Held(to)
        let (received, ending) = await Task.detached { held.peer.readToEnd() }.value
        await writer.value
        #expect(ending == .reset, "a part is not the whole")
        #expect(received.count < 5_000_000)
        #expect(received == Self.pattern(received.count))
        #expect(try await rig.isOver())
        #expect(account.refusal == .quota)
        #expect(account.reading.used >= 100_000 && account.reading.used < 5_000_000)
        try await rig.end()
    }

    @Test(
        "A stream on which nothing happens ends when its user is refused, half closed or waiting for its rate too",
        arguments: [(UserAccount.Refusal.removed, "quiet"), (.expired, "half closed"), (.removed, "waiting")])
    func refused(refusal: UserAccount.Refusal, state: String) async throws {
        let rig = try await RelayRig()
        let account = Self.account(rate: state == "waiting" ? 1 : nil)
        try await rig.link(account: account)
        rig.client.write([1])
        #expect(rig.target.read(exactly: 1) == [1])
        if state == "half closed" {
            rig.client.endWriting()
            #expect(rig.target.readToEnd() == ([], .end))
        }
        account.judge(refusal)
        #expect(rig.client.readToEnd() == ([], .reset))
        if state != "half closed" { #expect(rig.target.readToEnd() == ([], .reset)) }
        #expect(try await rig.isOver())
        try await rig.end()
    }

    @Test("One user's end is not another's")
    func others() async throws {
        let (alice, bob) = (Self.account(), Self.account())
        let (first, second) = (try await RelayRig(), try await RelayRig())
        try await first.link(account: alice)
        try await second.link(account: bob)
        alice.judge(.removed)
        #expect(first.client.readToEnd() == ([], .reset))
        #expect(try await first.isOver())
        try await Task.sleep(for: .milliseconds(1_200))
        second.client.write([7])
        #expect(second.target.read(exactly: 1) == [7])
        try await first.end()
        try await second.end()
    }
}
