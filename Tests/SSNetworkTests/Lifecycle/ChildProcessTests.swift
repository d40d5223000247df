import NIOConcurrencyHelpers
import SSNetwork
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite("Commands of the user's", .serialized)
struct ChildProcessTests {
    private func run(
        _ script: String, environment: [String: String] = [:], seconds: Int = 20, isWanted: () -> Bool = { true }
    ) -> (end: ChildProcess.End, lines: [String]) {
        var lines: [String] = []
        let child = ChildProcess("/bin/sh", ["-c", script, "name", "an argument"], environment: environment)
        let end = child.run(seconds: seconds, isWanted: isWanted) { lines.append($0) }
        return (end, lines)
    }

    @Test("Its output comes as lines, its status as a number, and the child is waited for")
    func output() throws {
        let result = run("echo \"$1\"; echo $$; echo to-the-other >&2; printf unended; exit 3")
        #expect(result.end == .exited(status: 3))
        let child = try #require(pid_t(result.lines[1]))
        #expect(result.lines == ["an argument", "\(child)", "to-the-other", "unended"])
        // Not any child: sanitizers have some of their own.
        var status: CInt = 0
        #expect(waitpid(child, &status, WNOHANG) == -1 && errno == ECHILD)
        #expect(run("kill -TERM $$").end == .signalled(SIGTERM))
    }

    @Test("It has its environment and nothing else of ours: no descriptor, no ignored signal, nothing to read")
    func inheritance() throws {
        let secret = open("/etc/passwd", O_RDONLY)
        defer { close(secret) }
        #expect(
            run("env", environment: ["A": "b c"]).lines.filter {
                !$0.hasPrefix("PWD=") && !$0.hasPrefix("_=") && !$0.hasPrefix("SHLVL=") && !$0.hasPrefix("OLDPWD=")
            } == ["A=b c"])
        // 0, 1 and 2 and what the shell itself opens to look.
        let open = run("ls /proc/self/fd | tr '\\n' ' '").lines.first ?? ""
        #expect(open.split(separator: " ").count <= 4 && !open.split(separator: " ").contains("\(secret)"))
        #expect(run("cat").end == .exited(status: 0))
        signal(SIGHUP, SIG_IGN)
        #expect(run("kill -HUP $$; echo alive").end == .signalled(SIGHUP))
        signal(SIGHUP, SIG_DFL)
    }

    @Test("Who takes too long is killed with all it has started")
    func limit() throws {
        let mark = "/tmp/ss-child-\(getpid())"
        unlink(mark)
        let start = ContinuousClock.now
        let result = run("(sleep 3; echo late > \(mark)) & sleep 30", seconds: 1)
        #expect(result.end == .killed)
        #expect(ContinuousClock.now - start < .seconds(15))
        sleep(3)
        #expect(access(mark, F_OK) != 0)
        let isUnwanted = run("sleep 30", isWanted: { false })
        #expect(isUnwanted.end == .killed)
    }

    @Test("A child of its own that keeps the pipe open holds nobody up, and ten megabytes of output do neither")
    func flood() {
        let start = ContinuousClock.now
        #expect(run("sleep 8 & echo done").lines == ["done"])
        #expect(ContinuousClock.now - start < .seconds(7))
        let result = run("head -c 10000000 /dev/zero | tr '\\0' 'x'; echo; yes | head -n 100000")
        #expect(result.end == .exited(status: 0))
        #expect(result.lines.count == 100)
        #expect(result.lines.allSatisfy { $0.utf8.count <= 500 })
    }

    @Test("What cannot be run says why; a program is found in PATH or by its whole path")
    func locate() {
        let child = ChildProcess("/nonexistent/program", [], environment: [:])
        guard case .notStarted = child.run(seconds: 1, onLine: { _ in }) else {
            Issue.record("it ran")
            return
        }
        #expect(ChildProcess.locate("sh", path: "/nonexistent:/bin:/usr/bin") == "/bin/sh")
        #expect(ChildProcess.locate("/bin/sh", path: "") == "/bin/sh")
        for name in ["no-such-program", "/bin", "/etc/passwd", "bin/sh", "./sh"] {
            #expect(ChildProcess.locate(name, path: "/bin:/usr/bin:.:relative") == nil)
        }
    }
}
