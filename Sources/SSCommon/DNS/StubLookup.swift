// One lookup of a name at configured servers (RFC 1035 7, RFC 8305 3): A and AAAA are asked at once, unanswered
// questions are asked again at the next server, cut answers again over TCP, and it all ends within five
// seconds. IPv4 answers do not wait long for IPv6 ones; IPv6 answers do wait for IPv4 ones, because a server
// without IPv6 has no use for them alone.

/// The state of a lookup. Pure: the shell sends, keeps one timer and reports.
package struct StubLookup: Sendable {
    /// How long each round of questions waits for answers.
    package static let rounds: [Duration] = [.milliseconds(1000), .milliseconds(1500), .milliseconds(2500)]
    /// How long an IPv4 answer waits for the IPv6 one.
    package static let secondFamilyDelay: Duration = .milliseconds(150)
    /// The longest an answer is kept that lacks a family the servers did not answer for, in seconds.
    static let partialTTL: UInt32 = 30

    /// What the shell is to do, in this order.
    package enum Action: Hashable, Sendable {
        /// Send this query to the server over the transport.
        case ask(DNSQuery, server: Int, Nameserver.Transport)
        /// Call `timerFired` after this long; an older timer is void.
        case timer(Duration)
        /// Done: close everything.
        case finish(TimedResolution)
    }

    /// What is known of one question.
    private struct Part {
        var query: DNSQuery
        var answer: DNSReply?
        /// The server that said it cannot tell in this round; it is not asked again in it.
        var failure: Bool = false
        /// Asked over TCP in this round.
        var overTCP = false
    }

    private let transports: [Nameserver.Transport]
    private var parts: [Part]
    private var round = -1
    /// The last thing that went wrong; nil for silence.
    private var trouble: String?
    private var isOver = false
    private var waitsForSecondFamily = false

    /// `ids` must be unpredictable. `transports` has one entry a server, at least one.
    package init(_ name: DomainName, transports: [Nameserver.Transport], ids: (a: UInt16, aaaa: UInt16)) {
        precondition(!transports.isEmpty, "a stub resolver has a server")
        self.transports = transports
        parts = [
            Part(query: DNSQuery(id: ids.a, DNSQuestion(name, .a))),
            // Ids must differ: an answer is told by its id first.
            Part(query: DNSQuery(id: ids.aaaa == ids.a ? ids.aaaa ^ 1 : ids.aaaa, DNSQuestion(name, .aaaa))),
        ]
    }

    package mutating func start() -> [Action] { nextRound() }

    package mutating func timerFired() -> [Action] {
        if isOver { return [] }
        trouble = nil
        return waitsForSecondFamily ? finish() : nextRound()
    }

    /// Bytes from a server that was asked. Bytes that are no answer of ours change nothing.
    package mutating func received(_ message: [UInt8], server: Int, _ transport: Nameserver.Transport) -> [Action] {
        if isOver { return [] }
        for index in parts.indices where parts[index].answer == nil {
            let reply: DNSReply
            do {
                reply = try DNSReply(message, to: parts[index].query)
            } catch {
                switch error {
                case .unrelated: continue
                case .malformed: return fail(part: index, server: server)
                }
            }
            return take(reply, part: index, server: server, transport)
        }
        return []
    }

    /// The server cannot be reached, or was lost, over this transport: for one query, or for all if nil.
    package mutating func lost(_ query: DNSQuery?, server: Int, _ transport: Nameserver.Transport) -> [Action] {
        guard !isOver, server == current else { return [] }
        trouble = "no name server can be reached"
        for index in parts.indices
        where parts[index].answer == nil && (query == nil || query == parts[index].query)
            && (transport == .tcp) == usesTCP(parts[index])
        {
            parts[index].failure = true
        }
        return settle()
    }

    private var current: Int { round % transports.count }

    private func usesTCP(_ part: Part) -> Bool { part.overTCP || transports[current] == .tcp }

    private mutating func take(
        _ reply: DNSReply, part: Int, server: Int, _ transport: Nameserver.Transport
    ) -> [Action] {
        switch reply {
        case .addresses, .absent:
            parts[part].answer = reply
            return settle()
        case .truncated:
            guard transport == .udp else { return fail(part: part, server: server) }
            guard server == current, !parts[part].overTCP else { return [] }
            parts[part].overTCP = true
            return [.ask(parts[part].query, server: server, .tcp)]
        case .failed(let code):
            trouble = "name server answered with code \(code)"
            return fail(part: part, server: server)
        }
    }

    private mutating func fail(part: Int, server: Int) -> [Action] {
        guard server == current else { return [] }
        parts[part].failure = true
        return settle()
    }

    /// Ends the lookup if enough is known, or goes on if this round can bring nothing more.
    private mutating func settle() -> [Action] {
        let open = parts.filter { $0.answer == nil }
        if open.isEmpty { return finish() }
        // "No such name" for IPv6 alone proves little: some servers say so of names that have IPv4 addresses
        // (RFC 4074 4.2), so it is IPv4's answer that counts.
        let isEnough = parts[0].answer.map { !$0.addresses.isEmpty || $0.deniesName } ?? false
        if open.allSatisfy(\.failure) { return isEnough ? finish() : nextRound() }
        if isEnough, !waitsForSecondFamily {
            waitsForSecondFamily = true
            return [.timer(Self.secondFamilyDelay)]
        }
        return []
    }

    private mutating func nextRound() -> [Action] {
        round += 1
        guard round < Self.rounds.count else { return finish() }
        var actions: [Action] = []
        for index in parts.indices where parts[index].answer == nil {
            parts[index].failure = false
            parts[index].overTCP = false
            actions.append(.ask(parts[index].query, server: current, transports[current]))
        }
        return actions + [.timer(Self.rounds[round])]
    }

    private mutating func finish() -> [Action] {
        isOver = true
        let answers = parts.compactMap(\.answer)
        let addresses = answers.flatMap(\.addresses)
        let isPartial = answers.count < parts.count
        if !addresses.isEmpty {
            // An empty family says little about how long the other one holds.
            let ttl = answers.filter { !$0.addresses.isEmpty }.compactMap(\.ttl).min() ?? 0
            return [.finish(TimedResolution(.addresses(addresses), ttl: isPartial ? min(ttl, Self.partialTTL) : ttl))]
        }
        if !isPartial || parts[0].answer?.deniesName ?? false {
            return [.finish(TimedResolution(.absent, ttl: answers.compactMap(\.ttl).min()))]
        }
        return [.finish(TimedResolution(trouble.map { .failed($0) } ?? .timedOut, ttl: nil))]
    }
}

extension DNSReply {
    fileprivate var addresses: [IPAddress] {
        switch self {
        case .addresses(let addresses, _): addresses
        case .absent, .truncated, .failed: []
        }
    }

    fileprivate var ttl: UInt32? {
        switch self {
        case .addresses(_, let ttl): ttl
        case .absent(_, let ttl): ttl
        case .truncated, .failed: nil
        }
    }

    fileprivate var deniesName: Bool {
        switch self {
        case .absent(let exists, _): !exists
        case .addresses, .truncated, .failed: false
        }
    }
}
