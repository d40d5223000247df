// How much one source may take of a server that others share: connections that have not authenticated, and streams that
// have (security.md 6.2 has the numbers' reasons). A source is an IPv4 address or an IPv6 /64, which is what one
// household has. Loopback is no source: behind it stands a plugin or a proxy that speaks for many.
internal import NIOConcurrencyHelpers
internal import SSCommon

/// The counts of all loops together.
final class SourceLimits: Sendable {
    /// Where something comes from.
    enum Source: Hashable, Sendable {
        case v4(UInt32)
        /// The upper half of the address.
        case v6(UInt64)

        /// Nil for loopback.
        init?(_ address: IPAddress) {
            switch address.folded {
            case .v4(let address):
                guard address.value >> 24 != 127 else { return nil }
                self = .v4(address.value)
            case .v6(let address):
                guard address.high != 0 || address.low != 1 else { return nil }
                self = .v6(address.high)
            }
        }
    }

    private struct Counts {
        var waiting = 0
        var streams = 0
    }

    private struct State {
        var limits: ConnectionLimits
        var streams = 0
        var sources: [Source: Counts] = [:]

        /// Entries that say nothing are not kept, so there are no more than connections.
        mutating func change(_ source: Source, _ body: (inout Counts) -> Void) -> Counts {
            var counts = sources[source] ?? Counts()
            body(&counts)
            sources[source] = counts.waiting == 0 && counts.streams == 0 ? nil : counts
            return counts
        }
    }

    private let state: NIOLockedValueBox<State>

    init(_ limits: ConnectionLimits = ConnectionLimits()) {
        state = NIOLockedValueBox(State(limits: limits))
    }

    /// For what comes from now on.
    func change(to limits: ConnectionLimits) {
        state.withLockedValue { $0.limits = limits }
    }

    /// A connection waits to authenticate. True if its source now has too many that do.
    func waits(_ source: Source?) -> Bool {
        guard let source else { return false }
        return state.withLockedValue { state in
            state.change(source) { $0.waiting += 1 }.waiting > state.limits.waitingPerSource
        }
    }

    /// It does no more: to be called once for each `waits`.
    func waitsNoMore(_ source: Source?) {
        guard let source else { return }
        _ = state.withLockedValue { $0.change(source) { $0.waiting -= 1 } }
    }

    /// Counts a stream in; false if there may be none.
    func openStream(_ source: Source?) -> Bool {
        state.withLockedValue { state in
            guard state.streams < state.limits.streams else { return false }
            if let source {
                guard (state.sources[source]?.streams ?? 0) < state.limits.streamsPerSource else { return false }
                _ = state.change(source) { $0.streams += 1 }
            }
            state.streams += 1
            return true
        }
    }

    /// To be called once for each `openStream` that was granted.
    func closeStream(_ source: Source?) {
        state.withLockedValue { state in
            state.streams -= 1
            if let source { _ = state.change(source) { $0.streams -= 1 } }
        }
    }

    /// For status and tests: streams, and sources that have any or wait.
    var counts: (streams: Int, sources: Int) { state.withLockedValue { ($0.streams, $0.sources.count) } }
}
