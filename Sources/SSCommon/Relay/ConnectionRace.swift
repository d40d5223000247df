// Connecting to a host with several addresses (RFC 8305, "Happy Eyeballs"): families take turns, the next
// attempt starts when the last one fails or after a delay, the first to connect wins and the others are closed.
//
// The first family is IPv4 unless the operator says `ipv6_first`: a server with a broken IPv6 route is common,
// one with a broken IPv4 route is not, and whoever has a good one says so.

/// One race, of addresses or of servers. Pure: the shell connects, keeps the one timer and reports; it does what `Step`
/// says.
package struct ConnectionRace<Candidate: Hashable & Sendable>: Sendable {
    /// Addresses tried at most: a name may have hundreds, and a dial may not cost hundreds of sockets.
    package static var attemptLimit: Int { 8 }

    /// What the shell is to do.
    package enum Step: Hashable, Sendable {
        /// Start an attempt; if `timer`, call `delayElapsed` after `attemptDelay` (an older timer is void).
        case connect(attempt: Int, Candidate, timer: Bool)
        /// Nothing.
        case wait
        /// Hand over this attempt's connection and close all others that are under way.
        case won(attempt: Int)
        /// Close this attempt's connection: it came too late.
        case discard(attempt: Int)
        /// Every attempt failed.
        case lost
    }

    private let candidates: [Candidate]
    /// Between two attempts of which none has failed yet.
    package let attemptDelay: Duration
    private var started = 0
    private var underWay = 0
    private var isOver = false

    /// Nil without candidates; they are tried in this order.
    package init?(_ candidates: [Candidate], attemptDelay: Duration) {
        self.candidates = Array(candidates.prefix(Self.attemptLimit))
        self.attemptDelay = attemptDelay
        if candidates.isEmpty { return nil }
    }

    package mutating func start() -> Step { next() }

    package mutating func delayElapsed() -> Step { isOver ? .wait : next() }

    package mutating func failed() -> Step {
        underWay -= 1
        if isOver { return .wait }
        let step = next()
        if step == .wait, underWay == 0 {
            isOver = true
            return .lost
        }
        return step
    }

    package mutating func succeeded(attempt: Int) -> Step {
        underWay -= 1
        if isOver { return .discard(attempt: attempt) }
        isOver = true
        return .won(attempt: attempt)
    }

    /// The caller's patience is at an end; everything under way is to be closed.
    package mutating func giveUp() { isOver = true }

    private mutating func next() -> Step {
        guard started < candidates.count else { return .wait }
        defer {
            started += 1
            underWay += 1
        }
        return .connect(attempt: started, candidates[started], timer: started + 1 < candidates.count)
    }
}

extension ConnectionRace where Candidate == IPAddress {
    /// Nil without addresses.
    package init?(_ addresses: [IPAddress], ipv6First: Bool) {
        // RFC 8305 5, "Connection Attempt Delay".
        self.init(Self.interleave(addresses, ipv6First: ipv6First), attemptDelay: .milliseconds(250))
    }

    /// RFC 8305 4 with a first family count of one; order inside a family stays, repeats go.
    private static func interleave(_ addresses: [IPAddress], ipv6First: Bool) -> [IPAddress] {
        var families: (v4: [IPAddress], v6: [IPAddress]) = ([], [])
        var seen: Set<IPAddress> = []
        for address in addresses.lazy.map(\.folded) where seen.insert(address).inserted {
            switch address {
            case .v4: families.v4.append(address)
            case .v6: families.v6.append(address)
            }
        }
        let (first, second) = ipv6First ? (families.v6, families.v4) : (families.v4, families.v6)
        var mixed: [IPAddress] = []
        for index in 0..<max(first.count, second.count) {
            if index < first.count { mixed.append(first[index]) }
            if index < second.count { mixed.append(second[index]) }
        }
        return mixed
    }
}
