// The time of day, as SIP022's headers say it. Salts are forgotten by a clock that only goes forward; were the time of day
// set back, headers whose salts are forgotten already would be good again. So it does not go back here either: until it
// has caught up, the latest time that was seen counts.
package import SSCommon
internal import Synchronization

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

package enum WallClock {
    private static let latest = Atomic<UInt64>(0)

    /// Seconds since 1970. The clock may be set back by as much as a header's time may be off without this noticing.
    package static func now() -> UnixSeconds { settled(reading()) }

    /// How many seconds the clock is behind the latest time that was seen; 0 where that is within the tolerance.
    package static func lag() -> UInt64 {
        let (seen, now) = (latest.load(ordering: .relaxed), reading())
        return seen > now + HeaderTime.tolerance ? seen - now : 0
    }

    private static func reading() -> UnixSeconds {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(max(0, time.tv_sec))
    }

    private static func settled(_ now: UnixSeconds) -> UnixSeconds {
        let (_, seen) = latest.max(now, ordering: .relaxed)
        return seen > now + HeaderTime.tolerance ? seen : now
    }
}
