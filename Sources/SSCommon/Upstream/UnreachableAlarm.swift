// When the command of "on_unreachable" runs. It may cost money (an address rotated at a provider), so nothing but real use
// that failed for a while counts, and it runs seldom.

package struct UnreachableAlarm: Hashable, Sendable {
    /// How long everything must have failed.
    package static let patience = Duration.seconds(15)
    /// Between two runs at least; doubled with each run while nothing works, up to `longestPause`.
    package static let pause = Duration.seconds(300)
    package static let longestPause = Duration.seconds(3600)
    /// Failures that count at least.
    static let failures = 3

    private var failingSince: ContinuousClock.Instant?
    private var lastFailure: ContinuousClock.Instant?
    private var count = 0
    private var lastRun: ContinuousClock.Instant?
    /// Since a server answered.
    private var runs = 0

    package init() {}

    /// Somebody wanted a stream and got none.
    package mutating func failed(now: ContinuousClock.Instant) {
        // What failed long ago and was not tried since is another story.
        if let lastFailure, now - lastFailure > Self.pause { failingSince = nil }
        if failingSince == nil {
            failingSince = now
            count = 0
        }
        lastFailure = now
        count = min(count + 1, Self.failures)
    }

    /// A server answered.
    package mutating func worked() {
        failingSince = nil
        runs = 0
    }

    /// A server took a request and ended the stream in good order, without a word: a limit of the user's, or a target that is not
    /// to be had. Whatever it is, another address would not help.
    package mutating func reached() { failingSince = nil }

    /// Whether to run the command now; counts as a run if so. `isAllDown` is what the table says.
    package mutating func isDue(isAllDown: Bool, now: ContinuousClock.Instant) -> Bool {
        guard isAllDown, let failingSince, let lastFailure, count >= Self.failures, now - failingSince >= Self.patience,
            now - lastFailure < Self.patience
        else { return false }
        let pause = min(Self.pause * (1 << max(0, runs - 1)), Self.longestPause)
        if let lastRun, now - lastRun < pause { return false }
        lastRun = now
        runs = min(runs + 1, 10)
        return true
    }
}
