// A command of the user's: started without a shell, with nothing of ours but its arguments, its environment and a pipe for what
// it says; ended with all it has started when its time is over, and always waited for.
#if canImport(Glibc)
    internal import CLinux
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

package struct ChildProcess: Sendable {
    /// How it ended.
    package enum End: Hashable, Sendable {
        /// It ended by itself.
        case exited(status: CInt)
        /// By a signal of somebody else's.
        case signalled(CInt)
        /// It took too long, or was not wanted any more, and was killed.
        case killed
        /// It never ran, and why.
        case notStarted(String)
    }

    /// An absolute path.
    package let path: String
    package let arguments: [String]
    /// All of it.
    package let environment: [String: String]

    /// Output beyond this is thrown away, as is what is longer than a line.
    private static let maximumLines = 100
    private static let maximumLine = 500
    /// Between two looks whether it has ended, in milliseconds.
    private static let period: CInt = 50

    package init(_ path: String, _ arguments: [String], environment: [String: String]) {
        self.path = path
        self.arguments = arguments
        self.environment = environment
    }

    /// The program that `name` means: itself if it is an absolute path, else the first of that name in `path` (as in
    /// `$PATH`). Nil if there is none that may be run.
    package static func locate(_ name: String, path: String) -> String? {
        if name.contains("/") { return name.hasPrefix("/") && isProgram(name) ? name : nil }
        return path.split(separator: ":").lazy.filter { $0.hasPrefix("/") }.map { "\($0)/\(name)" }.first(
            where: isProgram)
    }

    private static func isProgram(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }

    /// Runs it to its end, for at most `seconds` and while `isWanted`; blocks the thread. `onLine` gets what it says on
    /// standard output and error, a line at a time.
    package func run(seconds: Int, isWanted: () -> Bool = { true }, onLine: (String) -> Void) -> End {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { return .notStarted(String(cString: strerror(errno))) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        defer { close(ends[0]) }
        let (pid, failure) = spawn(output: ends[1])
        close(ends[1])
        guard failure == 0 else { return .notStarted(String(cString: strerror(failure))) }
        var lines = Lines(limit: Self.maximumLines, length: Self.maximumLine)
        var looks = seconds * 1000 / Int(Self.period)
        var wasKilled = false
        var status: CInt = 0
        while true {
            var request = pollfd(fd: ends[0], events: Int16(POLLIN), revents: 0)
            // The other end is closed long before it ends, perhaps; then there is nothing to wait for but time.
            if lines.isOver { usleep(UInt32(Self.period) * 1000) } else { _ = poll(&request, 1, Self.period) }
            lines.read(ends[0], onLine)
            let ended = waitpid(pid, &status, WNOHANG)
            if ended == pid || ended < 0 && errno != EINTR { break }
            looks -= 1
            if !wasKilled, looks <= 0 || !isWanted() {
                wasKilled = true
                // It is the leader of a group of its own.
                kill(-pid, SIGKILL)
            }
        }
        lines.read(ends[0], onLine)
        lines.finish(onLine)
        if wasKilled { return .killed }
        return status & 0x7f == 0 ? .exited(status: status >> 8 & 0xff) : .signalled(status & 0x7f)
    }

    private func spawn(output: CInt) -> (pid: pid_t, failure: CInt) {
        #if canImport(Glibc)
            var actions = posix_spawn_file_actions_t()
            var attributes = posix_spawnattr_t()
        #else
            var actions: posix_spawn_file_actions_t?
            var attributes: posix_spawnattr_t?
        #endif
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        // What this program ignores or blocks is nothing to another one.
        var signals = sigset_t()
        sigfillset(&signals)
        sigdelset(&signals, SIGKILL)
        sigdelset(&signals, SIGSTOP)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        var flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP
        #if canImport(Glibc)
            guard linux_spawn_close_from(&actions, 3) == 0 else { return (0, ENOMEM) }
        #else
            flags |= POSIX_SPAWN_CLOEXEC_DEFAULT
        #endif
        posix_spawnattr_setflags(&attributes, Int16(flags))
        var argv = ([path] + arguments).map { strdup($0) } + [nil]
        var envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid: pid_t = 0
        let failure = posix_spawn(&pid, path, &actions, &attributes, &argv, &envp)
        return (pid, failure)
    }
}

/// What comes out of a pipe, as lines, so many and no more.
private struct Lines {
    let limit: Int
    let length: Int
    private var line: [UInt8] = []
    private var count = 0
    /// Everybody has closed the other end.
    private(set) var isOver = false

    init(limit: Int, length: Int) {
        self.limit = limit
        self.length = length
    }

    mutating func read(_ descriptor: CInt, _ onLine: (String) -> Void) {
        var buffer = [UInt8](repeating: 0, count: 4096)
        // Bounded: who writes faster than we read must not keep us from looking at the clock.
        for _ in 0..<64 where !isOver {
            let got = buffer.withUnsafeMutableBytes { Self.readOnce(descriptor, $0) }
            if got < 0 { return }
            isOver = got == 0
            for byte in buffer.prefix(got) {
                if byte == UInt8(ascii: "\n") { finish(onLine) } else if line.count < length { line.append(byte) }
            }
        }
    }

    mutating func finish(_ onLine: (String) -> Void) {
        defer { line.removeAll(keepingCapacity: true) }
        guard !line.isEmpty, count < limit else { return }
        count += 1
        onLine(String(decoding: line, as: UTF8.self))
    }

    private static func readOnce(_ descriptor: CInt, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
        #if canImport(Glibc)
            Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        #else
            Darwin.read(descriptor, buffer.baseAddress, buffer.count)
        #endif
    }
}
