// "on_unreachable": a command of the user's that is run when no server can be reached, to have another address given to one
// by its provider, say. `UnreachableAlarm` decides when.
internal import Logging
internal import NIOPosix
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork
internal import struct Synchronization.Atomic

/// The command, one run at a time.
final class UnreachableCommand: Sendable {
    /// What a run is told.
    struct Occasion: Sendable {
        let servers: [TargetAddress]
        /// The server in use, and what the user calls it.
        let current: TargetAddress
        let name: String?
    }

    private let path: String
    private let arguments: [String]
    private let logger: Logger
    private let threads = NIOThreadPool(numberOfThreads: 1)
    private let isRunning = Atomic(false)
    private let isWanted = Atomic(true)

    /// How long a run may take, in seconds.
    private static let limit = 60
    /// What it gets of our environment; whatever else is there may hold a key.
    private static let inherited = [
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TMPDIR", "SSH_AUTH_SOCK", "XDG_CONFIG_HOME",
        "XDG_RUNTIME_DIR",
    ]

    /// Nil if there is no such program; a configuration that was checked has one.
    init?(_ command: [String], logger: Logger) {
        guard let name = command.first,
            let path = ChildProcess.locate(name, path: Environment.variable("PATH") ?? "")
        else { return nil }
        self.path = path
        arguments = Array(command.dropFirst())
        self.logger = logger
        threads.start()
    }

    /// Starts a run unless one is under way; `done` is called if the command ended well.
    func run(_ occasion: Occasion, done: @escaping @Sendable () -> Void) {
        guard isWanted.load(ordering: .relaxed), !isRunning.exchange(true, ordering: .acquiringAndReleasing) else {
            return
        }
        logger.warning("no server can be reached; the command for that is run", metadata: ["command": "\(path)"])
        threads.submit { [self] state in
            defer { isRunning.store(false, ordering: .releasing) }
            guard case .active = state else { return }
            let child = ChildProcess(path, arguments, environment: environment(occasion))
            let end = child.run(
                seconds: Self.limit, isWanted: { isWanted.load(ordering: .relaxed) },
                onLine: { [logger] in logger.info("the command says", metadata: ["text": "\($0)"]) })
            tell(end)
            if end == .exited(status: 0) { done() }
        }
    }

    /// Ends a run that is under way, and all it has started; there will be no other.
    func stop() async {
        isWanted.store(false, ordering: .relaxed)
        let deadline = ContinuousClock.now + .seconds(2)
        while isRunning.load(ordering: .acquiring), ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(10))
        }
        threads.shutdownGracefully { _ in }
    }

    private func environment(_ occasion: Occasion) -> [String: String] {
        var result: [String: String] = [:]
        for name in Self.inherited { result[name] = Environment.variable(name) }
        result["SS_SERVER"] = "\(occasion.current)"
        result["SS_SERVER_NAME"] = occasion.name ?? ""
        result["SS_SERVERS"] = occasion.servers.map { "\($0)" }.joined(separator: " ")
        return result
    }

    private func tell(_ end: ChildProcess.End) {
        switch end {
        case .exited(status: 0): logger.info("the command ended well; servers are tried again")
        case .exited(let status): logger.warning("the command failed", metadata: ["status": "\(status)"])
        case .signalled(let signal): logger.warning("the command was ended", metadata: ["signal": "\(signal)"])
        case .killed: logger.warning("the command took too long and was ended", metadata: ["seconds": "\(Self.limit)"])
        case .notStarted(let reason): logger.error("the command cannot be run", metadata: ["reason": "\(reason)"])
        }
    }
}
