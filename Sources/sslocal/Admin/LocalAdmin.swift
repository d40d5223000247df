// The laptop's admin socket. Whoever has it also has the list of servers that is kept beside it, so that of two programs with
// one state directory only one does. Without it the program serves all the same.
internal import Logging
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

struct LocalAdmin: Sendable {
    private let server: AdminServer

    /// Nil, with a word in the log, where it cannot be. `keepsList` is false where the command line names the server.
    static func open(
        _ settings: CommonSettings, servers: ServerSet, configured: [ServerEntry], ledger: TrafficLedger,
        keepsList: Bool, logger: Logger
    ) async -> LocalAdmin? {
        let directory = StateDirectory.path(Program.sslocal.rawValue, configured: settings.stateDirectory)
        guard let directory, let path = AdminSocket.path(.sslocal, settings) else {
            logger.warning("there is no state directory, so \"sslocal status\" and \"sslocal use\" will not work")
            return nil
        }
        let lists = ServerLists(servers, configured: configured, file: ServerListFile(in: directory), logger: logger)
        do {
            try StateDirectory.make(directory)
            let server = try await AdminServer(path: path, routes: LocalRoutes(servers, lists, ledger).routes)
            lists.restore(isWanted: keepsList)
            return LocalAdmin(server: server)
        } catch {
            logger.warning(
                "there is no admin socket, so \"sslocal status\" and \"sslocal use\" will not work",
                metadata: ["path": "\(path)", "reason": "\(error)"])
            return nil
        }
    }

    func close() async { await server.close() }
}
