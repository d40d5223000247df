// Why a connection could not be had, for a person.

extension DialError {
    /// What a person can make of it.
    package var sentence: String {
        switch self {
        case .nameNotFound: "the name has no address"
        case .refused: "the machine is there, and nothing listens on that port"
        case .unreachable: "there is no way to it from here"
        case .timedOut: "no answer; a firewall may keep the port shut"
        case .notAllowed: "a firewall of this machine forbids it"
        case .exhausted: "this machine has no room for another connection"
        case .failed(let reason): reason
        }
    }
}
