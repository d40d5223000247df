// A dialer without a tunnel: whatever the target, it connects to one place on loopback, or fails as told.
import NIOCore
import SSCommon
import SSNetwork

final class DirectDialer: StreamDialer {
    private let port: Int
    private let failure: DialError?
    private let dialled = Locked<[TargetAddress]>([])
    private let opened = Locked<[any Channel]>([])
    /// Held back until the test opens it.
    private let gate: EventLoopPromise<Void>?

    init(to port: Int, failing failure: DialError? = nil, gate: EventLoopPromise<Void>? = nil) {
        self.port = port
        self.failure = failure
        self.gate = gate
    }

    /// Everything that was asked for, in order.
    var targets: [TargetAddress] { dialled.withLock { $0 } }

    /// The ends of the connections to the origin that the front holds.
    var channels: [any Channel] { opened.withLock { $0 } }

    func dial(
        _ target: TargetAddress, on eventLoop: any EventLoop,
        configure: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        dialled.withLock { $0.append(target) }
        if let failure { return eventLoop.makeFailedFuture(failure) }
        let gated = gate?.futureResult.hop(to: eventLoop) ?? eventLoop.makeSucceededVoidFuture()
        return gated.flatMap { [port] in
            RacingDialer(resolver: NoNames()).dial(
                TargetAddress(.ip(.v4(IPv4Address(127, 0, 0, 1))), port: UInt16(port)), on: eventLoop,
                configure: configure)
        }
        .map { [opened] channel in
            opened.withLock { $0.append(channel) }
            return channel
        }
        .flatMapErrorThrowing { _ in throw DialError.refused }
    }
}
