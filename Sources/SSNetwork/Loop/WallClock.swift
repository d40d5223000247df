// The time of day, as SIP022's headers say it. Salts are forgotten by a clock that only goes forward; were the time of day
// set back, headers whose salts are forgotten already would be good again. So it does not go back here either: until it
// has caught up, the latest time that was seen counts.
package import NIOCore
package import SSCommon
internal import Synchronization

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

package final class WallClock: Sendable {
    private let latest = Atomic<UInt64>(0)
    private let read: @Sendable () -> UnixSeconds

    /// How often `watch` looks.
    private static let period = TimeAmount.seconds(10)

    /// The machine's.
    package static let system = WallClock {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(max(0, time.tv_sec))
    }

    /// A clock that shows what `read` says.
    package init(_ read: @escaping @Sendable () -> UnixSeconds) {
        self.read = read
    }

    /// The machine's time.
    package static func now() -> UnixSeconds { system.now() }

    /// As the machine has it at this moment, steps back and all.
    package static func raw() -> UnixSeconds { system.read() }

    /// Seconds since 1970. Small steps back, by no more than a header's time may be off, are followed.
    package func now() -> UnixSeconds {
        let now = read()
        var seen = latest.load(ordering: .relaxed)
        // Once a second for all loops, so that they do not pull one cache line to and fro.
        if now > seen { seen = latest.max(now, ordering: .relaxed).newValue }
        return seen > now + HeaderTime.tolerance ? seen : now
    }

    /// It has shown `time` before, perhaps in an earlier run of the program.
    package func hasShown(_ time: UnixSeconds) { latest.max(time, ordering: .relaxed) }

    /// How many seconds it has been set back, as far as that is not followed; 0 mostly.
    package var lag: UInt64 {
        let seen = now()
        return seen - min(seen, read())
    }

    /// Tells `report` of a lag, once for each, until the loop ends.
    package func watch(on eventLoop: any EventLoop, report: @escaping @Sendable (UInt64) -> Void) {
        let told = Told()
        eventLoop.scheduleRepeatedTask(initialDelay: Self.period, delay: Self.period) { [self] _ in
            let lag = lag
            if told.change(to: lag > 0), lag > 0 { report(lag) }
        }
    }

    private final class Told: Sendable {
        private let value = Atomic(false)

        /// Whether that is a change.
        func change(to new: Bool) -> Bool { value.exchange(new, ordering: .relaxed) != new }
    }
}
