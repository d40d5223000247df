// One question through a Shadowsocks server's UDP side, asked again while nothing comes back.
package import NIOCore
package import SSCommon

package enum DatagramAnswer: Sendable {
    case answered([UInt8], after: Duration)
    case silent
}

package enum DatagramProbe {
    /// Asks `target` through `server`, as often as `tries`, with `patience` for each; the first answer counts. Each try has a
    /// socket of its own, since what a middlebox once lost it may go on losing.
    package static func ask(
        _ question: [UInt8], of target: TargetAddress, through server: Endpoint, _ credential: Credential,
        clockOffset: Int64 = 0, replay: ReplayGuard, on eventLoop: any EventLoop, tries: Int,
        patience: TimeAmount = .milliseconds(1500)
    ) -> EventLoopFuture<DatagramAnswer> {
        let promise = eventLoop.makePromise(of: DatagramAnswer.self)
        eventLoop.execute {
            let run = Run(promise, left: tries, patience: patience) { run in
                let asked = ContinuousClock.now
                let association = ClientAssociation(
                    server: server, credential: credential, replay: replay, eventLoop: eventLoop,
                    clockOffset: clockOffset,
                    onReply: { _, payload in run.end(.answered(Array(payload.readableBytesView), after: .now - asked))
                    },
                    onReplies: {})
                association.send(ByteBuffer(bytes: question), to: target)
                association.flush()
                return association
            }
            run.next(on: eventLoop)
        }
        return promise.futureResult
    }

    /// Only ever touched on its loop.
    private final class Run {
        private var promise: EventLoopPromise<DatagramAnswer>?
        private var left: Int
        private let patience: TimeAmount
        private let begin: (Run) -> ClientAssociation
        private var associations: [ClientAssociation] = []
        private var timer: Scheduled<Void>?

        init(
            _ promise: EventLoopPromise<DatagramAnswer>, left: Int, patience: TimeAmount,
            begin: @escaping (Run) -> ClientAssociation
        ) {
            self.promise = promise
            self.left = left
            self.patience = patience
            self.begin = begin
        }

        func next(on eventLoop: any EventLoop) {
            guard promise != nil else { return }
            guard left > 0 else { return end(.silent) }
            left -= 1
            associations.append(begin(self))
            timer = eventLoop.assumeIsolated().scheduleTask(in: patience) { self.next(on: eventLoop) }
        }

        func end(_ answer: DatagramAnswer) {
            timer?.cancel()
            guard let promise = promise.take() else { return }
            for association in associations { association.close() }
            associations = []
            promise.succeed(answer)
        }
    }
}
