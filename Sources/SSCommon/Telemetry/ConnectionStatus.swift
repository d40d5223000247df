// How a connection ended, in one word. The same word is the `status=` field of a log line, the label of a
// metric and what a test asserts, so that a figure on a plot can be searched for in the log.

/// The outcome of one connection or datagram.
package enum ConnectionStatus: Int, CaseIterable, Sendable {
    /// It was relayed and ended in good order.
    case ok
    /// The first bytes did not authenticate.
    case cipher
    /// The salt (or the packet) was seen before.
    case replay
    /// It authenticated, but what it then asked for is malformed.
    case header
    /// It authenticated, but its time is too far from ours.
    case clock
    /// A rule of the blacklist forbids the target.
    case blocked
    /// The egress policy forbids the target's address or port.
    case denied
    /// The target's name has no address.
    case resolve
    /// The target (or, on the laptop, the server) could not be reached.
    case connect
    /// Nothing came in time.
    case timeout
    /// A limit of ours (descriptors, streams, memory) was reached.
    case limit
    /// It broke after it had been set up.
    case relay

    /// The word in logs and metrics.
    package var word: StaticString {
        switch self {
        case .ok: "OK"
        case .cipher: "ERR_CIPHER"
        case .replay: "ERR_REPLAY"
        case .header: "ERR_HEADER"
        case .clock: "ERR_CLOCK"
        case .blocked: "ERR_BLOCKED"
        case .denied: "ERR_DENIED"
        case .resolve: "ERR_RESOLVE"
        case .connect: "ERR_CONNECT"
        case .timeout: "ERR_TIMEOUT"
        case .limit: "ERR_LIMIT"
        case .relay: "ERR_RELAY"
        }
    }
}

extension ConnectionStatus: CustomStringConvertible {
    package var description: String { "\(word)" }
}

extension ConnectionStatus {
    /// What a fault in the first bytes comes to.
    package init(_ fault: StreamFault) {
        switch fault {
        case .notAuthentic, .badChunkLength, .malformedAddress, .truncated, .unknownUser, .badHeader, .foreignAnswer:
            self = .cipher
        case .replayed: self = .replay
        case .memoryFull: self = .limit
        case .stale: self = .clock
        }
    }
}
