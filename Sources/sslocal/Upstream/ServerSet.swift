// The servers of the laptop: `ServerTable` behind a lock, with the servers it is about. Everything that happens to a server
// comes in here as evidence; dialers and associations ask here whom to use; what changes is written to the log.
internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import SSCommon
internal import SSNetwork
internal import struct Synchronization.Atomic

final class ServerSet: Sendable {
    struct Contents {
        /// In the user's order; at least one.
        var servers: [UpstreamServer]
        var table: ServerTable
        var targets = RecentTargets()
        var alarm = UnreachableAlarm()
        /// Whether the last failures may be this machine's own network.
        var isPerhapsOffline = false
        var random = SystemRandomNumberGenerator()
        var nextID: ServerTable.ID

        func server(_ id: ServerTable.ID) -> UpstreamServer? { servers.first { $0.id == id } }
    }

    private let contents: NIOLockedValueBox<Contents>
    private let resolver: any NameResolver
    private let logger: Logger
    private let hasAlarm: Bool
    /// Goes up whenever associations should look whether their server is still the right one.
    private let changes = Atomic(0)

    /// `entries`: at least one. `hasAlarm`: somebody asks for `isAlarmDue`.
    init(_ entries: [ServerEntry], resolver: any NameResolver, logger: Logger, hasAlarm: Bool = false) {
        self.resolver = resolver
        self.logger = logger
        self.hasAlarm = hasAlarm
        let reports = Reports()
        let servers = entries.enumerated().map { id, entry in
            UpstreamServer(id, entry, resolver: resolver, logger: logger, report: reports.report)
        }
        contents = NIOLockedValueBox(
            Contents(servers: servers, table: ServerTable(servers.map(\.id)), nextID: servers.count))
        self.reports = reports
        reports.set = self
    }

    /// What servers report goes to their set, which has them; they must not hold it.
    private final class Reports: Sendable {
        private let box = NIOLockedValueBox<Weak?>(nil)
        private struct Weak { weak var set: ServerSet? }

        var set: ServerSet? {
            get { box.withLockedValue { $0?.set } }
            set { box.withLockedValue { $0 = Weak(set: newValue) } }
        }

        var report: UpstreamServer.Report {
            { [weak self] id, evidence in self?.set?.note(evidence, about: id) }
        }
    }

    private let reports: Reports

    // MARK: Whom to use

    /// The servers to try for a stream, the best first. One that is not `isWatched` is used without looking closer.
    func streamRoute() -> (servers: [UpstreamServer], isWatched: Bool) {
        update { contents in
            if contents.servers.count == 1, !hasAlarm { return (contents.servers, false) }
            return (contents.choose { $0.hasTCP }, true)
        }
    }

    /// The servers to try for datagrams, the best first.
    func datagramRoute() -> [UpstreamServer] {
        update { contents in contents.servers.count == 1 ? contents.servers : contents.choose { $0.hasUDP } }
    }

    /// Changes when `datagramRoute` may have.
    var generation: Int { changes.load(ordering: .relaxed) }

    /// Whether an association may stay with `server`.
    func isUsable(_ server: UpstreamServer) -> Bool {
        contents.withLockedValue { contents in
            guard let state = contents.table.state(of: server.id) else { return false }
            return state < .down || contents.table.isAllDown
        }
    }

    /// Whether nothing speaks against `server`.
    func isTrusted(_ server: UpstreamServer) -> Bool {
        contents.withLockedValue { $0.table.state(of: server.id) ?? .suspect < .suspect }
    }

    /// Whether what happens on streams and associations is looked at one by one.
    var isWatching: Bool { contents.withLockedValue { $0.servers.count > 1 || hasAlarm } }

    // MARK: What happens

    /// Something was observed.
    func note(_ evidence: ServerEvidence, about id: ServerTable.ID) {
        let now = ContinuousClock.now
        update { contents in
            // Of a server that has left the list since.
            guard contents.table.state(of: id) != nil else { return }
            contents.table.note(evidence, about: id, now: now, random: &contents.random)
            switch evidence {
            case .answered: contents.alarm.worked()
            // Nobody fails who is not asked: requests into the dark are failures of real use too.
            case .asked: if contents.table.isAllDown { contents.alarm.failed(now: now) }
            case .connected, .notConnected, .noRoute, .stalled, .datagramAnswered, .answerRefused, .checkUnanswered,
                .checkConnected, .quiet:
                break
            }
        }
    }

    /// A target answered through `server`, so long after it was asked.
    func answered(_ target: TargetAddress, _ question: CheckQuestion?, after time: Duration, by server: UpstreamServer)
    {
        note(.answered(after: time), about: server.id)
        guard let question else { return }
        let now = ContinuousClock.now
        contents.withLockedValue { contents in
            if contents.servers.count > 1 { contents.targets.answered(target, question, now: now) }
        }
    }

    /// A connection to `server` could not be had.
    func failed(_ server: UpstreamServer, _ error: DialError) {
        guard let evidence = ServerEvidence(error) else { return }
        contents.withLockedValue { $0.isPerhapsOffline = evidence == .noRoute }
        note(evidence, about: server.id)
    }

    /// A stream was wanted, and no server could be had.
    func useFailed(_ error: DialError) {
        guard hasAlarm, ServerEvidence(error) != nil else { return }
        contents.withLockedValue { $0.alarm.failed(now: .now) }
    }

    /// A server ended a stream in good order before it had answered.
    func endedInOrder() {
        guard hasAlarm else { return }
        contents.withLockedValue { $0.alarm.reached() }
    }

    /// To be called every second or so: whatever follows from time alone.
    func look() {
        let now = ContinuousClock.now
        for server in contents.withLockedValue({ $0.servers }) { server.look(now: now) }
        update { $0.table.look(now: now, random: &$0.random) }
    }

    // MARK: Checks and the alarm

    /// The servers to check now, each with what to ask through it.
    func checksDue() -> [(server: UpstreamServer, target: RecentTargets.Target?)] {
        let now = ContinuousClock.now
        return contents.withLockedValue { contents in
            contents.table.checksDue(now: now, random: &contents.random).compactMap { id in
                contents.server(id).map { ($0, contents.targets.pick(now: now, random: &contents.random)) }
            }
        }
    }

    /// A check is over; `evidence` is what it showed beyond the connection.
    func checkEnded(_ server: UpstreamServer, _ target: RecentTargets.Target?, _ evidence: ServerEvidence?) {
        if let evidence { note(evidence, about: server.id) }
        let now = ContinuousClock.now
        contents.withLockedValue { contents in
            if evidence == .checkUnanswered, let target { contents.targets.failed(target) }
            contents.table.checkEnded(server.id, now: now, random: &contents.random)
        }
    }

    /// Whether the command for unreachable servers is to run now; what it is told if so.
    func isAlarmDue() -> UnreachableCommand.Occasion? {
        let now = ContinuousClock.now
        return contents.withLockedValue { contents in
            // Without a network no server can be reached, and no provider either.
            if contents.isPerhapsOffline, !OwnAddresses.hasNetwork { return nil }
            guard contents.alarm.isDue(isAllDown: contents.table.isAllDown, now: now) else { return nil }
            let current = contents.server(contents.table.current) ?? contents.servers[0]
            return UnreachableCommand.Occasion(
                servers: contents.servers.map(\.address), current: current.address,
                name: current.entry.configuration.name)
        }
    }

    /// Servers may be back: all are tried soon.
    func tryAllAgain() {
        let now = ContinuousClock.now
        update { $0.table.tryAllAgain(now: now, random: &$0.random) }
    }

    // MARK: The list

    /// Uses other servers from now on; what runs stays where it is. Servers that are in both lists keep what is known.
    func replace(with entries: [ServerEntry]) {
        precondition(!entries.isEmpty, "a list without servers")
        let now = ContinuousClock.now
        update { contents in
            var former = contents.servers
            contents.servers = entries.map { entry in
                if let index = former.firstIndex(where: { $0.entry.isSame(as: entry) }) {
                    return former.remove(at: index)
                }
                defer { contents.nextID += 1 }
                return UpstreamServer(
                    contents.nextID, entry, resolver: resolver, logger: logger, report: reports.report)
            }
            let ids = contents.servers.map(\.id)
            contents.table.replace(with: ids, now: now, random: &contents.random)
            for server in contents.servers { server.wantNews(true) }
        }
        changes.wrappingAdd(1, ordering: .relaxed)
    }

    /// For the log: the server in use, and how many others there are.
    var shown: String {
        withContents { contents in
            let current = contents.server(contents.table.current) ?? contents.servers[0]
            let others = contents.servers.count - 1
            return "\(current.address)" + (others == 0 ? "" : " and \(others) more")
        }
    }

    /// A look at everything at once.
    func withContents<Result>(_ body: (Contents) -> Result) -> Result { contents.withLockedValue { body($0) } }

    // MARK: Changes

    /// Changes the table and tells what came of it.
    private func update<Result>(_ body: (inout Contents) -> Result) -> Result {
        let (result, news) = contents.withLockedValue { contents in
            let result = body(&contents)
            return (result, News(&contents))
        }
        if let news {
            changes.wrappingAdd(1, ordering: .relaxed)
            news.log(logger)
        }
        return result
    }
}

extension ServerSet.Contents {
    fileprivate mutating func choose(_ usable: (RelayMode) -> Bool) -> [UpstreamServer] {
        let now = ContinuousClock.now
        table.used(now: now, random: &random)
        let unusable = Set(servers.filter { !usable($0.mode) }.map(\.id))
        return table.choose(now: now) { !unusable.contains($0) }.compactMap { server($0) }
    }
}

extension ServerEvidence {
    /// What a connection to a server that could not be had says about it; nil for a fault of ours.
    init?(_ error: DialError) {
        switch error {
        case .refused, .timedOut, .nameNotFound, .notAllowed: self = .notConnected
        // A name server that does not answer comes as `failed`.
        case .unreachable, .failed: self = .noRoute
        case .exhausted: return nil
        }
    }
}
