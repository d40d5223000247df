// Where a program's admin API is: told by its configuration, so that commands find it by reading the same file. Both programs
// may share a state directory; who finds the other one at the usual name takes its own.
package import SSCommon
package import SSNetwork

package enum AdminSocket {
    /// The places, in the order in which they are tried: the configuration's, below the state directory unless it is absolute;
    /// beside it the program's own. None where there is no state directory.
    package static func paths(_ program: Program, _ settings: CommonSettings) -> [String] {
        if settings.adminSocket.hasPrefix("/") { return [settings.adminSocket] }
        guard let directory = StateDirectory.path(program.rawValue, configured: settings.stateDirectory) else {
            return []
        }
        return [settings.adminSocket, "\(program.rawValue).sock"].map { "\(directory)/\($0)" }
    }

    /// Serves `routes` at the first of `paths` where not the other program does; at least one.
    package static func serve(
        _ routes: AdminRoutes, at paths: [String], of program: Program
    ) async throws(AdminServer.Failure) -> AdminServer {
        let routes = routes.described(title: program.rawValue, version: ProductVersion.current)
        for path in paths.dropLast() {
            do throws(AdminServer.Failure) {
                return try await AdminServer(path: path, routes: routes)
            } catch {
                guard let other = answerer(at: path), other != program.rawValue else { throw error }
            }
        }
        return try await AdminServer(path: paths[paths.count - 1], routes: routes)
    }

    /// Asks where `program` answers, or, if nowhere, where it would. Nil where there is no state directory.
    package static func client(_ program: Program, _ settings: CommonSettings) -> AdminClient? {
        let paths = paths(program, settings)
        return (paths.first { answerer(at: $0) == program.rawValue } ?? paths.first).map { AdminClient(path: $0) }
    }

    /// Who answers at `path`; nil for nobody of ours, and for who hangs.
    private static func answerer(at path: String) -> String? {
        let answer = try? AdminClient(path: path, patience: 3).request(.get, "/api/v1/status")
        return answer?.json?["program"]?.text
    }
}
