// What a program of the system says, for what can be neither looked at nor changed in another way. It is started without a
// shell, with a fixed environment and none of our descriptors, and it is bounded in time and in what it may print.
#if canImport(Glibc)
    internal import CLinux
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

enum ChildOutput {
    static let folders = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"]
    private static let sizeLimit = 1 << 20
    /// Seconds.
    private static let patience = 3

    /// How a program has come to its end.
    struct Outcome {
        /// As the program has it; nil if a signal has ended it.
        var status: CInt?
        var output: [UInt8]
        /// The first 64 KiB of what it wrote to standard error.
        var errors: [UInt8]
        /// It was killed: it took too long, or wrote more than it may.
        var wasStopped: Bool
    }

    /// The program's file, if it is installed.
    static func find(_ name: String, in folders: [String] = folders) -> String? {
        folders.map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }

    /// What it writes to standard output; nil if it is not there, fails, or takes too long.
    static func of(_ name: String, _ arguments: [String]) -> String? {
        guard let path = find(name),
            let outcome = run([path] + arguments, input: [], sizeLimit: sizeLimit, seconds: patience),
            outcome.status == 0, !outcome.wasStopped
        else { return nil }
        return String(decoding: outcome.output, as: UTF8.self)
    }

    /// Runs `words` (the first is the program's file) to its end; nil if it cannot be started. `input` is all it finds at its
    /// standard input, `sizeLimit` is in bytes.
    static func run(_ words: [String], input: [UInt8], sizeLimit: Int, seconds: Int) -> Outcome? {
        // A file, not a pipe: nobody has to wait for the other to read, nor dies when the other does not.
        guard let source = file(of: input) else { return nil }
        defer { close(source) }
        guard let output = OutputPipe(), let errors = OutputPipe(),
            let child = spawn(words, [source, output.writing, errors.writing])
        else { return nil }
        output.closeWriting()
        errors.closeWriting()
        var texts = ChildTexts(output: output, errors: errors, sizeLimit: sizeLimit)
        let end = ContinuousClock.now + .seconds(seconds)
        var status: CInt = 0
        var wasStopped = false
        while true {
            // Both ends may be closed before it ends; then there is nothing to wait for but time.
            if !wasStopped { texts.read(until: end) }
            let ended = waitpid(child, &status, wasStopped ? 0 : WNOHANG)
            if ended == child || ended < 0 && errno != EINTR { break }
            if texts.isTooMuch || ContinuousClock.now >= end {
                wasStopped = true
                // Ours alone, not waited for yet: the id is still its own.
                kill(child, SIGKILL)
            } else {
                usleep(200)
            }
        }
        return Outcome(
            status: status & 0x7f == 0 ? status >> 8 & 0xff : nil, output: texts.output.bytes,
            errors: texts.errors.bytes, wasStopped: wasStopped)
    }

    private static func spawn(_ words: [String], _ standard: [CInt]) -> pid_t? {
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
        for (place, descriptor) in standard.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, descriptor, CInt(place))
        }
        // What this program ignores or blocks is nothing to another one.
        var signals = sigset_t()
        sigfillset(&signals)
        sigdelset(&signals, SIGKILL)
        sigdelset(&signals, SIGSTOP)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        var flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
        #if canImport(Glibc)
            guard linux_spawn_close_from(&actions, 3) == 0 else { return nil }
        #else
            flags |= POSIX_SPAWN_CLOEXEC_DEFAULT
        #endif
        posix_spawnattr_setflags(&attributes, Int16(flags))
        let surroundings = ["PATH=" + folders.joined(separator: ":"), "LC_ALL=C"]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        var environment: [UnsafeMutablePointer<CChar>?] = surroundings.map { strdup($0) } + [nil]
        defer { for pointer in arguments + environment { free(pointer) } }
        var child: pid_t = 0
        return posix_spawn(&child, words[0], &actions, &attributes, &arguments, &environment) == 0 ? child : nil
    }

    /// A nameless file with `bytes` in it, to be read from its start.
    private static func file(of bytes: [UInt8]) -> CInt? {
        if bytes.isEmpty {
            let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
            return nothing < 0 ? nil : nothing
        }
        #if canImport(Glibc)
            let descriptor = linux_memory_file("input")
        #else
            var name = Array("/tmp/input.XXXXXX".utf8CString)
            let descriptor = mkstemp(&name)
            unlink(name)
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        #endif
        guard descriptor >= 0 else { return nil }
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                close(descriptor)
                return nil
            }
            written += count
        }
        lseek(descriptor, 0, SEEK_SET)
        return descriptor
    }
}
