// 64 simultaneous copies of one unused request: exactly one dial (security.md 4).
import Foundation
import Synchronization
import Testing

extension EndToEnd {
    @Suite struct SimultaneousReplayTests {
        @Test(
            "of 64 copies of one unused request, all at once, one is served and the others see nothing",
            arguments: [Method.blake3AES256, .aes256])
        func copies(_ method: Method) throws {
            try needs(Pair.underTest.server.isOurs, "our memory")
            try onStage { stage in
                let target = try stage.echoOrigin()
                let (running, tap) = try stage.clientBefore(.swallow, pair: .underTest(method))
                for round in 0..<5 {
                    let tunnel = try SOCKSClient.tunnel(via: running.front, to: Target(target.endpoint))
                    try tunnel.send("hello")
                    let header = Target(target.endpoint).header.count
                    // In SIP022 more bytes come with them in the same write.
                    let flight = try tap.settledFlight(round, atLeast: method.saltLength + 18 + header + 16 + 5)
                    let copies = try Self.play(flight, 64, to: running.serverEndpoint)
                    let answered = { copies.filter { $0.observe() == .data }.count }
                    #expect(eventually(5) { answered() > 0 })
                    pause(0.5)
                    #expect(answered() == 1)
                    #expect(copies.filter { $0.observe() == .silence }.count == 63)
                    #expect(target.accepted == round + 1, "exactly one dial")
                    #expect(eventually(3) { running.server?.refusals.count == (round + 1) * 63 })
                    for copy in copies { copy.close() }
                    tunnel.close()
                }
            }
        }

        /// `count` connections that send `flight` at one moment.
        private static func play(_ flight: [UInt8], _ count: Int, to server: Endpoint) throws -> [Socket] {
            let sockets = try (0..<count).map { try Socket.connected(to: server, from: Probe.source($0 * 40)) }
            let gate = Gate(count)
            for socket in sockets {
                startThread {
                    gate.pass()
                    try? socket.send(flight)
                    gate.done()
                }
            }
            guard eventually(10, { gate.isOver }) else { throw HarnessError("the copies were not all sent") }
            return sockets
        }

        /// Opens when all are there.
        private final class Gate: Sendable {
            private let count: Int
            private let arrived = Atomic(0)
            private let sent = Atomic(0)

            init(_ count: Int) { self.count = count }

            var isOver: Bool { sent.load(ordering: .acquiring) == count }

            func pass() {
                arrived.add(1, ordering: .acquiringAndReleasing)
                while arrived.load(ordering: .acquiring) < count { sched_yield() }
            }

            func done() { sent.add(1, ordering: .releasing) }
        }
    }
}
