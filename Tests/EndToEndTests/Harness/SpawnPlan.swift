// posix_spawn with what the tests need: own process group (so that a browser's children end with it),
// default signal dispositions, output to files. Foundation's Process waits on run loops and is not used.
import Foundation
import Synchronization

struct SpawnPlan {
    /// Held while a program starts and while a descriptor exists that is not yet close-on-exec: one that lived
    /// on in a program would keep its connection from ever being finished. (accept4 is not in the Glibc module.)
    static let inheritance: Mutex<Void> = Mutex(())

    let path: String
    let arguments: [String]
    let environment: [String: String]
    /// Descriptor that becomes standard input; nil is /dev/null.
    let input: Int32?
    /// Files that become standard output and error; nil is /dev/null.
    let output: String?
    let errors: String?

    /// Starts the program and returns its id, which is also its process group's.
    func spawn() throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        for (descriptor, file) in [(Int32(1), output), (2, errors)] {
            let flags = O_WRONLY | O_CREAT | O_APPEND
            posix_spawn_file_actions_addopen(&actions, descriptor, file ?? "/dev/null", flags, 0o600)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var all = sigset_t()
        sigfillset(&all)
        sigdelset(&all, SIGKILL)
        sigdelset(&all, SIGSTOP)
        posix_spawnattr_setsigdefault(&attributes, &all)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP
        posix_spawnattr_setflags(&attributes, Int16(flags))

        var argv: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        var envp: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { (argv + envp).forEach { free($0) } }
        var pid: pid_t = 0
        let failure = Self.inheritance.withLock { _ in
            posix_spawn(&pid, path, &actions, &attributes, &argv, &envp)
        }
        guard failure == 0 else { throw HarnessError("cannot start \(path): \(String(cString: strerror(failure)))") }
        return pid
    }
}
