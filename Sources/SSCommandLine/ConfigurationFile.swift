// Where `init` puts the configuration it makes, and how the program is then told of it.
package import ArgumentParser
internal import SSCommon
internal import SSNetwork

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// The flags of both programs' `init` that say where.
package struct ConfigurationPlace: ParsableArguments {
    @Option(
        name: [.short, .long],
        help: ArgumentHelp(
            "Where to write the configuration (default: where the program finds it).", valueName: "file"))
    package var config: String?

    @Flag(help: "Replace the configuration that is there.")
    package var force = false

    package init() {}

    /// Throws the exit status, with a word of why, where there is no place or a configuration is there already.
    package func file(of program: Program) throws -> ConfigurationFile {
        guard let path = config ?? program.defaultPath() else {
            Report.error(
                "this user has no home directory", help: "say where to write: \(program.rawValue) init -c FILE")
            throw Report.failed
        }
        guard ServerLink.covered(path) == path else {
            Report.error("-c names a link where a file belongs", help: "\(program.rawValue) init --help")
            throw ExitCode(64)
        }
        let file = ConfigurationFile(program: program, path: path, replaces: force)
        if !force, PrivateFile.exists(path) { throw file.refusal() }
        return file
    }
}

package struct ConfigurationFile {
    package let program: Program
    package let path: String
    fileprivate let replaces: Bool

    /// Writes the file, the owner's alone. Throws the exit status, with a word of why.
    package func write(_ text: String) throws {
        do throws(PrivateFile.Failure) {
            try PrivateFile.save(text, to: path, replacing: replaces)
        } catch {
            switch error {
            case .exists: throw refusal()
            case .system(let reason):
                Report.error("\(shown) could not be written: \(reason)", help: "\(program.rawValue) init -c FILE")
                throw Report.failed
            }
        }
    }

    /// What to type so that `command` of the program reads this file; without `-c` where it finds it by itself.
    package func invocation(_ command: String = "") -> String {
        let words = [program.rawValue, command].filter { !$0.isEmpty }
        return (isFoundByItself ? words : words + ["-c", ShellWord.quote(path)]).joined(separator: " ")
    }

    /// Its name as a message shows it.
    package var shown: String { TerminalText.quote(path, limit: 200) }

    private var isFoundByItself: Bool { program.searchPaths.first(where: ConfigurationSource.exists) == path }

    fileprivate func refusal() -> ExitCode {
        Report.error(
            "\(shown) is there already and stays as it is",
            help: "\(program.rawValue) check says whether it is good; --force replaces it, and -c FILE takes another")
        return Report.failed
    }
}

extension Program {
    var fileName: String { self == .sslocal ? "local.json" : "server.json" }

    /// Where `init` writes: for root the system's place, for others the user's own; nil for a user without one.
    func defaultPath(
        isRoot: Bool = geteuid() == 0, environment: (String) -> String? = Environment.variable
    ) -> String? {
        if isRoot { return "/etc/shadowsocks/\(fileName)" }
        return Self.home(environment).map { "\($0)/shadowsocks/\(fileName)" }
    }

    /// The user's folder of configurations (XDG Base Directory: a relative one does not count).
    static func home(_ environment: (String) -> String?) -> String? {
        if let given = environment("XDG_CONFIG_HOME"), given.hasPrefix("/") { return given }
        return environment("HOME").flatMap { $0.hasPrefix("/") ? $0 + "/.config" : nil }
    }
}
