// What one user of a port moves and may move. Streams and associations on all loops count here, each with a few relaxed
// atomic operations and no lock; whoever keeps the books (months, the file) reads and sets it from elsewhere.
internal import Synchronization

package final class UserAccount: Sendable {
    /// Why a stream or an association may not be, or go on.
    package enum Refusal: UInt8, Sendable, CaseIterable {
        /// The month's quota is used up.
        case quota = 1
        /// The last day is over.
        case expired = 2
        /// There is no such user any more.
        case removed = 3
        /// As many as allowed are open.
        case limit = 4

        /// For the log.
        package var words: String {
            switch self {
            case .quota: "the quota of this month is used up"
            case .expired: "the user has expired"
            case .removed: "the user was removed"
            case .limit: "too many are open at once"
            }
        }
    }

    /// security.md 6.2: of a user who has no number of their own.
    package static let usualStreams = 512
    /// UDP associations of one user at once.
    package static let maximumAssociations = 256

    package let name: String
    private let associationLimit: Int
    private let bytesUp = Atomic<UInt64>(0)
    private let bytesDown = Atomic<UInt64>(0)
    private let packetsUp = Atomic<UInt64>(0)
    private let packetsDown = Atomic<UInt64>(0)
    private let streamsOpened = Atomic<UInt64>(0)
    private let associationsOpened = Atomic<UInt64>(0)
    /// Of this month, up and down together.
    private let used = Atomic<UInt64>(0)
    private let quota = Atomic<UInt64>(.max)
    private let streams = Atomic(0)
    private let streamLimit = Atomic(usualStreams)
    private let associations = Atomic(0)
    private let seen = Atomic<UnixSeconds>(0)
    /// A `Refusal`, or 0.
    private let standing = Atomic<UInt8>(0)
    private let upwards = RatePacer()
    private let downwards = RatePacer()

    /// A user, or everybody on a port, who together have no such limits.
    package init(name: String, isEverybody: Bool = false) {
        self.name = name
        associationLimit = isEverybody ? .max : Self.maximumAssociations
        if isEverybody { streamLimit.store(.max, ordering: .relaxed) }
    }

    // MARK: For streams and associations

    /// Why the user may move nothing; nil if they may.
    package var refusal: Refusal? { Refusal(rawValue: standing.load(ordering: .relaxed)) }

    /// Counts a stream in, or says why there may be none.
    package func openStream(at now: UnixSeconds) -> Refusal? {
        open(streams, streamsOpened, limit: streamLimit.load(ordering: .relaxed), now)
    }

    /// To be called once for every `openStream` that was not refused.
    package func closeStream() { streams.subtract(1, ordering: .relaxed) }

    /// Counts an association in, or says why there may be none.
    package func openAssociation(at now: UnixSeconds) -> Refusal? {
        open(associations, associationsOpened, limit: associationLimit, now)
    }

    /// To be called once for every `openAssociation` that was not refused.
    package func closeAssociation() { associations.subtract(1, ordering: .relaxed) }

    private func open(
        _ counter: borrowing Atomic<Int>, _ total: borrowing Atomic<UInt64>, limit: Int, _ now: UnixSeconds
    ) -> Refusal? {
        if let refusal { return refusal }
        guard counter.add(1, ordering: .relaxed).newValue <= limit else {
            counter.subtract(1, ordering: .relaxed)
            return .limit
        }
        total.add(1, ordering: .relaxed)
        seen.max(now, ordering: .relaxed)
        return nil
    }

    /// Payload bytes went to a target. The result is for how many nanoseconds to take no more.
    package func moved(up bytes: Int, now: @autoclosure () -> UInt64) -> UInt64 {
        bytesUp.add(UInt64(bytes), ordering: .relaxed)
        use(bytes)
        return upwards.take(bytes, now: now())
    }

    /// Payload bytes came from a target; as above.
    package func moved(down bytes: Int, now: @autoclosure () -> UInt64) -> UInt64 {
        bytesDown.add(UInt64(bytes), ordering: .relaxed)
        use(bytes)
        return downwards.take(bytes, now: now())
    }

    /// A stream wants to begin. The result is for how many nanoseconds it may not: it takes its place behind what was moved
    /// before, and pays for a little, for it may be over before it could be told to wait.
    package func begun(now: @autoclosure () -> UInt64) -> UInt64 {
        max(upwards.take(Self.entrance, now: now()), downwards.take(Self.entrance, now: now()))
    }

    private static let entrance = 512

    /// How many bytes a stream may move before it asks how long to wait; nil for any number. So few that all of the user's
    /// streams together are not far ahead of the rate, and another one's first bytes do not wait long.
    package var portion: Int? {
        guard let rate else { return nil }
        let share = rate / UInt64(max(1, streams.load(ordering: .relaxed))) / 4
        return Int(min(max(share, 1024), 65_536))
    }

    /// Bytes a second, in each direction; nil for any.
    package var rate: UInt64? { upwards.bytesPerSecond }

    /// Whether a datagram's payload may go to a target, which then counts.
    package func mayMove(up bytes: Int, now: @autoclosure () -> UInt64) -> Bool {
        guard refusal == nil, upwards.offer(bytes, now: now()) else { return false }
        packetsUp.add(1, ordering: .relaxed)
        bytesUp.add(UInt64(bytes), ordering: .relaxed)
        use(bytes)
        return true
    }

    /// Whether a datagram's payload may come from a target, which then counts.
    package func mayMove(down bytes: Int, now: @autoclosure () -> UInt64) -> Bool {
        guard refusal == nil, downwards.offer(bytes, now: now()) else { return false }
        packetsDown.add(1, ordering: .relaxed)
        bytesDown.add(UInt64(bytes), ordering: .relaxed)
        use(bytes)
        return true
    }

    private func use(_ bytes: Int) {
        let used = used.add(UInt64(bytes), ordering: .relaxed).newValue
        guard used >= quota.load(ordering: .relaxed) else { return }
        _ = standing.compareExchange(expected: 0, desired: Refusal.quota.rawValue, ordering: .relaxed)
    }

    // MARK: For whoever keeps the books

    /// What is open and was moved, since the account was made.
    package struct Reading: Hashable, Sendable {
        package var up: UInt64
        package var down: UInt64
        /// Datagrams.
        package var packetsUp: UInt64
        package var packetsDown: UInt64
        package var streamsOpened: UInt64
        package var associationsOpened: UInt64
        /// Of the month.
        package var used: UInt64
        package var streams: Int
        package var associations: Int
        /// 0 for never.
        package var seen: UnixSeconds
    }

    package var reading: Reading {
        Reading(
            up: bytesUp.load(ordering: .relaxed), down: bytesDown.load(ordering: .relaxed),
            packetsUp: packetsUp.load(ordering: .relaxed), packetsDown: packetsDown.load(ordering: .relaxed),
            streamsOpened: streamsOpened.load(ordering: .relaxed),
            associationsOpened: associationsOpened.load(ordering: .relaxed),
            used: used.load(ordering: .relaxed), streams: streams.load(ordering: .relaxed),
            associations: associations.load(ordering: .relaxed), seen: seen.load(ordering: .relaxed))
    }

    /// What an earlier run of the program knew.
    package func recall(used bytes: UInt64, seen time: UnixSeconds) {
        used.add(bytes, ordering: .relaxed)
        seen.max(time, ordering: .relaxed)
    }

    /// Another month has begun; the result is what the last one came to.
    package func beginMonth() -> UInt64 { used.exchange(0, ordering: .relaxed) }

    /// Nil is no limit, but for streams, where it is the usual one. Bytes, and bytes a second in each direction.
    package func setLimits(quota bytes: UInt64?, rate: UInt64?, streams: Int?) {
        quota.store(bytes ?? .max, ordering: .relaxed)
        upwards.setRate(rate)
        downwards.setRate(rate)
        streamLimit.store(streams ?? Self.usualStreams, ordering: .relaxed)
    }

    /// Judges anew; `removed` and `expired` are told by the caller, the quota is looked up.
    package func judge(_ known: Refusal?) {
        let isUsedUp = used.load(ordering: .relaxed) >= quota.load(ordering: .relaxed)
        let refusal = known ?? (isUsedUp ? .quota : nil)
        standing.store(refusal?.rawValue ?? 0, ordering: .relaxed)
    }
}
