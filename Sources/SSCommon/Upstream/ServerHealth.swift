// One server as its behaviour shows it. Doubts add up and an authentic answer removes them all. Two connections that do not
// come up condemn a server; what may be a target's fault (silence) takes several targets.

package struct ServerHealth: Hashable, Sendable {
    /// From the best to the worst.
    package enum State: Int, Comparable, Sendable, CaseIterable {
        /// It answered, and nothing has spoken against it since.
        case healthy
        /// Nothing is known.
        case unknown
        /// Something failed; others are used first.
        case suspect
        /// It does not work.
        case down

        package static func < (a: State, b: State) -> Bool { a.rawValue < b.rawValue }

        /// For people and programs.
        package var word: String {
            switch self {
            case .healthy: "ok"
            case .unknown: "unknown"
            case .suspect: "suspect"
            case .down: "down"
            }
        }
    }

    /// Of the connection to the server, and from a request to the first of its answer.
    package private(set) var handshake = SmoothedTime()
    package private(set) var answer = SmoothedTime()
    package private(set) var lastAnswer: ContinuousClock.Instant?
    /// What failed since the last answer.
    package private(set) var failures = 0
    private var silence = Silence()
    private var isProven = false
    /// Doubts about the way to it, and about what it does with requests.
    private var connectDoubt = 0
    private var answerDoubt = 0

    /// So many doubts are enough.
    static let condemned = 4

    package init() {}

    package var state: State {
        let doubt = connectDoubt + answerDoubt
        if doubt >= Self.condemned { return .down }
        if doubt > 0 { return .suspect }
        return isProven ? .healthy : .unknown
    }

    /// False if time alone changes nothing.
    var isWaiting: Bool { !silence.isEmpty }

    mutating func note(_ evidence: ServerEvidence, now: ContinuousClock.Instant) {
        switch evidence {
        case .connected(let time):
            handshake.add(time)
            connectDoubt = 0
        case .checkConnected(let time):
            handshake.add(time)
            connectDoubt = 0
            answerDoubt = max(0, answerDoubt - 1)
        case .notConnected: fail(connect: 2)
        case .noRoute, .stalled: fail(connect: 1)
        case .asked(let target):
            silence.asked(target, now: now)
        case .answered(let time):
            self = ServerHealth(provenAt: now, handshake, answer)
            if let time { answer.add(time) }
        case .datagramAnswered:
            silence = Silence()
            answerDoubt = 0
            lastAnswer = now
        case .answerRefused: fail(answer: Self.condemned)
        case .checkUnanswered: fail(answer: 2)
        case .quiet: if answerDoubt == 0 { fail(answer: 1) }
        }
        look(now)
    }

    /// Looks at requests that wait for their answer.
    mutating func look(_ now: ContinuousClock.Instant) {
        guard isWaiting else { return }
        silence.forget(now)
        let doubt = silence.doubt(now)
        if doubt > answerDoubt { fail(answer: doubt - answerDoubt) }
    }

    /// The world has changed: what condemned it may hold no longer.
    mutating func giveAnotherChance() {
        silence = Silence()
        connectDoubt = min(connectDoubt, 1)
        answerDoubt = connectDoubt > 0 ? 0 : min(answerDoubt, 1)
    }

    private init(provenAt now: ContinuousClock.Instant, _ handshake: SmoothedTime, _ answer: SmoothedTime) {
        self.handshake = handshake
        self.answer = answer
        lastAnswer = now
        isProven = true
    }

    private mutating func fail(connect: Int = 0, answer: Int = 0) {
        failures = min(failures + 1, 1_000_000)
        connectDoubt = min(connectDoubt + connect, Self.condemned)
        answerDoubt = min(answerDoubt + answer, Self.condemned)
        // Whoever was down has to prove itself again.
        if state == .down { isProven = false }
    }
}
