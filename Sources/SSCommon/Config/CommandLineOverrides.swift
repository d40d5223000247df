// The flags of `run` and `check` that say what a configuration could say. They are kept as they were typed,
// so that a bad one is reported like a bad value in a file: with its place and the fix.

/// Flags laid over a configuration, or standing in for one.
package struct CommandLineOverrides: Hashable, Sendable {
    /// `-s HOST[:PORT]`; the `server`, `servers` and `port_password` of a file no longer count.
    package var server: String?
    /// `-p PORT`.
    package var serverPort: String?
    /// `-b ADDR[:PORT]`; the `locals` of a file no longer count.
    package var localAddress: String?
    /// `-l PORT`; the same.
    package var localPort: String?
    /// `-m METHOD`.
    package var method: String?
    /// `-k PASSWORD`.
    package var password: String?
    /// `--password-file FILE`.
    package var passwordFile: String?
    /// `-t TIME`.
    package var timeout: String?
    /// `--manager-address ADDRESS:PORT|PATH`.
    package var managerAddress: String?
    /// `--acl FILE`.
    package var acl: String?
    /// `--log-format WORD`.
    package var logFormat: String?
    /// `-n NOFILE`.
    package var nofile: String?
    /// `-u`, as shadowsocks-rust means it.
    package var udpOnly = false
    /// `-U`, as shadowsocks-rust means it.
    package var tcpAndUDP = false
    /// How often `-v` was given.
    package var verbosity = 0

    package init() {}
}

extension CommandLineOverrides: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { CommandLineText(self).shown }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(reflecting: description) }
}

/// The flags written out again as one line, the password covered, with the place of every value.
struct CommandLineText {
    struct Flag {
        let name: String
        /// The key of the table it stands for.
        let key: String
        let type: SettingType
        let value: String
        let span: SourceSpan
    }

    private(set) var shown = ""
    private(set) var flags: [Flag] = []
    /// Where `-u` and `-U` stand, if both do.
    private(set) var bothModes: SourceSpan?

    init(_ overrides: CommandLineOverrides) {
        let port = SettingType.port
        add("-s", "server", .host, overrides.server)
        add("-p", "server_port", port, overrides.serverPort)
        add("-b", "local_address", .host, overrides.localAddress)
        add("-l", "local_port", port, overrides.localPort)
        add("-m", "method", .text, overrides.method)
        add("-k", "password", .secret, overrides.password)
        add("--password-file", "password_file", .text, overrides.passwordFile)
        add("-t", "timeout", .time(Schema.idleTimes), overrides.timeout)
        add("--manager-address", "manager_address", .text, overrides.managerAddress)
        add("--acl", "acl", .text, overrides.acl)
        add("--log-format", "log_format", .logFormat, overrides.logFormat)
        add("-n", "nofile", .count(64...(1 << 30)), overrides.nofile)
        let start = shown.utf8.count
        if overrides.udpOnly { addSwitch("-u", mode: .udpOnly) }
        if overrides.tcpAndUDP { addSwitch("-U", mode: .tcpAndUDP) }
        if overrides.udpOnly, overrides.tcpAndUDP {
            bothModes = SourceSpan(start == 0 ? 0 : start + 1, shown.utf8.count)
        }
    }

    private mutating func add(_ name: String, _ key: String, _ type: SettingType, _ value: String?) {
        guard let value else { return }
        if !shown.isEmpty { shown += " " }
        shown += name + " "
        let start = shown.utf8.count
        shown += type == .secret ? "••••••••" : ServerLink.covered(value)
        let span = SourceSpan(start, shown.utf8.count)
        flags.append(Flag(name: name, key: key, type: type, value: value, span: span))
    }

    private mutating func addSwitch(_ name: String, mode: RelayMode) {
        if !shown.isEmpty { shown += " " }
        let start = shown.utf8.count
        shown += name
        let span = SourceSpan(start, shown.utf8.count)
        flags.append(Flag(name: name, key: "mode", type: .text, value: mode.rawValue, span: span))
    }
}
