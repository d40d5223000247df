// What a program arranges with the system before it opens anything.
#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

package enum ProcessLimits {
    /// Writing to a closed socket is an error, not a signal; files are the owner's alone.
    package static func harden() {
        signal(SIGPIPE, SIG_IGN)
        // Kept for reload; it must not end a program that has only just begun.
        signal(SIGHUP, SIG_IGN)
        umask(0o077)
    }

    /// Raises the number of descriptors to `wanted`, or as far as is allowed, and returns what it is then.
    package static func raiseDescriptors(to wanted: Int?) -> Int {
        var limit = rlimit()
        #if canImport(Glibc)
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let resource = RLIMIT_NOFILE
        #endif
        guard getrlimit(resource, &limit) == 0 else { return 1024 }
        let hard = limit.rlim_max
        let target = wanted.map { rlim_t($0) } ?? min(hard, 1 << 20)
        if target > limit.rlim_cur || wanted != nil {
            limit.rlim_cur = target
            // Root may go beyond the hard limit.
            limit.rlim_max = max(hard, target)
            if setrlimit(resource, &limit) != 0 {
                limit.rlim_cur = min(target, hard)
                limit.rlim_max = hard
                setrlimit(resource, &limit)
            }
        }
        getrlimit(resource, &limit)
        return Int(clamping: limit.rlim_cur)
    }
}
