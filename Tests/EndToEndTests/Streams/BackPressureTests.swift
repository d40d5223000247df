// A slow reader slows the sender and never grows memory (security.md 6.2, "per-connection buffer").
import Foundation
import Synchronization
import Testing

extension EndToEnd {
    @Suite struct BackPressureTests {
        /// Above the relay's own buffers there are four sockets', which the kernel grows to several MB each.
        private static let kernelAndRelayBuffers = 64 << 20
        private static let allowedGrowth = 8 << 20

        @Test func `a reader that pauses in 1 GB stops the origin and grows neither program`() throws {
            try onStage { stage in
                let running = try stage.run(Pair.underTest)
                let sent = Counter()
                let origin = try stage.origin { connection in
                    try Pattern.send(1_000_000_000, on: connection) { sent.set($0) }
                    connection.finish()
                }
                let socket = try SOCKSClient.tunnel(via: running.front, to: Target(origin.endpoint))
                try socket.send("x")
                _ = try socket.receive(exactly: 1_000_000)
                pause(1)
                let before = MemoryOfPair(running)
                let sentBefore = sent.value
                pause(4)
                let after = MemoryOfPair(running)
                Figures.show("paused reader", "origin sent \(sent.value >> 20) MiB; \(before) then \(after)")
                #expect(sent.value < Self.kernelAndRelayBuffers)
                #expect(sent.value - sentBefore < 4 << 20, "the origin is stopped")
                if Pair.underTest.client.isOurs { #expect(after.client - before.client < Self.allowedGrowth) }
                if Pair.underTest.server.isOurs { #expect(after.server - before.server < Self.allowedGrowth) }

                let rest = try socket.receive(exactly: 300_000_000, seconds: 30)
                #expect(rest.last == Pattern.block[300_999_999 % Pattern.period])
                let late = MemoryOfPair(running)
                Figures.show("after 300 MB more", "\(late)")
                socket.close()
                #expect(eventually(5) { origin.openCount == 0 }, "the abandoned origin is let go")
            }
        }

        @Test func `an origin that does not read stops the client`() throws {
            try onStage { stage in
                let running = try stage.run(Pair.underTest)
                let origin = try stage.origin { connection in
                    pause(6)
                    _ = try? connection.receive(1)
                }
                let socket = try SOCKSClient.tunnel(via: running.front, to: Target(origin.endpoint))
                let sent = Counter()
                startThread { try? Pattern.send(1_000_000_000, on: socket, seconds: 8) { sent.set($0) } }
                pause(1)
                let (before, sentBefore) = (MemoryOfPair(running), sent.value)
                pause(3)
                let after = MemoryOfPair(running)
                Figures.show("paused origin", "client sent \(sent.value >> 20) MiB; \(before) then \(after)")
                #expect(sent.value < Self.kernelAndRelayBuffers)
                #expect(sent.value - sentBefore < 4 << 20, "the client is stopped")
                if Pair.underTest.client.isOurs { #expect(after.client - before.client < Self.allowedGrowth) }
                if Pair.underTest.server.isOurs { #expect(after.server - before.server < Self.allowedGrowth) }
                socket.wake()
            }
        }

        @Test func `2,000 open tunnels each carry a byte`() throws {
            try onStage { stage in
                // A tunnel takes two descriptors of this process (its client and its origin) and of each program.
                let count = min(2000, raisedDescriptorLimit / 2 - 200)
                let running = try stage.run(Pair.underTest)
                let echo = try stage.echoOrigin()
                let before = MemoryOfPair(running)
                var sockets: [Socket] = []
                let (_, seconds) = try timed {
                    for _ in 0..<count {
                        sockets.append(try SOCKSClient.tunnel(via: running.front, to: Target(echo.endpoint)))
                    }
                }
                for (index, socket) in sockets.enumerated() { try socket.send([UInt8(truncatingIfNeeded: index)]) }
                var right = 0
                for (index, socket) in sockets.enumerated() {
                    let answer = try? socket.receive(exactly: 1)
                    right += answer == [UInt8(truncatingIfNeeded: index)] ? 1 : 0
                }
                #expect(right == count)
                let after = MemoryOfPair(running)
                Figures.show(
                    "\(count) tunnels",
                    "client \((after.client - before.client) / count) and server "
                        + "\((after.server - before.server) / count) bytes each, opened in \(seconds.rounded2) s")
                let descriptors = [running.client, running.server].compactMap { $0?.descriptorCount }
                sockets.forEach { $0.close() }
                #expect(eventually(5) { echo.openCount == 0 })
                let freed = eventually(5) {
                    let left = [running.client, running.server].compactMap { $0?.descriptorCount }
                    return left.allSatisfy { $0 < 100 }
                }
                #expect(freed, "descriptors while open: \(descriptors)")
            }
        }
    }
}

/// Resident bytes of both programs at one moment.
struct MemoryOfPair: CustomStringConvertible {
    let client: Int
    let server: Int

    init(_ running: RunningPair) {
        client = running.client?.residentBytes ?? 0
        server = running.server?.residentBytes ?? 0
    }

    var description: String { "client \(client >> 10) KiB, server \(server >> 10) KiB" }
}

/// A number one thread sets and another reads.
final class Counter: Sendable {
    private let content: Mutex<Int> = Mutex(0)
    var value: Int { content.withLock { $0 } }
    func set(_ number: Int) { content.withLock { $0 = number } }
}
