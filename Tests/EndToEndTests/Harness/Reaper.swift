// Ends what the tests started even when the test process itself is killed or traps: a shell that holds the
// read end of a pipe and, when the pipe closes, kills by id exactly the processes still on its list.
import Foundation
import Synchronization

enum Reaper {
    static func add(_ pid: pid_t) { tell("+ \(pid)") }
    static func remove(_ pid: pid_t) { tell("- \(pid)") }

    private static let script = """
        list=" "
        while read -r verb pid; do
            if [ "$verb" = + ]; then list="$list$pid "; else list="${list%% $pid *} ${list#* $pid }"; fi
        done
        for pid in $list; do kill -9 "-$pid"; done 2>/dev/null
        """

    private static let pipe: Mutex<Int32> = Mutex(start())

    private static func tell(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        pipe.withLock { descriptor in
            guard descriptor >= 0 else { return }
            _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        }
    }

    private static func start() -> Int32 {
        var ends: [Int32] = [-1, -1]
        // A reaper that died must not take the tests along; started programs get the default back.
        _ = Foundation.signal(SIGPIPE, SIG_IGN)
        guard Foundation.pipe(&ends) == 0 else { return -1 }
        // Also in the reaper itself: it must not hold the end it waits for.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let plan = SpawnPlan(
            path: "/bin/sh", arguments: ["-c", script], environment: ["PATH": "/usr/bin:/bin"],
            input: ends[0], output: nil, errors: nil)
        guard (try? plan.spawn()) != nil else { return -1 }
        close(ends[0])
        return ends[1]
    }
}
