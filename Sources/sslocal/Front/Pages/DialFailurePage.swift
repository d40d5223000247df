// The page for a stream that could not be opened. Through a tunnel the laptop only ever connects to the
// Shadowsocks server, so "refused" means something else there than on a direct connection.
import SSNetwork

/// What the dialer of a port connects to, and so whom a failure is about.
enum DialReach: Sendable {
    /// The Shadowsocks server; the target is reached by that.
    case server
    /// The target itself.
    case target
}

extension ErrorPage {
    init(_ error: DialError, reach: DialReach) {
        let party: FailedParty =
            switch reach {
            case .server: .server
            case .target: .target
            }
        let subject =
            switch reach {
            case .server: "The Shadowsocks server"
            case .target: "The web site"
            }
        let check =
            switch reach {
            case .server: "Check that the server runs and that its address and port in the configuration are right."
            case .target: "Check the address, or try again later."
            }
        switch error {
        case .nameNotFound:
            self.init(
                status: 502, title: "Name not found", party: party, what: "\(subject)'s name has no address.",
                advice: check)
        case .refused:
            self.init(
                status: 502, title: "Connection refused", party: party, what: "\(subject) refused the connection.",
                advice: check)
        case .unreachable:
            self.init(
                status: 502, title: "Unreachable", party: party, what: "There is no way to it: \(party.rawValue).",
                advice: "Check this computer's network connection. \(check)")
        case .timedOut:
            self.init(
                status: 504, title: "No connection in time", party: party, what: "\(subject) did not answer in time.",
                advice: "Check this computer's network connection. \(check)")
        case .notAllowed:
            self.init(
                status: 403, title: "Not allowed", party: .laptop,
                what: "A rule on this computer forbids this address.",
                advice: "Change the rule in the configuration if that is not meant.")
        case .exhausted:
            self.init(
                status: 503, title: "Too many connections", party: .laptop,
                what: "sslocal has no room for another connection.", advice: "Close some, or try again in a moment.")
        case .failed:
            self.init(
                status: 502, title: "Connection failed", party: party,
                what: "No connection could be made; the log of sslocal says why.", advice: check)
        }
    }
}
