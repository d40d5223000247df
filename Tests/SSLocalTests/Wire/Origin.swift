// A server a test plays by hand: it accepts, and every connection is a `Wire`.
import NIOCore
import NIOPosix

final class Origin: Sendable {
    private let listener: any Channel
    private let accepted: Accepted

    private final class Accepted: Sendable {
        let wires = Locked<[Wire]>([])
    }

    private init(_ listener: any Channel, _ accepted: Accepted) {
        self.listener = listener
        self.accepted = accepted
    }

    static func start(reading: Bool = true) async throws -> Origin {
        let accepted = Accepted()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let wire = try Wire.attach(channel, reading: reading)
                    accepted.wires.withLock { $0.append(wire) }
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return Origin(listener, accepted)
    }

    var port: Int { listener.localAddress?.port ?? 0 }

    /// How many connections were ever made.
    var count: Int { accepted.wires.withLock { $0.count } }

    /// Waits for the connection with this number, the first being 0.
    func accept(_ number: Int = 0) async throws -> Wire {
        let end = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < end {
            if let wire = accepted.wires.withLock({ $0.count > number ? $0[number] : nil }) { return wire }
            try await Task.sleep(for: .milliseconds(2))
        }
        throw NoConnection()
    }

    func stop() {
        listener.close(promise: nil)
        for wire in accepted.wires.withLock({ $0 }) { wire.close() }
    }

    struct NoConnection: Error {}
}
