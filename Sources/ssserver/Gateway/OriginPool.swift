// Connections to origins that are open and asked nothing at the moment (RFC 9112 9.3). One user's are never another's: some
// origins take a connection for a person.
internal import NIOCore
internal import SSCommon
internal import SSNetwork

/// Those of one loop; only ever touched on it.
final class OriginPool: Expiring {
    struct Key: Hashable {
        let target: TargetAddress
        let user: String?
    }

    private struct Idle {
        let upstream: HTTPUpstream
        let since: UInt32
    }

    private static let perKey = 8
    private static let inAll = 256
    /// Seconds; shorter than what most origins wait, so that few close at the moment of a request.
    private static let patience: UInt32 = 15

    private let deadlines: DeadlineList
    private var idle: [Key: [Idle]] = [:]
    private var count = 0
    var deadlineSlot: Int?

    init(_ deadlines: DeadlineList) { self.deadlines = deadlines }

    /// The one that was used last.
    func take(_ key: Key) -> HTTPUpstream? {
        while let one = idle[key]?.popLast() {
            left(key)
            if one.upstream.isReusable { return one.upstream }
            one.upstream.close()
        }
        return nil
    }

    func put(_ upstream: HTTPUpstream, _ key: Key) {
        guard !deadlines.isDraining, count < Self.inAll, idle[key]?.count ?? 0 < Self.perKey else {
            upstream.close()
            return
        }
        upstream.rest()
        if deadlineSlot == nil { deadlines.add(self) }
        idle[key, default: []].append(Idle(upstream: upstream, since: deadlines.now))
        count += 1
    }

    /// The rules have changed: what was allowed may not be any more.
    func closeAll() {
        for one in idle.values.joined() { one.upstream.close() }
        idle = [:]
        count = 0
        deadlines.remove(self)
    }

    func expire(now: UInt32) {
        guard !deadlines.isDraining else { return closeAll() }
        for (key, list) in idle {
            let kept = list.filter { one in
                let isGood = one.upstream.isReusable && now &- one.since < Self.patience
                if !isGood { one.upstream.close() }
                return isGood
            }
            count -= list.count - kept.count
            idle[key] = kept.isEmpty ? nil : kept
        }
        if count == 0 { deadlines.remove(self) }
    }

    private func left(_ key: Key) {
        count -= 1
        if idle[key]?.isEmpty == true { idle[key] = nil }
        if count == 0 { deadlines.remove(self) }
    }
}
