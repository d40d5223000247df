// What a program of the system prints, for looking at things that have no other way to be looked at. Bounded in time and
// size; nothing is handed to the program but its arguments.
#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

enum ChildOutput {
    private static let folders = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"]
    private static let sizeLimit = 1 << 20
    /// In milliseconds, for each piece of its output.
    private static let patience: CInt = 3000

    /// The program's file, if it is installed.
    static func find(_ name: String) -> String? {
        folders.map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }

    /// What it writes to standard output; nil if it is not there, fails, or takes too long.
    static func of(_ name: String, _ arguments: [String]) -> String? {
        guard let path = find(name) else { return nil }
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let child = spawn(path, [name] + arguments, output: ends[1])
        close(ends[1])
        defer { close(ends[0]) }
        guard let child else { return nil }
        let text = read(ends[0])
        // Ours alone, not waited for yet: the id is still its own.
        if text == nil { kill(child, SIGKILL) }
        var status: CInt = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        return status == 0 ? text : nil
    }

    private static func spawn(_ path: String, _ words: [String], output: CInt) -> pid_t? {
        #if canImport(Glibc)
            var actions = posix_spawn_file_actions_t()
        #else
            var actions: posix_spawn_file_actions_t?
        #endif
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        let surroundings = ["PATH=" + folders.joined(separator: ":"), "LC_ALL=C"]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        var environment: [UnsafeMutablePointer<CChar>?] = surroundings.map { strdup($0) } + [nil]
        defer { for pointer in arguments + environment { free(pointer) } }
        var child: pid_t = 0
        return posix_spawn(&child, path, &actions, nil, &arguments, &environment) == 0 ? child : nil
    }

    /// Nil if it is too much or too slow.
    private static func read(_ descriptor: CInt) -> String? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while bytes.count <= sizeLimit {
            var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&request, 1, patience)
            if ready < 0, errno == EINTR { continue }
            guard ready > 0 else { return nil }
            #if canImport(Glibc)
                let count = Glibc.read(descriptor, &buffer, buffer.count)
            #else
                let count = Darwin.read(descriptor, &buffer, buffer.count)
            #endif
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            guard count > 0 else { return nil }
            bytes += buffer[..<count]
        }
        return nil
    }
}
