// A Shadowsocks server this laptop uses, and what its behaviour tells: a wrong key or method shows itself only as
// silence, so the silence is noticed and explained.
//
// Where there is but one server nothing chooses, so its streams are not watched one by one: they leave marks here, which
// cost a store each, and `look` reads them now and then.
internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import SSCommon
internal import SSNetwork
internal import struct Synchronization.Atomic

/// What is needed to use a server.
struct ServerEntry: Sendable {
    let configuration: EndpointConfiguration
    let credential: Credential

    /// Whether both are the same server under the same name.
    func isSame(as other: ServerEntry) -> Bool {
        configuration.address == other.configuration.address && configuration.name == other.configuration.name
            && configuration.mode == other.configuration.mode && credential.isSame(as: other.credential)
    }
}

/// One server. Who wants to know what its streams show is told by `report`.
final class UpstreamServer: ClientStreamOwner {
    typealias Report = @Sendable (ServerTable.ID, ServerEvidence) -> Void

    let id: ServerTable.ID
    let entry: ServerEntry
    private let resolver: any NameResolver
    private let logger: Logger
    private let report: Report
    private let state = NIOLockedValueBox(State())
    private let streams = Atomic(0)
    /// Since `look` last looked.
    private let wasAsked = Atomic(false)
    private let hasAnswered = Atomic(false)
    /// Whether an answer would be news.
    private let isNewsWanted = Atomic(true)
    private let hasEverAnswered = Atomic(false)

    private struct State {
        /// Streams in a row that the server closed without a word.
        var silent = 0
        /// Since when requests go out and nothing comes back.
        var unansweredSince: NIODeadline?
        var hasComplained = false
        /// How often `look` found requests and no answers, in a row.
        var quietLooks = 0
        var lastAnswer: ContinuousClock.Instant?
    }

    /// How long a server may keep silent before that is worth a word.
    private static let patience = TimeAmount.seconds(10)
    /// How many silent streams in a row are worth a word.
    private static let suspicious = 3
    /// How many looks in a row without an answer are evidence.
    private static let quietLooks = 3

    init(
        _ id: ServerTable.ID, _ entry: ServerEntry, resolver: any NameResolver, logger: Logger,
        report: @escaping Report = { _, _ in }
    ) {
        self.id = id
        self.entry = entry
        self.resolver = resolver
        self.logger = logger
        self.report = report
    }

    var address: TargetAddress { entry.configuration.address }
    var credential: Credential { entry.credential }
    var mode: RelayMode { entry.configuration.mode }
    var openStreams: Int { max(0, streams.load(ordering: .relaxed)) }

    /// Where datagrams go: the server's first address.
    func endpoint(on eventLoop: any EventLoop) -> EventLoopFuture<Endpoint> {
        switch address.host {
        case .ip(let ip):
            return eventLoop.makeSucceededFuture(Endpoint(ip.folded, address.port))
        case .name(let name):
            let port = address.port
            return resolver.resolve(name, on: eventLoop).flatMapThrowing { addresses in
                guard let first = addresses.first else { throw DialError.nameNotFound }
                return Endpoint(first.folded, port)
            }
        }
    }

    // MARK: ClientStreamOwner

    func streamOpened() { streams.wrappingAdd(1, ordering: .relaxed) }

    func streamClosed() { streams.wrappingSubtract(1, ordering: .relaxed) }

    func serverAnswered() {
        Self.mark(hasAnswered)
        noteAnswer()
        guard isNewsWanted.load(ordering: .relaxed) else { return }
        report(id, .answered(after: nil))
    }

    func requestSent(_ first: ByteBuffer) {
        // Who has said nothing waits for nothing.
        if first.readableBytes > 0 { Self.mark(wasAsked) }
        noteRequest()
    }

    /// Loops share the mark, and mostly it is set already.
    private static func mark(_ mark: borrowing Atomic<Bool>) {
        if !mark.load(ordering: .relaxed) { mark.store(true, ordering: .relaxed) }
    }

    func serverAnswerRefused(_ fault: StreamFault) {
        switch fault {
        case .truncated:
            logger.warning("the server cut a stream off in the middle", metadata: ["server": "\(address)"])
            return
        case .replayed:
            logger.error(
                "an old answer of the server was played again: somebody on the way tampers",
                metadata: ["server": "\(address)"])
            return
        case .stale(let seconds):
            logger.error(
                "the server's clock is off: set the clocks of both machines by NTP",
                metadata: ["server": "\(address)", "seconds": "\(seconds)"])
        case .notAuthentic, .badChunkLength, .malformedAddress, .unknownUser, .badHeader, .foreignAnswer, .memoryFull:
            logger.error(
                "the server's answer cannot be opened: compare method and password with the server's",
                metadata: ["server": "\(address)", "method": "\(credential.method.rawValue)"])
        }
        report(id, .answerRefused)
    }

    func serverClosedSilently() {
        let silent = state.withLockedValue { state in
            state.silent += 1
            return state.silent
        }
        guard silent == Self.suspicious, !hasEverAnswered.load(ordering: .relaxed) else { return }
        logger.warning(
            "the server takes connections but never answers: compare method and password with the server's",
            metadata: ["server": "\(address)", "method": "\(credential.method.rawValue)"])
    }

    // MARK: The diagnosis of silence

    /// An answer, as far as the diagnosis goes.
    func noteAnswer() {
        if hasEverAnswered.load(ordering: .relaxed) { return }
        hasEverAnswered.store(true, ordering: .relaxed)
        state.withLockedValue { $0.unansweredSince = nil }
    }

    /// A request, as far as the diagnosis goes.
    func noteRequest() {
        if hasEverAnswered.load(ordering: .relaxed) { return }
        let now = NIODeadline.now()
        state.withLockedValue { state in
            if state.unansweredSince == nil { state.unansweredSince = now }
        }
    }

    /// The next answer is news, or not.
    func wantNews(_ isWanted: Bool) { isNewsWanted.store(isWanted, ordering: .relaxed) }

    /// When an unwatched stream was last answered, to within the time between two looks.
    var lastAnswer: ContinuousClock.Instant? { state.withLockedValue { $0.lastAnswer } }

    /// Reads the marks that streams have left, and says once that nothing ever comes back; to be called now and then.
    func look(now: ContinuousClock.Instant) {
        let wasAsked = wasAsked.exchange(false, ordering: .relaxed)
        let hasAnswered = hasAnswered.exchange(false, ordering: .relaxed)
        let isQuiet = state.withLockedValue { state in
            if hasAnswered {
                state.lastAnswer = now
                state.quietLooks = 0
            } else if wasAsked {
                state.quietLooks += 1
            }
            return state.quietLooks == Self.quietLooks && wasAsked
        }
        if isQuiet {
            // Only an answer clears it, so the next one must be heard of.
            wantNews(true)
            report(id, .quiet)
        }
        complainOfSilence()
    }

    private func complainOfSilence() {
        if hasEverAnswered.load(ordering: .relaxed) { return }
        let now = NIODeadline.now()
        let isSilent = state.withLockedValue { state in
            guard !state.hasComplained, let since = state.unansweredSince, now - since >= Self.patience else {
                return false
            }
            state.hasComplained = true
            return true
        }
        guard isSilent else { return }
        logger.warning(
            credential.method.edition == .sip022
                ? "the server is reachable but does not answer: compare password, method and clock with the server's"
                : "the server is reachable but does not answer: compare password and method with the server's",
            metadata: ["server": "\(address)", "method": "\(credential.method.rawValue)"])
    }
}
