// The wall clock of the log: seconds and the local zone's offset. The coarse clock is read from memory the
// kernel shares; the zone is asked for once a second at most.
internal import SSCommon

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Tells local time to the second.
struct LogClock: Sendable {
    private var last = LogTime(seconds: .min)

    mutating func now() -> LogTime {
        var time = timespec()
        #if os(Linux)
            clock_gettime(CLOCK_REALTIME_COARSE, &time)
        #else
            clock_gettime(CLOCK_REALTIME, &time)
        #endif
        let seconds = Int64(time.tv_sec)
        if seconds != last.seconds {
            var instant = time.tv_sec
            var local = tm()
            localtime_r(&instant, &local)
            last = LogTime(seconds: seconds, offset: Int32(local.tm_gmtoff))
        }
        return last
    }
}
