// One accepted TCP connection of ssserver, from its first byte to the relay: the request names a target, the
// dialer (policy included) opens it, and the two channels are linked.
internal import NIOCore
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

final class InboundStream: ServerStreamOwner {
    let service: InboundService
    let channel: any Channel
    let loop: LoopContext
    let allocator: ReadAllocator
    private let list: UnauthenticatedList
    /// Nil for loopback, and where the connection is already gone.
    let source: SourceLimits.Source?
    /// The list's to write.
    var isWaiting = false
    /// A rule has ended it.
    var isBlocked = false
    /// Once it has authenticated.
    private(set) weak var stream: ServerStreamHandler?

    init(
        _ service: InboundService, _ channel: any Channel, _ loop: LoopContext, _ allocator: ReadAllocator,
        _ list: UnauthenticatedList
    ) {
        self.service = service
        self.channel = channel
        self.loop = loop
        self.allocator = allocator
        self.list = list
        source = channel.peerEndpoint.flatMap { SourceLimits.Source($0.address) }
    }

    func requestReceived(_ request: RequestOpener.Request, context: ChannelHandlerContext) {
        list.leave(self)
        stream = context.handler as? ServerStreamHandler
        let target = request.target
        let account = request.owner.account
        let near = RelayHandler(allocator: allocator, isFirst: false)
        do {
            try context.pipeline.syncOperations.addHandler(near)
        } catch {
            context.close(promise: nil)
            return
        }
        if let refusal = admit(account) {
            refuse(refusal, account, near)
            return
        }
        let judge = RequestJudge(service.policy, target, user: account?.name)
        if let judge {
            if let rule = judge.refusal(client: channel.peerEndpoint?.address) {
                loop.counters.streamOpened()
                block(target, account, rule, near)
                return
            }
            setScreen(judge, target, account, near)
        }
        if let peer = channel.peerEndpoint {
            service.log.record(.connecting(target, peer: peer))
        }
        loop.counters.streamOpened()
        let wait = account?.begun(now: NIODeadline.now().uptimeNanoseconds) ?? 0
        if let account, wait > 0 {
            hold(until: .now() + .nanoseconds(Int64(clamping: wait)), account.rate, target, judge, account, near)
        } else {
            dial(target, judge, account, near)
        }
    }

    /// How long a stream is held before it is looked whether that is still right.
    private static let longestHold = TimeAmount.milliseconds(500)

    /// Whoever is ahead of their rate waits before another stream begins, behind those that came before.
    private func hold(
        until due: NIODeadline, _ rate: UInt64?, _ target: TargetAddress, _ judge: RequestJudge?,
        _ account: UserAccount, _ near: RelayHandler
    ) {
        let next = min(due, .now() + Self.longestHold)
        loop.eventLoop.assumeIsolated().scheduleTask(deadline: next) {
            if account.refusal != nil || !self.channel.isActive {
                self.ended(account)
                self.loop.counters.finished(account.refusal == nil ? .ok : .limit)
                near.decline()
            } else if next < due, account.rate == rate {
                self.hold(until: due, rate, target, judge, account, near)
            } else {
                self.dial(target, judge, account, near)
            }
        }
    }

    /// Counts the stream in, or says why it may not be.
    private func admit(_ account: UserAccount?) -> String? {
        guard service.limits.openStream(source) else { return "too many streams from one source or in all" }
        guard let refusal = account?.openStream(at: WallClock.now()) else { return nil }
        service.limits.closeStream(source)
        return refusal.words
    }

    /// Whoever has a key sees a stream that ends at once, as when a target cannot be had.
    private func refuse(_ reason: String, _ account: UserAccount?, _ near: RelayHandler) {
        loop.counters.finished(.limit)
        var fields = [("peer", channel.peerEndpoint.map { "\($0)" } ?? "gone")]
        if let account { fields.append(("user", account.name)) }
        fields += [("reason", reason), ("status", "\(ConnectionStatus.limit)")]
        service.log.log(.warning, "a stream was refused", fields)
        near.decline()
    }

    func ended(_ account: UserAccount?) {
        loop.counters.streamClosed()
        service.limits.closeStream(source)
        account?.closeStream()
    }

    private func dial(
        _ target: TargetAddress, _ judge: RequestJudge?, _ account: UserAccount?, _ near: RelayHandler
    ) {
        if let gateway = service.gateway, gateway.serves(target.port), speakHTTP(gateway, target, judge, account, near)
        {
            return
        }
        connect(target, judge, account, near)
    }

    /// `called` is a connection to the target that is there already.
    func connect(
        _ target: TargetAddress, _ judge: RequestJudge?, _ account: UserAccount?, _ near: RelayHandler,
        called: HTTPUpstream? = nil
    ) {
        let loop = loop
        if let called {
            if let far = takeOver(called, target, judge) { return relay(near, far, judge, account) }
            called.close()
        }
        let farAllocator = ReadAllocator(loop.buffers)
        let far = RelayHandler(allocator: farAllocator, isFirst: true)
        let bound = NIOLoopBound((far, farAllocator), eventLoop: loop.eventLoop)
        service.dialer.dial(target, on: loop.eventLoop, judge: judge) { channel in
            let (far, allocator) = bound.value
            try StreamSocketOptions.apply(allocator, to: channel)
            try channel.pipeline.syncOperations.addHandler(far)
        }
        .assumeIsolated().whenComplete { result in
            switch result {
            case .success:
                self.relay(near, far, judge, account)
            case .failure(let error):
                let error = error as? DialError ?? .failed("")
                // One address of several may have been refused, and another not have answered.
                if error == .notAllowed, let rule = judge?.refusal {
                    self.block(target, account, rule, near)
                    return
                }
                self.ended(account)
                loop.counters.finished(error.status)
                self.service.log.log(
                    .debug, "target not reached",
                    [("target", "\(target)"), ("status", "\(error.status)"), ("error", "\(error)")])
                // A client with the key may see that the target is not to be had, nobody else gets here.
                near.decline()
            }
        }
    }

    /// Nil if it is gone, or not allowed any more.
    private func takeOver(_ called: HTTPUpstream, _ target: TargetAddress, _ judge: RequestJudge?) -> RelayHandler? {
        guard let address = called.channel.peerEndpoint?.address,
            service.gateway?.egress.verdict(address, target.port) == .allowed,
            judge?.refusal(of: address, port: target.port) == nil
        else { return nil }
        var far: RelayHandler?
        let isTaken = called.handOver { allocator, early, isEnded in
            let new = RelayHandler(
                allocator: allocator, isFirst: true, early: early.readableBytes > 0 ? early : nil,
                isInputEnded: isEnded)
            far = new
            return new
        }
        // Whoever waits for an answer reads by itself.
        guard isTaken, (try? called.channel.syncOptions?.setOption(.autoRead, value: true)) != nil else { return nil }
        return far
    }

    private func relay(_ near: RelayHandler, _ far: RelayHandler, _ judge: RequestJudge?, _ account: UserAccount?) {
        judge?.settle()
        let mayEnd = service.policy.current.endsSessions
        let session = mayEnd ? judge.map { OpenSession($0, client: channel.peerEndpoint?.address) } : nil
        if let session { service.sessions.add(session, on: loop.eventLoop) }
        let relay = Relay(near, far, on: loop, timeouts: service.timeouts, account: account) {
            self.ended(account)
            self.loop.counters.finished(self.isBlocked ? .blocked : .ok)
            if let session { self.service.sessions.remove(session, on: self.loop.eventLoop) }
        }
        session?.stream = relay
    }

    // MARK: The owner's rules

    /// What is refused by a rule ends in good order, as when a target cannot be had; a request in plain HTTP is answered with
    /// the page.
    private func block(_ target: TargetAddress, _ account: UserAccount?, _ rule: DecidingRule, _ near: RelayHandler) {
        loop.counters.finished(.blocked)
        // It counts for as long as it is there, though it leads nowhere.
        channel.closeFuture.assumeIsolated().whenComplete { _ in self.ended(account) }
        service.policy.refusals.note(target, peer: channel.peerEndpoint, user: account?.name, rule)
        near.decline(
            answeringBy: AnsweringScreen { path, request in
                self.page(request, target, path, rule)
            })
    }

    func setScreen(
        _ judge: RequestJudge, _ target: TargetAddress, _ account: UserAccount?, _ near: RelayHandler
    ) {
        let policy = service.policy.current
        guard policy.sniffs else { return }
        let isAddress = if case .ip = target.canonical.host { true } else { false }
        near.setScreen(
            JudgingScreen(judge, isStrict: isAddress || policy.hasPaths) { rule, shown, request in
                self.refused(request, shown, target, account, rule)
            })
    }

    /// Notes that what a stream shows is refused; the page, if it was a request that can be answered.
    func refused(
        _ request: HTTPRequest?, _ shown: ShownTarget?, _ target: TargetAddress, _ account: UserAccount?,
        _ rule: DecidingRule
    ) -> ByteBuffer? {
        isBlocked = true
        let (host, path) = Self.words(shown)
        let named = host.flatMap { TargetAddress(host: $0, port: target.port) } ?? target
        service.policy.refusals.note(named, peer: channel.peerEndpoint, user: account?.name, rule)
        return request.map { page($0, named, path, rule) }
    }

    private static func words(_ shown: ShownTarget?) -> (host: String?, path: String?) {
        switch shown {
        case .tlsName(let name): (name.text, nil)
        case .request(.name(let name), let path): (name.text, String(decoding: path, as: UTF8.self))
        case .request(.address(let address), let path): ("\(address)", String(decoding: path, as: UTF8.self))
        case .request(nil, let path): (nil, String(decoding: path, as: UTF8.self))
        case nil: (nil, nil)
        }
    }

    private func page(
        _ request: HTTPRequest, _ target: TargetAddress, _ path: String?, _ rule: DecidingRule
    ) -> ByteBuffer {
        let host =
            switch target.canonical.host {
            case .ip(let address): "\(address)"
            case .name(let name): "\(name)"
            }
        return ByteBuffer(
            bytes: BlockedPage.response(
                to: request, host: host, path: path, rule, contact: service.policy.current.contact,
                date: HTTPDate.text(Int64(clamping: WallClock.now()))))
    }

    func requestRefused(_ fault: StreamFault, context: ChannelHandlerContext) {
        let status = ConnectionStatus(fault)
        loop.counters.finished(status)
        guard let peer = channel.peerEndpoint else { return }
        switch fault {
        case .stale(let seconds):
            // Whoever sent this has the key, or has recorded somebody who has: no stranger's failure.
            service.log.log(
                .warning, "an authentic header is out of time; set the clocks of both machines by NTP",
                [("peer", "\(peer)"), ("seconds", "\(seconds)"), ("status", "\(status)")])
        case .memoryFull:
            service.log.log(
                .warning, "what is kept of requests is used up; a stream is refused", [("status", "\(status)")])
        case .notAuthentic, .replayed, .badChunkLength, .malformedAddress, .truncated, .unknownUser, .badHeader,
            .foreignAnswer:
            service.log.record(.unauthenticated(peer: peer, status))
        }
    }

    func closed() {
        list.leave(self)
    }

    /// Makes room for another connection.
    func evict() {
        channel.close(promise: nil)
    }
}
