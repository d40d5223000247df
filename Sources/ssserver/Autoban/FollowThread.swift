// The thread that follows a log: it waits for lines, hands them to the keeper, and sees to it that what follows from them is done
// at once. One thread and poll(2), so that nothing stands between a line and its ban.
internal import Dispatch
internal import NIOConcurrencyHelpers
internal import SSCommon
internal import SSNetwork

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

final class FollowThread: Sendable {
    /// Bans that are gathered, while lines come in masses, before they are acted on.
    private static let batch = 1000
    /// How long they are gathered at most.
    private static let gathering = Duration.milliseconds(100)
    /// In milliseconds.
    private static let tickInterval: CInt = 1000

    private let keeper: BanKeeper
    private let log: LogSink
    /// Both ends of a pipe: a byte in it wakes the thread.
    private let wake: (read: CInt, write: CInt)
    private let isStopping = NIOLockedValueBox(false)
    /// Why the thread has ended.
    enum End: Hashable, Sendable {
        /// It was told to.
        case stopped
        /// Its input has.
        case inputOver
        /// Its input cannot be read.
        case inputFailed
    }

    private let onEnd: @Sendable (LogPosition?, End) -> Void

    /// `onEnd` is told the position when the thread ends.
    init(_ keeper: BanKeeper, log: LogSink, onEnd: @escaping @Sendable (LogPosition?, End) -> Void) {
        self.keeper = keeper
        self.log = log
        self.onEnd = onEnd
        var ends: [CInt] = [-1, -1]
        precondition(pipe(&ends) == 0, "no descriptors for a pipe")
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        wake = (ends[0], ends[1])
    }

    deinit {
        close(wake.read)
        close(wake.write)
    }

    func stop() {
        isStopping.withLockedValue { $0 = true }
        var byte: UInt8 = 0
        _ = write(wake.write, &byte, 1)
    }

    /// What `follower` finds at first counts by its own times, which are `ahead` seconds ahead; with nil all counts by when it comes.
    func start(_ follower: LogFollower, ahead: Int64?) {
        let handed = Handed(follower)
        // A serial queue of its own is a thread of its own for as long as the block runs.
        DispatchQueue(label: "follow").async { self.run(handed.follower, ahead) }
    }

    private func run(_ follower: LogFollower, _ ahead: Int64?) {
        var ticked = ContinuousClock.now - .milliseconds(Int64(Self.tickInterval))
        keeper.countsByTime(ahead: ahead)
        var isOld = true
        var end: End?
        while !isStopping.withLockedValue({ $0 }) {
            end = readAll(follower, &ticked)
            if isOld {
                isOld = false
                keeper.countsByTime(ahead: nil)
            }
            for notice in follower.takeNotices() { log.log(.warning, "the log", [("notice", notice)]) }
            tick(follower, &ticked)
            if end != nil { break }
            wait(
                follower.descriptor,
                follower.patience < 0 ? Self.tickInterval : min(follower.patience, Self.tickInterval))
            follower.look()
        }
        onEnd(follower.position, end ?? .stopped)
    }

    private func tick(_ follower: LogFollower, _ ticked: inout ContinuousClock.Instant) {
        guard ContinuousClock.now - ticked >= .milliseconds(Int64(Self.tickInterval)) else { return }
        ticked = .now
        keeper.tick(position: follower.position, now: WallClock.raw())
    }

    /// Everything that is there; nil if there will be more.
    private func readAll(_ follower: LogFollower, _ ticked: inout ContinuousClock.Instant) -> End? {
        defer { keeper.settle(now: WallClock.raw()) }
        var acted = ContinuousClock.now
        while !isStopping.withLockedValue({ $0 }) {
            var result = LogReading.idle
            do throws(UnreadableLog) {
                try keeper.read(now: WallClock.raw()) { each throws(UnreadableLog) in result = try follower.read(each) }
            } catch {
                log.log(.error, "the log cannot be read", [("reason", error.text)])
                return .inputFailed
            }
            switch result {
            case .idle: return nil
            case .ended: return .inputOver
            case .more: break
            }
            if keeper.waiting >= Self.batch || ContinuousClock.now - acted >= Self.gathering {
                keeper.act(now: WallClock.raw())
                acted = .now
            }
            tick(follower, &ticked)
        }
        return nil
    }

    private func wait(_ descriptor: CInt?, _ patience: CInt) {
        var requests = [pollfd(fd: wake.read, events: Int16(POLLIN), revents: 0)]
        if let descriptor { requests.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)) }
        _ = poll(&requests, nfds_t(requests.count), patience)
    }
}

/// Carries a follower to its thread.
// Whoever makes one has nothing more to do with the follower, and the block that it is made for alone takes it out.
private final class Handed: @unchecked Sendable {
    let follower: LogFollower

    init(_ follower: LogFollower) { self.follower = follower }
}
