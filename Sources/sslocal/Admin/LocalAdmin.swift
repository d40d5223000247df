// The laptop's admin socket. Whoever has it also has the lists of servers that are kept beside it, so that of two programs
// with one state directory only one does. Without it the program serves all the same.
internal import Logging
internal import NIOCore
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

struct LocalAdmin: Sendable {
    /// What it speaks about.
    struct Subject: Sendable {
        let configuration: LocalConfiguration
        let servers: ServerSet
        /// The configuration's servers.
        let configured: [ServerEntry]
        let sources: ListSources
        let ledger: TrafficLedger
        /// False where the command line names the server.
        let keepsList: Bool
    }

    private let server: AdminServer

    /// Nil, with a word in the log, where it cannot be.
    static func open(_ subject: Subject, logger: Logger) async -> LocalAdmin? {
        let settings = subject.configuration.settings
        let directory = StateDirectory.path(Program.sslocal.rawValue, configured: settings.stateDirectory)
        let paths = AdminSocket.paths(.sslocal, settings)
        guard let directory, !paths.isEmpty else {
            logger.warning("there is no state directory, so \"sslocal status\" and \"sslocal use\" will not work")
            return nil
        }
        let lists = ServerLists(subject.servers, configured: subject.configured, directory: directory, logger: logger)
        let routes = LocalRoutes(
            subject.servers, lists, subject.sources, subject.ledger, subject.configuration.locals
        ).routes
        do {
            try StateDirectory.make(directory)
            let server = try await AdminSocket.serve(routes, at: paths, of: .sslocal)
            begin(lists, subject, logger)
            return LocalAdmin(server: server)
        } catch {
            logger.warning(
                "there is no admin socket, so \"sslocal status\" and \"sslocal use\" will not work",
                metadata: ["path": "\(paths[0])", "reason": "\(error)"])
            return nil
        }
    }

    private static func begin(_ lists: ServerLists, _ subject: Subject, _ logger: Logger) {
        guard subject.keepsList else { return lists.passOver() }
        let online = subject.configuration.online
        lists.restore(hasOnline: online != nil)
        guard let online else { return }
        OnlineList(
            configuration: online, lists: lists, sources: subject.sources, logger: logger,
            eventLoop: subject.sources.eventLoop
        ).start()
    }

    func close() async { await server.close() }
}
