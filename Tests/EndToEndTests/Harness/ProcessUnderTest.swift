// A program the tests started: its output, its memory, its end. It is ended by its id on every path.
import Foundation
import Synchronization

final class ProcessUnderTest: Sendable {
    enum Exit: Hashable, Sendable {
        case status(Int32)
        case signal(Int32)
    }

    let name: String
    let pid: pid_t
    private let outputFile: String
    private let errorFile: String
    /// How it ended, once it has been waited for. Under the lock so that no signal reaches a reused id.
    private let ended: Mutex<Exit?> = Mutex(nil)

    /// `input` is what standard input holds; nothing without it.
    init(
        _ path: String, _ arguments: [String], in workspace: Workspace, environment: [String: String] = [:],
        input: String? = nil
    ) throws {
        name = (path as NSString).lastPathComponent
        let stem = workspace.unusedPath(name)
        outputFile = stem + ".out"
        errorFile = stem + ".err"
        let inputFile = try input.map { try FileHandle(forReadingFrom: URL(filePath: workspace.file("input", $0))) }
        defer { try? inputFile?.close() }
        let plan = SpawnPlan(
            path: path, arguments: arguments,
            environment: workspace.environment.merging(environment) { $1 },
            input: inputFile?.fileDescriptor, output: outputFile, errors: errorFile)
        pid = try plan.spawn()
        Reaper.add(pid)
    }

    deinit { kill() }

    var output: String { Self.text(of: outputFile) }
    var errors: String { Self.text(of: errorFile) }
    var errorLines: [String] { errors.split(separator: "\n").map(String.init) }
    var isRunning: Bool { poll() == nil }

    func signal(_ number: Int32) {
        ended.withLock { if $0 == nil { _ = Foundation.kill(pid, number) } }
    }

    /// Ends the program and its children at once.
    func kill() {
        let mustWait = ended.withLock { exit in
            if exit == nil { _ = Foundation.kill(-pid, SIGKILL) }
            return exit == nil
        }
        if mustWait { _ = wait(seconds: 5) }
    }

    /// How the program ended, or nil when it still runs after `seconds`.
    func wait(seconds: Double) -> Exit? {
        let deadline = Deadline(seconds)
        repeat {
            if let exit = poll() { return exit }
            usleep(2000)
        } while !deadline.hasPassed
        return poll()
    }

    /// Returns once all `ports` of this machine are listened on (and bound for UDP where `udp` says so).
    func waitUntilListening(_ ports: [UInt16], udp: [UInt16] = [], seconds: Double = 15) throws {
        let deadline = Deadline(seconds)
        while !deadline.hasPassed {
            if let exit = poll() { throw HarnessError("\(name) ended with \(exit) before it listened:\n\(tail)") }
            let table = PortTable()
            if ports.allSatisfy(table.tcp.contains), udp.allSatisfy(table.udp.contains) { return }
            usleep(5000)
        }
        throw HarnessError("\(name) does not listen on \(ports + udp) after \(seconds) s:\n\(tail)")
    }

    /// Returns true once a line of standard error satisfies `condition`.
    func waitForLine(seconds: Double = 3, _ condition: (String) -> Bool) -> Bool {
        let deadline = Deadline(seconds)
        repeat {
            if errorLines.contains(where: condition) { return true }
            usleep(10_000)
        } while !deadline.hasPassed
        return false
    }

    /// Resident memory in bytes.
    var residentBytes: Int {
        let fields = Self.text(of: "/proc/\(pid)/statm").split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return 0 }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// Open descriptors.
    var descriptorCount: Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count) ?? 0
    }

    /// The last lines of standard error, for messages.
    var tail: String { errorLines.suffix(12).joined(separator: "\n") }

    private func poll() -> Exit? {
        ended.withLock { exit in
            if exit != nil { return exit }
            var raw: Int32 = 0
            guard waitpid(pid, &raw, WNOHANG) == pid else { return nil }
            exit = raw & 0x7f == 0 ? .status((raw >> 8) & 0xff) : .signal(raw & 0x7f)
            Reaper.remove(pid)
            return exit
        }
    }

    private static func text(of file: String) -> String {
        String(decoding: FileManager.default.contents(atPath: file) ?? Data(), as: UTF8.self)
    }
}
