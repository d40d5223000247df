// From flags and files to a checked configuration, with everything that is wrong said at once.
package import SSCommon
package import SSNetwork

/// Which program asks.
package enum Program: String, CaseIterable, Sendable {
    case sslocal
    case ssserver

    /// Its subcommands, the default one first.
    package var commands: [String] {
        self == .sslocal
            ? ["run", "check", "init", "url", "status", "use", "doctor"]
            : [
                "run", "check", "init", "share", "users", "block", "unblock", "blocked", "cache", "autoban", "reload",
                "status", "doctor", "genkey",
            ]
    }

    /// Where a configuration is looked for if no flag says where.
    var searchPaths: [String] {
        let home = Self.home(Environment.variable)
        return (home.map { ["\($0)/shadowsocks/\(fileName)"] } ?? []) + ["/etc/shadowsocks/\(fileName)", "config.json"]
    }
}

/// A configuration with the keys it names read from their files.
package struct CheckedConfiguration<Configuration: Sendable>: Sendable {
    /// Nil if there were errors.
    package var configuration: Configuration?
    /// One key for each endpoint, in order.
    package var credentials: [Credential]
    package var diagnostics: [Diagnostic]
    /// The file that was read.
    package var path: String?

    package var isUsable: Bool { configuration != nil && !diagnostics.hasErrors }
}

package enum ConfigurationSource {
    private static let maximumFile = 8 << 20
    private static let maximumKeyFile = 64 << 10

    /// What the command line says.
    private struct Request {
        var config: String?
        var namesServer = false
        var overrides = CommandLineOverrides()

        init(config: String?) { self.config = config }

        init(_ flags: RunFlags) {
            config = flags.config
            namesServer = flags.namesServer
            overrides = flags.overrides
        }
    }

    package static func server(_ flags: RunFlags) -> CheckedConfiguration<ServerConfiguration> {
        server(Request(flags))
    }

    /// Of the file alone; nil for the one that is found.
    package static func server(at path: String?) -> CheckedConfiguration<ServerConfiguration> {
        server(Request(config: path))
    }

    private static func server(_ request: Request) -> CheckedConfiguration<ServerConfiguration> {
        load(.ssserver, request, { ServerConfiguration.load($0, overrides: $1, environment: $2) }, { $0.listeners })
    }

    package static func local(_ flags: RunFlags) -> CheckedConfiguration<LocalConfiguration> {
        var checked = local(Request(flags))
        if flags.linkHasPrefix {
            checked.diagnostics.append(
                Diagnostic(.notActedOn, "the prefix of the link is not acted on by this version", path: "command line"))
        }
        return checked
    }

    /// Of the file alone; nil for the one that is found.
    package static func local(at path: String?) -> CheckedConfiguration<LocalConfiguration> {
        local(Request(config: path))
    }

    /// What a configuration says about the program itself: of the file `config`, or of the one that is found; the customs
    /// where there is none. Nil for a file that cannot be read; what else is wrong with it is for others to say.
    package static func settings(_ program: Program, config: String?) -> CommonSettings? {
        guard let path = config ?? program.searchPaths.first(where: exists) else { return CommonSettings() }
        guard let file = try? SmallFile(path, limit: maximumFile) else { return nil }
        let reader: SSCommon.Program = program == .sslocal ? .local : .server
        return CommonSettings.load(reader, (file.bytes, path), environment: Environment.variable)
    }

    private static func local(_ request: Request) -> CheckedConfiguration<LocalConfiguration> {
        var checked = load(
            .sslocal, request, { LocalConfiguration.load($0, overrides: $1, environment: $2) }, { $0.servers })
        if let program = checked.configuration?.onUnreachable?.first,
            ChildProcess.locate(program, path: Environment.variable("PATH") ?? "") == nil
        {
            checked.diagnostics.append(noProgram(program, path: checked.path ?? ""))
        }
        return checked
    }

    private static func noProgram(_ program: String, path: String) -> Diagnostic {
        Diagnostic(
            .unreadableFile, "\"on_unreachable\" names \(TerminalText.quote(program)), which cannot be run", path: path,
            help: program.hasPrefix("/")
                ? "there must be such a file, and it must be executable: chmod +x FILE"
                : "it is in no directory of $PATH; write its whole path")
    }

    private static func load<Configuration: Sendable>(
        _ program: Program, _ request: Request,
        _ parse: (
            (bytes: [UInt8], path: String)?, CommandLineOverrides, @escaping (String) -> String?
        ) -> LoadedConfiguration<Configuration>,
        _ endpoints: (Configuration) -> [EndpointConfiguration]
    ) -> CheckedConfiguration<Configuration> {
        var result = CheckedConfiguration<Configuration>(
            configuration: nil, credentials: [], diagnostics: [], path: nil)
        let path = request.config ?? (request.namesServer ? nil : program.searchPaths.first(where: exists))
        if path == nil, !request.namesServer {
            result.diagnostics = [noConfiguration(program)]
            return result
        }
        var file: (bytes: [UInt8], path: String)?
        if let path {
            guard ServerLink.covered(path) == path else {
                result.diagnostics = [linkAsFile(program)]
                return result
            }
            result.path = path
            do throws(SmallFile.Failure) {
                let read = try SmallFile(path, limit: maximumFile)
                file = (read.bytes, path)
                if read.isOpenToOthers { result.diagnostics.append(exposed(path, read.mode)) }
            } catch {
                result.diagnostics.append(
                    Diagnostic(
                        .unreadableFile, "cannot read \(TerminalText.quote(path)): \(error)", path: path,
                        help: error.help))
                return result
            }
        }
        let loaded = parse(file, request.overrides, Environment.variable)
        result.diagnostics += loaded.diagnostics
        if let configuration = loaded.configuration {
            result.configuration = configuration
            for endpoint in endpoints(configuration) { result.readKey(of: endpoint, program) }
        }
        return result
    }

    private static func linkAsFile(_ program: Program) -> Diagnostic {
        Diagnostic(
            .unreadableFile, "-c names a link where a file belongs", path: "",
            help: "\(program.rawValue) --server-url LINK")
    }

    static func exists(_ path: String) -> Bool {
        (try? SmallFile(path, limit: maximumFile)) != nil
    }

    private static func noConfiguration(_ program: Program) -> Diagnostic {
        let places = program.searchPaths.joined(separator: ", ")
        return Diagnostic(
            .unreadableFile, "there is no configuration", path: "",
            help: "\(program.rawValue) init makes one; looked for \(places); -c FILE names another, "
                + "-s HOST:PORT -m METHOD --password-file FILE stand in for one")
    }

    fileprivate static func exposed(_ path: String, _ mode: UInt32) -> Diagnostic {
        Diagnostic(
            .exposedFile, "key file can be read by others (mode 0\(String(mode, radix: 8)))", path: path,
            help: "chmod 600 \(path)")
    }

    /// The key itself, for who is to be given it.
    package static func text(of password: PasswordSource) throws(SmallFile.Failure) -> String {
        switch password {
        case .text(let text): text
        case .file(let path): try readPassword(path).text
        }
    }

    fileprivate static func readPassword(_ path: String) throws(SmallFile.Failure) -> (text: String, mode: UInt32?) {
        let file = try SmallFile(path, limit: maximumKeyFile)
        let line = file.bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        return (String(decoding: line, as: UTF8.self), file.isOpenToOthers ? file.mode : nil)
    }
}

extension CheckedConfiguration {
    private mutating func addKey(_ text: String, of endpoint: EndpointConfiguration, _ program: Program, path: String) {
        do throws(PreSharedKeys.Fault) {
            let credential = try Credential(method: endpoint.method, secret: text)
            if program == .ssserver, !credential.identities.isEmpty {
                diagnostics.append(
                    Diagnostic(
                        .badKey, "more than one key", path: path,
                        help: "a server's own key is the first of them; the users' belong in \"users\""))
            }
            credentials.append(credential)
        } catch {
            diagnostics.append(
                Diagnostic(
                    .badKey, error.message(endpoint.method), path: path,
                    help: "make one with: ssserver genkey \(endpoint.method.rawValue)"))
        }
    }

    fileprivate mutating func readKey(of endpoint: EndpointConfiguration, _ program: Program) {
        switch endpoint.password {
        case .text(let text):
            addKey(text, of: endpoint, program, path: path ?? "")
        case .file(let path):
            do throws(SmallFile.Failure) {
                let (text, mode) = try ConfigurationSource.readPassword(path)
                if let mode { diagnostics.append(ConfigurationSource.exposed(path, mode)) }
                guard !text.isEmpty else {
                    diagnostics.append(
                        Diagnostic(
                            .badValue, "the password file is empty", path: path,
                            help: "its first line is the key: ssserver genkey \(endpoint.method.rawValue) > FILE"))
                    return
                }
                addKey(text, of: endpoint, program, path: path)
            } catch {
                diagnostics.append(
                    Diagnostic(
                        .unreadableFile, "cannot read the password file: \(error)", path: path, help: error.help))
            }
        }
    }
}
