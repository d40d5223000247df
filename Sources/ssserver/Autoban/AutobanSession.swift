// autoban between its start and its end: the socket that commands speak to, the firewall, the thread that follows the log.
internal import Logging
internal import NIOConcurrencyHelpers
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

final class AutobanSession: Sendable {
    private struct State {
        var thread: FollowThread?
        var admin: AdminServer?
        /// Where the log was read up to when its thread ended; and who waits for that.
        var ended: (position: LogPosition?, end: FollowThread.End)?
        var waiter: CheckedContinuation<Void, Never>?
        var hasLeftRules = false
        /// Opens the socket later.
        var opening: Task<Void, Never>?
    }

    private let keeper: BanKeeper
    private let log: LogSink
    private let logger: Logger
    private let directory: String?
    /// Where the socket is to be, once that is possible.
    private let wished: String?
    private let removesRules: Bool
    private let state = NIOLockedValueBox(State())

    init(
        _ keeper: BanKeeper, log: LogSink, logger: Logger, directory: String?, wished: String? = nil, removesRules: Bool
    ) {
        self.keeper = keeper
        self.log = log
        self.logger = logger
        self.directory = directory
        self.wished = wished
        self.removesRules = removesRules
    }

    func start(_ path: String, fromStart: Bool) async throws(StartFailure) {
        let start = start(path, fromStart)
        let follower: LogFollower
        do throws(UnreadableLog) {
            follower = try LogFollower(path: path, from: start)
        } catch {
            throw StartFailure(error.text, help: error.help)
        }
        if case .end = start, wished != nil, path != "-", !keeper.isStoring {
            logger.warning("what was stored cannot be read: of the log only what comes from now on counts")
        }
        // First, since whoever has it already is another autoban.
        var isOpen = false
        if let directory { isOpen = try await openFirst("\(directory)/\(Autoban.StatePlace.socket)") }
        do throws(FirewallFailure) {
            try keeper.begin(now: WallClock.raw(), fromStart: fromStart)
        } catch {
            await state.withLockedValue { $0.admin }?.close()
            throw StartFailure(error.text, help: error.help)
        }
        let overview = keeper.overview(now: WallClock.raw())
        logger.info(
            "autoban follows the log",
            metadata: ["log": "\(path)", "backend": "\(overview.backend)", "bans": "\(overview.bans.count)"])
        let thread = FollowThread(keeper, log: log) { self.threadEnded($0, $1) }
        state.withLockedValue { $0.thread = thread }
        if !isOpen, let wished { openSoon(wished) }
        // From the end on everything is new.
        let isOld = if case .end = start { false } else { true }
        thread.start(follower, ahead: isOld ? LogClock.ahead(of: path) : nil)
    }

    private func start(_ path: String, _ fromStart: Bool) -> RotatedLog.Start {
        let start = keeper.follow(path)
        if fromStart { return .beginning }
        return switch start {
        case .unknown: .end
        case .wasMissing: .beginning
        case .position(let position): .saved(position)
        }
    }

    /// Tries every minute, until it is there: bans that cannot be ended would be the worst of all.
    private func openSoon(_ directory: String) {
        let task = Task {
            while (try? await Task.sleep(for: .seconds(60))) != nil {
                guard (try? StateDirectory.make(directory)) != nil else { continue }
                if (try? await openSocket("\(directory)/\(Autoban.StatePlace.socket)")) != nil { return }
            }
        }
        state.withLockedValue { $0.opening = task }
    }

    private func openSocket(_ path: String) async throws(AdminServer.Failure) {
        let routes = BanRoutes.routes(keeper).described(title: "autoban", version: ProductVersion.current)
        let server = try await AdminServer(path: path, routes: routes)
        state.withLockedValue { $0.admin = server }
    }

    /// False if it is to be tried again: a disk may be full.
    private func openFirst(_ path: String) async throws(StartFailure) -> Bool {
        do throws(AdminServer.Failure) {
            try await openSocket(path)
            return true
        } catch {
            guard error.mayPass else {
                throw StartFailure(
                    "commands cannot reach autoban: \(error)",
                    help: "if another one runs, stop it, or name another --state")
            }
            logger.error("commands cannot reach autoban yet", metadata: ["reason": "\(error)"])
            return false
        }
    }

    /// Whether it has ended because its input could not be read, or has left rules that it was to remove.
    var hasFailed: Bool { state.withLockedValue { $0.ended?.end == .inputFailed || $0.hasLeftRules } }

    /// For SIGHUP: the firewall is looked at now.
    func look() {
        do throws(FirewallFailure) {
            try keeper.reconcile(now: WallClock.raw())
        } catch {
            logger.error("the firewall does not take bans", metadata: ["reason": "\(error.text)"])
        }
    }

    private func threadEnded(_ position: LogPosition?, _ end: FollowThread.End) {
        let waiter = state.withLockedValue { state in
            state.ended = (position, end)
            return state.waiter.take()
        }
        waiter?.resume()
        // Without an input there is nothing left to do.
        if end != .stopped { kill(getpid(), SIGTERM) }
    }

    func end() async {
        let thread = state.withLockedValue { $0.thread.take() }
        if let thread {
            thread.stop()
            await withCheckedContinuation { continuation in
                let isEnded = state.withLockedValue { state in
                    if state.ended == nil { state.waiter = continuation }
                    return state.ended != nil
                }
                if isEnded { continuation.resume() }
            }
        }
        let ended = state.withLockedValue { $0.ended }
        // What came of an input that is over is what was asked for.
        let removesRules = removesRules && ended?.end != .inputOver
        let opening = state.withLockedValue { $0.opening.take() }
        opening?.cancel()
        await opening?.value
        // Nobody is to be told of a ban that ends with us.
        await state.withLockedValue { $0.admin }?.close()
        let isClean = keeper.end(position: ended?.position, removesRules: removesRules, now: WallClock.raw())
        state.withLockedValue { $0.hasLeftRules = !isClean }
        keeper.finishCutting()
    }
}
