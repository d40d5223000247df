// One stream's evidence about its server, where there are several: how long the answer took, which target it was, and what a
// check could ask that target.
internal import NIOCore
internal import SSCommon
internal import SSNetwork

/// The owner of one stream's handler.
///
/// `@unchecked Sendable`: everything is called by that handler, on its loop.
final class StreamWatch: ClientStreamOwner, @unchecked Sendable {
    private let server: UpstreamServer
    private let servers: ServerSet
    private let target: TargetAddress
    private var asked: ContinuousClock.Instant?
    private var question: CheckQuestion?

    init(_ server: UpstreamServer, of servers: ServerSet, target: TargetAddress) {
        self.server = server
        self.servers = servers
        self.target = target
    }

    func streamOpened() { server.streamOpened() }

    func streamClosed() { server.streamClosed() }

    func requestSent(_ first: ByteBuffer) {
        server.noteRequest()
        asked = .now
        // Browsers open connections in advance; who has said nothing waits for nothing.
        guard first.readableBytes > 0 else { return }
        question = CheckQuestion(firstBytes: first.readableBytesSpan)
        servers.note(.asked(target: target.hashValue), about: server.id)
    }

    func serverAnswered() {
        server.noteAnswer()
        // A target that speaks first needs no request to have left.
        let now = ContinuousClock.now
        servers.answered(target, question, after: asked.map { now - $0 } ?? .zero, by: server)
    }

    func serverAnswerRefused(_ fault: StreamFault) { server.serverAnswerRefused(fault) }

    func serverClosedSilently() {
        server.serverClosedSilently()
        servers.endedInOrder()
    }
}
