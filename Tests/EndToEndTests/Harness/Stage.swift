// Everything one test started, so that one call at its end takes all of it down.
import Foundation
import Synchronization

final class Stage: Sendable {
    let workspace: Workspace
    private let processes: Mutex<[ProcessUnderTest]> = Mutex([])
    private let closers: Mutex<[@Sendable () -> Void]> = Mutex([])

    fileprivate init() throws { workspace = try Workspace() }

    /// Starts a program; it ends with the stage.
    func start(
        _ path: String, _ arguments: [String], environment: [String: String] = [:], input: String? = nil
    ) throws -> ProcessUnderTest {
        let process = try ProcessUnderTest(
            path, arguments, in: workspace, environment: environment, input: input)
        processes.withLock { $0.append(process) }
        return process
    }

    /// Runs a program to its end, which must come within `seconds`.
    func run(
        _ path: String, _ arguments: [String], seconds: Double = 20, environment: [String: String] = [:],
        input: String? = nil
    ) throws -> Finished {
        let process = try start(path, arguments, environment: environment, input: input)
        guard let exit = process.wait(seconds: seconds) else {
            process.kill()
            throw HarnessError("\(process.name) \(arguments) did not end within \(seconds) s:\n\(process.tail)")
        }
        return Finished(exit: exit, output: process.output, errors: process.errors)
    }

    /// Has `closer` called when the test ends.
    func atEnd(_ closer: @escaping @Sendable () -> Void) { closers.withLock { $0.append(closer) } }

    fileprivate func end() {
        for closer in closers.withLock({ $0 }) { closer() }
        for process in processes.withLock({ $0 }) { process.kill() }
        workspace.remove()
    }

    fileprivate func printLogs() {
        for process in processes.withLock({ $0 }) where !process.errors.isEmpty {
            print("--- \(process.name) (\(process.pid)) said last:\n\(process.tail)")
        }
    }
}

struct Finished {
    let exit: ProcessUnderTest.Exit
    let output: String
    let errors: String
}

/// Runs a test's body on a fresh stage and clears it whatever happens.
func onStage(_ body: (Stage) throws -> Void) throws {
    _ = raisedDescriptorLimit
    let stage = try Stage()
    defer { stage.end() }
    do {
        try body(stage)
    } catch {
        if error is HarnessError || error is SocketError { stage.printLogs() }
        throw error
    }
}

/// Descriptors this process may hold, raised as far as the hard limit once; children inherit it.
let raisedDescriptorLimit: Int = {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
    limit.rlim_cur = min(limit.rlim_max, 65_536)
    _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return Int(limit.rlim_cur)
}()

/// Sleeps.
func pause(_ seconds: Double) { usleep(UInt32(seconds * 1_000_000)) }
