// A stream to a port where HTTP is spoken is not joined to its target as it is: a session stands between, which may find that it
// was no HTTP, and then it is joined after all.
internal import NIOCore
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

extension InboundStream {
    /// Puts a session in the place of `near`. False if that cannot be done.
    func speakHTTP(
        _ gateway: HTTPGateway, _ target: TargetAddress, _ judge: RequestJudge?, _ account: UserAccount?,
        _ near: RelayHandler
    ) -> Bool {
        guard let stream else { return false }
        let owner = HTTPStreamOwner(self, target, judge, account)
        let (early, isInputEnded) = near.yield()
        let session = HTTPSession(
            gateway, loop, stream, target: target, account: account, client: channel.peerEndpoint,
            timeouts: service.timeouts, early: early, isInputEnded: isInputEnded, owner: owner)
        let pipeline = channel.pipeline.syncOperations
        pipeline.removeHandler(near, promise: nil)
        do {
            try pipeline.addHandler(session)
        } catch {
            owner.sessionEnded(.ok)
            channel.close(promise: nil)
            return true
        }
        owner.began(session)
        session.begin()
        // One that was held back is asked for by nobody else.
        channel.read()
        return true
    }
}

private final class HTTPStreamOwner: HTTPSessionOwner {
    private let inbound: InboundStream
    private let target: TargetAddress
    private let judge: RequestJudge?
    private let account: UserAccount?
    private var session: OpenSession?

    init(_ inbound: InboundStream, _ target: TargetAddress, _ judge: RequestJudge?, _ account: UserAccount?) {
        self.inbound = inbound
        self.target = target
        self.judge = judge
        self.account = account
    }

    /// A new rule can end it, if the owner wants that.
    func began(_ stream: HTTPSession) {
        judge?.settle()
        guard inbound.service.policy.current.endsSessions, let judge else { return }
        let session = OpenSession(judge, client: inbound.channel.peerEndpoint?.address)
        session.stream = stream
        self.session = session
        inbound.service.sessions.add(session, on: inbound.loop.eventLoop)
    }

    private func forget() {
        guard let session = session.take() else { return }
        inbound.service.sessions.remove(session, on: inbound.loop.eventLoop)
    }

    func becomeOpaque(early: ByteBuffer, isInputEnded: Bool, called: HTTPUpstream?) {
        forget()
        let near = RelayHandler(
            allocator: inbound.allocator, isFirst: false, early: early.readableBytes > 0 ? early : nil,
            isInputEnded: isInputEnded, earlyIsCharged: true)
        do {
            try inbound.channel.pipeline.syncOperations.addHandler(near)
        } catch {
            called?.close()
            sessionEnded(.ok)
            inbound.channel.close(promise: nil)
            return
        }
        // By the rules of now: the stream may have been open for a while.
        let judge = RequestJudge(inbound.service.policy, target, user: account?.name)
        if let judge { inbound.setScreen(judge, target, account, near) }
        inbound.connect(target, judge, account, near, called: called)
        // The session may have held one back.
        inbound.channel.read()
    }

    func refused(_ request: HTTPRequest, by rule: DecidingRule, _ shown: ShownTarget?) -> [UInt8] {
        // What was refused before anything was read of it is shown by its path all the same.
        let shown = shown ?? RequestScreen.targets(request).first
        return inbound.refused(request, shown, target, account, rule).map { Array($0.readableBytesView) } ?? []
    }

    func sessionEnded(_ status: ConnectionStatus) {
        forget()
        inbound.ended(account)
        inbound.loop.counters.finished(inbound.isBlocked ? .blocked : status)
    }
}
