// Keys live in memory, so nobody but root may look at it and nothing of it may reach a disk in a core file.
#if canImport(Glibc)
    internal import CLinux
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

package enum ProcessMemory {
    /// For the rest of the process's life; before the first key is read. Without effect where the system refuses.
    package static func hide() {
        // The limit alone would not do: Linux does not apply it where core files are piped to a program (core(5)).
        #if canImport(Glibc)
            _ = linux_forbid_dumps()
            setLimit(__rlimit_resource_t(RLIMIT_CORE.rawValue))
        #else
            setLimit(RLIMIT_CORE)
        #endif
    }

    /// Gives back to the system what has been freed; the allocator keeps much of it by itself. Takes some milliseconds.
    package static func trim() {
        #if canImport(Glibc)
            linux_trim_memory()
        #endif
    }

    /// Lets go of those pages of the program's file that only its start has needed, most of sixteen megabytes; what is needed again
    /// comes back by itself. For what then runs long, or holds much. A debugger's breakpoints are lost.
    package static func forgetStart() {
        #if canImport(Glibc)
            linux_release_program_pages()
        #endif
    }

    #if canImport(Glibc)
        private static func setLimit(_ resource: __rlimit_resource_t) {
            var none = rlimit(rlim_cur: 0, rlim_max: 0)
            setrlimit(resource, &none)
        }
    #else
        private static func setLimit(_ resource: CInt) {
            var none = rlimit(rlim_cur: 0, rlim_max: 0)
            setrlimit(resource, &none)
        }
    #endif
}
