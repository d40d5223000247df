// What tells something about a server on the laptop's list. A target that is slow, silent or gone looks much like a server
// that is, so most of it is weak alone; `ServerHealth` says how much each weighs.

/// One observation.
package enum ServerEvidence: Hashable, Sendable {
    /// A connection came up after so long.
    case connected(after: Duration)
    /// No connection: a reset, silence, or a name without an address.
    case notConnected
    /// No connection, and perhaps because this machine has no network: no route, or a name server that does not answer.
    case noRoute
    /// Another server took a connection while this one let wait.
    case stalled
    /// A request for a target (a hash of it) has left.
    case asked(target: Int)
    /// An answer was authentic; it came so long after its request, if that was measured.
    case answered(after: Duration?)
    /// A datagram of the server was authentic; about connections that says nothing.
    case datagramAnswered
    /// An answer was not authentic, or said a time that is wrong: no other will do better.
    case answerRefused
    /// A check reached the server and got no answer from a target that answers others.
    case checkUnanswered
    /// A check found nothing to ask for: the server takes connections, and more is not known.
    case checkConnected(after: Duration)
    /// Requests go out and nothing has come back for a while, to one who does not look closer.
    case quiet
}
