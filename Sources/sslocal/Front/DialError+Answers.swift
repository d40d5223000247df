// What a failed dial means to the client, in the words of its own protocol.
import SSNetwork

extension DialError {
    /// REP for a SOCKS5 client.
    var socks5Code: SOCKS5ReplyCode {
        switch self {
        case .nameNotFound: .hostUnreachable
        case .refused: .refused
        case .unreachable: .hostUnreachable
        case .timedOut: .timedOut
        case .notAllowed: .notAllowed
        case .exhausted, .failed: .failure
        }
    }

    /// A constant word for the log.
    var word: String {
        switch self {
        case .nameNotFound: "name-not-found"
        case .refused: "refused"
        case .unreachable: "unreachable"
        case .timedOut: "timed-out"
        case .notAllowed: "not-allowed"
        case .exhausted: "exhausted"
        case .failed(let reason): reason
        }
    }
}
