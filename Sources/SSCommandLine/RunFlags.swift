// The flags of `run` and `check`, the same for both programs and named as in shadowsocks-rust where both have them.
package import ArgumentParser
package import SSCommon

/// What stands in a configuration, laid over it or standing in for one.
package struct RunFlags: ParsableArguments, Sendable {
    @Option(name: [.short, .long], help: ArgumentHelp("Configuration file.", valueName: "file"))
    package var config: String?

    @Option(
        name: [.short, .customLong("server"), .customLong("server-addr")],
        help: ArgumentHelp("The Shadowsocks server.", valueName: "host[:port]"))
    package var server: String?

    @Option(name: [.customShort("p"), .customLong("server-port")], help: ArgumentHelp("Its port.", valueName: "port"))
    package var serverPort: String?

    @Option(
        name: [.customShort("b"), .customLong("local-addr")],
        help: ArgumentHelp("Where sslocal listens.", valueName: "address[:port]"))
    package var localAddress: String?

    @Option(name: [.customShort("l"), .customLong("local-port")], help: ArgumentHelp("Its port.", valueName: "port"))
    package var localPort: String?

    @Option(
        name: [.customShort("m"), .customLong("method"), .customLong("encrypt-method")],
        help: ArgumentHelp("Encryption method.", valueName: "method"))
    package var method: String?

    @Option(
        // As getopt(3) reads it: also "-kPASSWORD", and what follows is the password whatever it begins with.
        name: [.customShort("k", allowingJoined: true), .customLong("password")], parsing: .unconditional,
        help: ArgumentHelp("The password; others on this machine can see it in ps.", valueName: "password"))
    package var password: String?

    @Option(name: .customLong("password-file"), help: ArgumentHelp("A file with the password.", valueName: "file"))
    package var passwordFile: String?

    @Option(
        name: [.customShort("t"), .customLong("timeout")],
        help: ArgumentHelp("Idle time of a stream.", valueName: "seconds"))
    package var timeout: String?

    @Flag(name: .customShort("u"), help: "UDP only.")
    package var udpOnly = false

    @Flag(name: .customShort("U"), help: "TCP and UDP (the default).")
    package var tcpAndUDP = false

    @Option(
        name: [.customLong("manager-address"), .customLong("manager-addr")],
        help: ArgumentHelp("ssserver: where panels ask.", valueName: "address:port or path"))
    package var managerAddress: String?

    @Option(name: .customLong("acl"), help: ArgumentHelp("A file of rules.", valueName: "file"))
    package var acl: String?

    @Option(name: .customLong("server-url"), help: ArgumentHelp("The server as an ss:// link.", valueName: "url"))
    package var serverURL: String?

    @Flag(name: .customShort("v"), help: "Log more; twice for everything.")
    package var verbosity: Int

    @Option(
        name: .customLong("log-format"), help: ArgumentHelp("text, logfmt or json.", valueName: "format"))
    package var logFormat: String?

    @Option(
        name: [.customShort("n"), .customLong("nofile")],
        help: ArgumentHelp("Limit of open files.", valueName: "number"))
    package var nofile: String?

    package init() {}

    package mutating func validate() throws {
        for (flag, port) in [("-p", serverPort), ("-l", localPort)] {
            if let port, UInt16(port) == nil || port == "0" {
                throw ValidationError("\(flag) takes a port from 1 to 65535, not \(TerminalText.quote(port))")
            }
        }
        if let logFormat, LogFormat(rawValue: logFormat) == nil {
            let known = LogFormat.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--log-format is one of \(known), not \(TerminalText.quote(logFormat))")
        }
        if let serverURL {
            do throws(ServerLink.Fault) {
                link = try ServerLink(serverURL)
            } catch {
                throw ValidationError("--server-url: \(error)")
            }
            if link?.plugin != nil {
                throw ValidationError("--server-url: the link asks for a plugin, which this version does not run")
            }
        }
    }

    /// What `--server-url` says.
    private var link: ServerLink?

    private enum CodingKeys: CodingKey {
        case config, server, serverPort, localAddress, localPort, method, password, passwordFile, timeout, udpOnly
        case tcpAndUDP, managerAddress, acl, serverURL, verbosity, logFormat, nofile
    }

    /// Whether anything but a file was given.
    package var namesServer: Bool { server != nil || serverPort != nil || link != nil }

    /// Whether the link asks for something that is not done.
    var linkHasPrefix: Bool { link?.prefix != nil }

    /// What no other process should see in the list of processes.
    package var secrets: [String] { [password, serverURL].compactMap(\.self) }

    package var overrides: CommandLineOverrides {
        var overrides = CommandLineOverrides()
        overrides.server = server
        overrides.serverPort = serverPort
        overrides.localAddress = localAddress
        overrides.localPort = localPort
        overrides.method = method
        overrides.password = password
        overrides.passwordFile = passwordFile
        overrides.timeout = timeout
        if let link {
            overrides.server = link.host.contains(":") ? "[\(link.host)]" : link.host
            overrides.serverPort = "\(link.port)"
            overrides.method = link.method
            overrides.password = link.password
        }
        overrides.managerAddress = managerAddress
        overrides.acl = acl
        overrides.logFormat = logFormat
        overrides.nofile = nofile
        overrides.udpOnly = udpOnly
        overrides.tcpAndUDP = tcpAndUDP
        overrides.verbosity = verbosity
        return overrides
    }
}
