// A dialer whose one dial succeeds when the test says so, on whatever event loop it was asked for.
import NIOCore
import SSCommon
import SSNetwork

final class HeldDialer: StreamDialer {
    private let promise = Locked<EventLoopPromise<any Channel>?>(nil)

    func dial(
        _ target: TargetAddress, on eventLoop: any EventLoop,
        configure: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        let promise = eventLoop.makePromise(of: (any Channel).self)
        self.promise.withLock { $0 = promise }
        return promise.futureResult.flatMapThrowing { channel in
            try configure(channel)
            return channel
        }
    }

    func succeed(_ channel: any Channel) { promise.withLock { $0 }?.succeed(channel) }
}
