// The three things the relay itself logs about connections. They are part of the contract: ban engines read
// them, so their words never change (`LogFormatter` writes them).

/// Something a log reader may act on.
package enum RelayEvent: Hashable, Sendable {
    /// A stream was accepted and its target is about to be dialled.
    case connecting(TargetAddress, peer: Endpoint)
    /// A connection's first bytes did not authenticate (`cipher`) or were a replay (`replay`).
    /// Written once for every such TCP connection, and for nothing else: bans are counted from it.
    case unauthenticated(peer: Endpoint, ConnectionStatus)
    /// A rule forbids the target. `source` says where the rule stands, as `file:line`.
    case blocked(TargetAddress, peer: Endpoint, rule: String, source: String)

    package var level: LogLevel {
        switch self {
        case .connecting: .info
        case .unauthenticated: .error
        case .blocked: .warning
        }
    }

    package var status: ConnectionStatus {
        switch self {
        case .connecting: .ok
        case .unauthenticated(_, let status): status
        case .blocked: .blocked
        }
    }
}
