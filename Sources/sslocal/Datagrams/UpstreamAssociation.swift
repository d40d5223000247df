// An application's datagrams and the server they go through. A server is chosen at the start; when it does not work any more,
// or is not in the list any more, the association moves to the best one. For the target that is another client, which
// applications of UDP cope with; answers that are still on their way from the former server are delivered.
internal import NIOCore
internal import SSCommon
internal import SSNetwork

/// Only ever touched on its event loop.
final class UpstreamAssociation {
    /// What all associations share.
    struct Service: Sendable {
        let servers: ServerSet
        let replay: ReplayGuard

        /// The best server for datagrams whose address can be had, and that address.
        func choose(on eventLoop: any EventLoop) -> EventLoopFuture<(UpstreamServer, Endpoint)> {
            next(servers.datagramRoute()[...], on: eventLoop)
        }

        private func next(
            _ route: ArraySlice<UpstreamServer>, on eventLoop: any EventLoop
        ) -> EventLoopFuture<(UpstreamServer, Endpoint)> {
            guard let server = route.first else { return eventLoop.makeFailedFuture(DialError.nameNotFound) }
            return server.endpoint(on: eventLoop).map { (server, $0) }.flatMapError { error in
                servers.failed(server, DialError(error))
                let rest = route.dropFirst()
                return rest.isEmpty ? eventLoop.makeFailedFuture(error) : next(rest, on: eventLoop)
            }
        }
    }

    private let service: Service
    private let eventLoop: any EventLoop
    private let onReply: (TargetAddress, ByteBuffer) -> Void
    private let onReplies: () -> Void
    private var server: UpstreamServer
    private var current: ClientAssociation
    private var former: ClientAssociation?
    private var generation: Int
    private var isMoving = false
    private var isClosed = false
    /// Datagrams that wait for an answer, and since when.
    private var waiting = (count: 0, since: ContinuousClock.Instant?.none)
    private var hasTold = false

    /// How long answers of the former server are still taken.
    private static let farewell = TimeAmount.seconds(30)
    /// So many datagrams in so long without one back say something about the server.
    private static let patience = Duration.seconds(5)
    private static let patienceCount = 3

    /// `server` at `endpoint`; what it answers goes to `onReply`, and `onReplies` is called after a batch.
    init(
        _ service: Service, _ server: UpstreamServer, at endpoint: Endpoint, on eventLoop: any EventLoop,
        onReply: @escaping (TargetAddress, ByteBuffer) -> Void, onReplies: @escaping () -> Void
    ) {
        self.service = service
        self.server = server
        self.eventLoop = eventLoop
        self.onReply = onReply
        self.onReplies = onReplies
        generation = service.servers.generation
        let replies = Replies()
        current = Self.open(service, server, endpoint, eventLoop, replies, onReplies)
        replies.association = self
    }

    /// What a `ClientAssociation` has of this one while it lives.
    private final class Replies {
        weak var association: UpstreamAssociation?
    }

    private static func open(
        _ service: Service, _ server: UpstreamServer, _ endpoint: Endpoint, _ eventLoop: any EventLoop,
        _ replies: Replies, _ onReplies: @escaping () -> Void
    ) -> ClientAssociation {
        ClientAssociation(
            server: endpoint, credential: server.credential, replay: service.replay, eventLoop: eventLoop,
            onReply: { source, payload in replies.association?.received(payload, from: source) }, onReplies: onReplies)
    }

    /// Seals `payload` for `target`; leaves with the next `flush`.
    func send(_ payload: ByteBuffer, to target: TargetAddress) {
        if generation != service.servers.generation { look() }
        current.send(payload, to: target)
        noteRequest(target)
    }

    func flush() { current.flush() }

    func close() {
        isClosed = true
        current.close()
        former?.close()
        former = nil
    }

    private func received(_ payload: ByteBuffer, from source: TargetAddress) {
        if waiting.count > 0 {
            waiting = (0, nil)
            if hasTold { service.servers.note(.datagramAnswered, about: server.id) }
            hasTold = false
        }
        onReply(source, payload)
    }

    private func noteRequest(_ target: TargetAddress) {
        waiting.count += 1
        guard waiting.count > Self.patienceCount, service.servers.isWatching else { return }
        let now = ContinuousClock.now
        guard let since = waiting.since else {
            waiting.since = now
            return
        }
        guard now - since >= Self.patience else { return }
        waiting = (Self.patienceCount, now)
        hasTold = true
        service.servers.note(.asked(target: target.hashValue), about: server.id)
    }

    // MARK: Moving

    private func look() {
        generation = service.servers.generation
        guard !isMoving, !service.servers.isUsable(server) else { return }
        isMoving = true
        service.choose(on: eventLoop).assumeIsolated().whenComplete { result in
            self.isMoving = false
            guard case .success(let (next, endpoint)) = result, !self.isClosed, next.id != self.server.id else {
                return
            }
            self.move(to: next, at: endpoint)
        }
    }

    private func move(to next: UpstreamServer, at endpoint: Endpoint) {
        let last = current
        let replies = Replies()
        replies.association = self
        former?.close()
        former = last
        server = next
        current = Self.open(service, next, endpoint, eventLoop, replies, onReplies)
        waiting = (0, nil)
        hasTold = false
        eventLoop.assumeIsolated().scheduleTask(in: Self.farewell) {
            last.close()
            if self.former === last { self.former = nil }
        }
    }
}
