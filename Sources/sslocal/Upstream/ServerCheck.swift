// One check of a server: a connection and, if there is a target that would answer, a stream through it that ends with the
// first bytes of the answer. On the wire it is a short stream like any other.
internal import NIOCore
internal import SSCommon
internal import SSNetwork

struct ServerCheck: Sendable {
    let servers: ServerSet
    let dialer: ServerDialer

    /// How long an answer may take.
    private static let patience = TimeAmount.seconds(8)

    /// Checks `server` and tells the set what came of it.
    func run(_ server: UpstreamServer, _ target: RecentTargets.Target?, on eventLoop: any EventLoop) {
        let start = ContinuousClock.now
        let connected = dialer.connector.dial(server.address, on: eventLoop).afterThisTurn()
        connected.assumeIsolated().whenComplete { result in
            switch result {
            case .failure(let error):
                servers.failed(server, DialError(error))
                servers.checkEnded(server, target, nil)
            case .success(let channel):
                let time = ContinuousClock.now - start
                if let target {
                    servers.note(.connected(after: time), about: server.id)
                    ask(target, through: server, on: channel)
                } else {
                    channel.close(promise: nil)
                    servers.checkEnded(server, nil, .checkConnected(after: time))
                }
            }
        }
    }

    private func ask(_ target: RecentTargets.Target, through server: UpstreamServer, on channel: any Channel) {
        var random = SystemRandomNumberGenerator()
        let probe = StreamProbe(
            server.credential, to: target.address, asking: target.question.bytes(for: target.address, random: &random),
            patience: Self.patience)
        let answer = probe.run(
            on: channel, replay: dialer.replay, loop: dialer.loops[channel.eventLoop], owner: CheckOwner(server))
        answer.assumeIsolated().whenSuccess { answer in
            // The server could not reach the target, or does not understand us; which, only several targets show.
            var evidence = ServerEvidence.checkUnanswered
            if case .answered(_, let time, _) = answer { evidence = .answered(after: time) }
            servers.checkEnded(server, target, evidence)
        }
    }
}

/// A check's stream counts among its server's, and says what is wrong with an answer.
private final class CheckOwner: ClientStreamOwner {
    private let server: UpstreamServer

    init(_ server: UpstreamServer) { self.server = server }

    func streamOpened() { server.streamOpened() }
    func streamClosed() { server.streamClosed() }
    func serverAnswered() { server.noteAnswer() }
    func serverAnswerRefused(_ fault: StreamFault) { server.serverAnswerRefused(fault) }
    func serverClosedSilently() {}
    func requestSent(_ first: ByteBuffer) {}
}
