// The sockets and timers of one connection race; `ConnectionRace` decides, this carries out.
import NIOCore
import SSCommon

/// One race under way. Confined to its event loop; kept alive by the attempts and timers that refer to it.
final class RaceRun {
    /// Starts an attempt. The second argument is given the channel before it connects, so that it can be closed.
    typealias Connect = (IPAddress, @escaping @Sendable (any Channel) -> Void) -> EventLoopFuture<any Channel>

    private var race: ConnectionRace
    private let eventLoop: any EventLoop
    private let connect: Connect
    private let promise: EventLoopPromise<any Channel>
    private var channels: [Int: any Channel] = [:]
    private var delay: Scheduled<Void>?
    private var limit: Scheduled<Void>?
    private var failure: DialError?

    init(_ race: ConnectionRace, on eventLoop: any EventLoop, connect: @escaping Connect) {
        self.race = race
        self.eventLoop = eventLoop
        self.connect = connect
        promise = eventLoop.makePromise()
    }

    /// Call once, on the event loop.
    func start(timeout: TimeAmount) -> EventLoopFuture<any Channel> {
        limit = eventLoop.assumeIsolated().scheduleTask(in: timeout) {
            self.race.giveUp()
            self.end(.failure(.timedOut))
        }
        perform(race.start())
        return promise.futureResult
    }

    private func perform(_ step: ConnectionRace.Step) {
        switch step {
        case .connect(let attempt, let address, let timer):
            if timer { armDelay() } else { delay?.cancel() }
            begin(attempt, address)
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
        delay = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(ConnectionRace.attemptDelay)) {
            self.perform(self.race.delayElapsed())
        }
    }

    private func begin(_ attempt: Int, _ address: IPAddress) {
        let run = NIOLoopBound(self, eventLoop: eventLoop)
        connect(address) { channel in run.value.channels[attempt] = channel }
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
