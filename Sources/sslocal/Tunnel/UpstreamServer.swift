// The Shadowsocks server this laptop uses, and what its behaviour tells: a wrong key or method shows itself only as
// silence, so the silence is noticed and explained.
internal import Logging
internal import NIOCore
internal import SSCommon
internal import SSNetwork
internal import NIOConcurrencyHelpers

/// One server.
final class UpstreamServer: ClientStreamOwner {
    let address: TargetAddress
    let credential: Credential
    private let resolver: any NameResolver
    private let logger: Logger
    private let state = NIOLockedValueBox(State())

    private struct State {
        /// Streams in a row that the server closed without a word.
        var silent = 0
        var hasEverAnswered = false
        /// Since when requests go out and nothing comes back.
        var unansweredSince: NIODeadline?
        var hasComplained = false
    }

    /// How long a server may keep silent before that is worth a word.
    private static let patience = TimeAmount.seconds(10)

    /// How many silent streams in a row are worth a word.
    private static let suspicious = 3

    init(_ address: TargetAddress, _ credential: Credential, resolver: any NameResolver, logger: Logger) {
        self.address = address
        self.credential = credential
        self.resolver = resolver
        self.logger = logger
    }

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

    func serverAnswered() {
        state.withLockedValue { state in
            state.silent = 0
            state.hasEverAnswered = true
            state.unansweredSince = nil
        }
    }

    func requestSent() {
        let now = NIODeadline.now()
        state.withLockedValue { state in
            if state.unansweredSince == nil { state.unansweredSince = now }
        }
    }

    /// Says once that nothing ever comes back; to be called now and then.
    func complainOfSilence() {
        let now = NIODeadline.now()
        let isSilent = state.withLockedValue { state in
            guard !state.hasEverAnswered, !state.hasComplained, let since = state.unansweredSince,
                now - since >= Self.patience
            else { return false }
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

    func serverAnswerRefused(_ fault: StreamFault) {
        switch fault {
        case .truncated:
            logger.warning("the server cut a stream off in the middle", metadata: ["server": "\(address)"])
        case .replayed:
            logger.error(
                "an old answer of the server was played again: somebody on the way tampers",
                metadata: ["server": "\(address)"])
        case .stale(let seconds):
            logger.error(
                "the server's clock is off: set the clocks of both machines by NTP",
                metadata: ["server": "\(address)", "seconds": "\(seconds)"])
        case .notAuthentic, .badChunkLength, .malformedAddress, .unknownUser, .badHeader, .foreignAnswer, .memoryFull:
            logger.error(
                "the server's answer cannot be opened: compare method and password with the server's",
                metadata: ["server": "\(address)", "method": "\(credential.method.rawValue)"])
        }
    }

    func serverClosedSilently() {
        let (silent, hasEverAnswered) = state.withLockedValue { state in
            state.silent += 1
            return (state.silent, state.hasEverAnswered)
        }
        guard silent == Self.suspicious, !hasEverAnswered else { return }
        logger.warning(
            "the server takes connections but never answers: compare method and password with the server's",
            metadata: ["server": "\(address)", "method": "\(credential.method.rawValue)"])
    }
}
