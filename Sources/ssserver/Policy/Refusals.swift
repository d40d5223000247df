// What was refused, for the log and for counts. A rule that somebody runs into all the time must not fill the disk.
internal import NIOConcurrencyHelpers
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

final class Refusals: Sendable {
    private struct State {
        var limit = MessageLimit()
        var counts: [String: UInt64] = [:]
    }

    /// Sources that are counted apart.
    private static let maximumSources = 1000

    private let log: LogSink
    private let state = NIOLockedValueBox(State())

    init(log: LogSink) { self.log = log }

    /// How often each source's rules have refused something.
    var counts: [String: UInt64] { state.withLockedValue { $0.counts } }

    /// Counts, and writes the log's line unless there were many of this user's and this rule's just now.
    func note(_ target: TargetAddress, peer: Endpoint?, user: String?, _ rule: DecidingRule) {
        let now = Int64(clamping: WallClock.now())
        let (text, source) = (rule.rule, rule.origin.source)
        let verdict = state.withLockedValue { state in
            if state.counts[source] != nil || state.counts.count < Self.maximumSources {
                state.counts[source, default: 0] += 1
            }
            return state.limit.judge("\(user ?? peer.map { "\($0.address)" } ?? "")\0\(text)", now: now)
        }
        guard case .write = verdict, let peer else { return }
        log.record(.blocked(target, peer: peer, rule: text, source: rule.place))
    }
}
