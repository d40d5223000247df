// Where a program keeps what must survive it: the configuration's "state_directory", what systemd gives, or the customary
// place.
#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

package enum StateDirectory {
    /// Why there is none, in words for a person.
    package struct Failure: Error, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// The path for `program`: `configured`, else the first of `$STATE_DIRECTORY`, else /var/lib/PROGRAM for root, else
    /// ~/.local/state/PROGRAM. Nil where there is no home.
    package static func path(
        _ program: String, configured: String?, isRoot: Bool = geteuid() == 0,
        environment: (String) -> String? = { getenv($0).map { String(cString: $0) } }
    ) -> String? {
        if let configured { return configured }
        // systemd joins several by colons.
        if let given = environment("STATE_DIRECTORY")?.split(separator: ":").first { return String(given) }
        if isRoot { return "/var/lib/\(program)" }
        if let state = environment("XDG_STATE_HOME"), state.hasPrefix("/") { return "\(state)/\(program)" }
        return environment("HOME").map { "\($0)/.local/state/\(program)" }
    }

    /// Makes `path` and what is missing above it; what is made is the owner's alone.
    package static func make(_ path: String) throws(Failure) {
        var made = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            made += "/" + part
            guard mkdir(made, 0o700) == 0 || errno == EEXIST else {
                throw Failure(description: "make \(made): \(String(cString: strerror(errno)))")
            }
        }
        guard access(path, R_OK | W_OK | X_OK) == 0 else {
            throw Failure(description: "use \(path): \(String(cString: strerror(errno)))")
        }
    }
}
