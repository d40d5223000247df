// The sockets and timers of one connection race; `ConnectionRace` decides, this carries out.
package import NIOCore
package import SSCommon

/// One race under way. Confined to its event loop; kept alive by the attempts and timers that refer to it.
package final class RaceRun<Candidate: Hashable & Sendable> {
    /// Starts an attempt. The second argument is given the channel before it connects, so that it can be closed.
    package typealias Connect = (Candidate, @escaping @Sendable (any Channel) -> Void) -> EventLoopFuture<any Channel>

    private var race: ConnectionRace<Candidate>
    private let eventLoop: any EventLoop
    private let connect: Connect
    private let promise: EventLoopPromise<any Channel>
    private var channels: [Int: any Channel] = [:]
    private var delay: Scheduled<Void>?
    private var limit: Scheduled<Void>?
    private var failure: DialError?

    package init(_ race: ConnectionRace<Candidate>, on eventLoop: any EventLoop, connect: @escaping Connect) {
        self.race = race
        self.eventLoop = eventLoop
        self.connect = connect
        promise = eventLoop.makePromise()
    }

    /// Call once, on the event loop.
    package func start(timeout: TimeAmount) -> EventLoopFuture<any Channel> {
        limit = eventLoop.assumeIsolated().scheduleTask(in: timeout) {
            self.race.giveUp()
            self.end(.failure(.timedOut))
        }
        perform(race.start())
        return promise.futureResult
    }

    private func perform(_ step: ConnectionRace<Candidate>.Step) {
        switch step {
        case .connect(let attempt, let candidate, let timer):
            if timer { armDelay() } else { delay?.cancel() }
            begin(attempt, candidate)
        case .wait:
            break
        case .won(let attempt):
            guard let winner = channels.removeValue(forKey: attempt) else {
                preconditionFailure("an attempt that succeeded has a channel")
            }
            end(.success(winner))
        case .discard(let attempt):
            channels.removeValue(forKey: attempt)?.close(promise: nil)
        case .lost:
            end(.failure(failure ?? .nameNotFound))
        }
    }

    private func armDelay() {
        delay?.cancel()
        delay = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(race.attemptDelay)) {
            self.perform(self.race.delayElapsed())
        }
    }

    private func begin(_ attempt: Int, _ candidate: Candidate) {
        let run = NIOLoopBound(self, eventLoop: eventLoop)
        connect(candidate) { channel in run.value.channels[attempt] = channel }
            .assumeIsolated().whenComplete { result in
                switch result {
                case .success(let channel):
                    self.channels[attempt] = channel
                    self.perform(self.race.succeeded(attempt: attempt))
                case .failure(let error):
                    self.channels[attempt] = nil
                    self.note(DialError(error))
                    self.perform(self.race.failed())
                }
            }
    }

    private func note(_ error: DialError) {
        if error.weight >= failure?.weight ?? 0 { failure = error }
    }

    private func end(_ result: Result<any Channel, DialError>) {
        delay?.cancel()
        limit?.cancel()
        delay = nil
        limit = nil
        let losers = channels
        channels = [:]
        switch result {
        case .success(let channel): promise.succeed(channel)
        case .failure(let error): promise.fail(error)
        }
        for loser in losers.values { loser.close(promise: nil) }
    }
}
