// Being told at once that a log has grown or that files came and went. Where nobody tells, the follower looks four times a second.
#if os(Linux)
    internal import Glibc

    final class LogWatch {
        let descriptor: CInt
        private var directories: Set<CInt> = []
        private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 << 10, alignment: 8)

        /// Nil if the kernel has none to give.
        init?() {
            descriptor = inotify_init1(CInt(IN_NONBLOCK | IN_CLOEXEC))
            if descriptor < 0 { return nil }
        }

        deinit {
            buffer.deallocate()
            if descriptor >= 0 { close(descriptor) }
        }

        /// By what is open, since the name may be another's by now.
        func add(file: CInt) -> CInt? {
            add("/proc/self/fd/\(file)", UInt32(IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF))
        }

        func remove(_ watch: CInt) { inotify_rm_watch(descriptor, watch) }

        /// Watches these directories alone; to be repeated, since others may have come in their place. Answers whether it watches all.
        func watch(directories paths: [String]) -> Bool {
            let changes = UInt32(
                IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
            let watches = paths.map { add($0, changes) }
            let now = Set(watches.compactMap(\.self))
            for watch in directories.subtracting(now) { remove(watch) }
            directories = now
            return !watches.contains(nil)
        }

        /// Forgets what there was to tell, and answers whether files may have come, gone or changed their names.
        func hasNews() -> Bool {
            var hasNews = false
            while true {
                let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return hasNews }
                var start = 0
                // The kernel writes whole events: the fixed part, then `len` bytes of name, which keep it aligned.
                while start < count {
                    let event = buffer.load(fromByteOffset: start, as: inotify_event.self)
                    if event.mask & UInt32(IN_MODIFY) == 0 { hasNews = true }
                    start += MemoryLayout<inotify_event>.size + Int(event.len)
                }
            }
        }

        private func add(_ path: String, _ changes: UInt32) -> CInt? {
            let watch = inotify_add_watch(descriptor, path, changes)
            return watch >= 0 ? watch : nil
        }
    }
#else
    /// There is none.
    final class LogWatch {
        let descriptor: CInt = -1

        init?() { nil }

        func add(file: CInt) -> CInt? { nil }
        func remove(_ watch: CInt) {}
        func watch(directories paths: [String]) -> Bool { false }
        func hasNews() -> Bool { true }
    }
#endif
