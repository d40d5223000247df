// Where a program's admin API is: told by its configuration, so that commands find it by reading the same file.
package import SSCommon
internal import SSNetwork

package enum AdminSocket {
    /// Below the state directory unless the configuration's path is absolute. Nil where there is no state directory.
    package static func path(_ program: Program, _ settings: CommonSettings) -> String? {
        if settings.adminSocket.hasPrefix("/") { return settings.adminSocket }
        return StateDirectory.path(program.rawValue, configured: settings.stateDirectory)
            .map { "\($0)/\(settings.adminSocket)" }
    }
}
