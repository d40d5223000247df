// Requests that a server has not answered. Each target is looked at for itself and must have had its time: three slow sites
// asked at once are three questions, one page's thirty requests to one site are one.

/// What was asked since the server's last answer. Bounded.
struct Silence: Hashable, Sendable {
    private struct Question: Hashable, Sendable {
        var target: Int
        var since: ContinuousClock.Instant
        var last: ContinuousClock.Instant
        /// How often somebody has tried, at different times.
        var tries: Int
    }

    private var questions: [Question] = []

    /// Targets remembered; more would say no more.
    private static let limit = 8
    /// Who asked has given up by then.
    private static let lifetime = Duration.seconds(60)
    /// How long an answer may take before its lack says something, and before it says much.
    private static let patience = Duration.seconds(4)
    private static let longPatience = Duration.seconds(10)
    /// Whoever tries one target again and again has waited this long in all, so often, with so much time between.
    private static let retryPatience = Duration.seconds(6)
    private static let retries = 3
    private static let retryTime = Duration.seconds(1)

    var isEmpty: Bool { questions.isEmpty }

    mutating func asked(_ target: Int, now: ContinuousClock.Instant) {
        forget(now)
        if let index = questions.firstIndex(where: { $0.target == target }) {
            if now - questions[index].last >= Self.retryTime {
                questions[index].tries = min(questions[index].tries + 1, 9)
            }
            questions[index].last = now
        } else if questions.count < Self.limit {
            questions.append(Question(target: target, since: now, last: now, tries: 1))
        }
    }

    mutating func forget(_ now: ContinuousClock.Instant) {
        questions.removeAll { now - $0.since > Self.lifetime }
    }

    /// How much the silence says, as `ServerHealth` counts it: one target that is asked again and again makes it worth a
    /// look, three make the server suspect, five condemn it.
    func doubt(_ now: ContinuousClock.Instant) -> Int {
        let waiting = questions.count { now - $0.since >= Self.patience }
        let waitingLong = questions.count { now - $0.since >= Self.longPatience }
        if waitingLong >= 5 { return ServerHealth.condemned }
        if waiting >= 3 { return 2 }
        return questions.contains { now - $0.since >= Self.retryPatience && $0.tries >= Self.retries } ? 1 : 0
    }
}
