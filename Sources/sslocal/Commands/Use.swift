internal import ArgumentParser
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

struct Use: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Use other servers from now on, while sslocal runs.",
        discussion: """
            Streams that run stay where they are. The list is kept, and used after a restart too, until \
            "sslocal use --config" goes back to the servers of the configuration. From standard input a link stays out of \
            the shell's history and of the list of processes.
            """)

    @Argument(
        help: ArgumentHelp(
            "An ss:// link; - for standard input; a file of links or a SIP008 document; or an https:// address of one.",
            valueName: "link"))
    var source: String?

    @Flag(name: .customLong("config"), help: "Use the servers of the configuration again.")
    var configuration = false

    @Flag(help: "Fetch an https:// address directly and not through the tunnel.")
    var direct = false

    @Option(name: .customShort("c"), help: ArgumentHelp("The configuration sslocal runs with.", valueName: "file"))
    var file: String?

    @Option(help: ArgumentHelp("Its admin socket, if no configuration says.", valueName: "path"))
    var socket: String?

    /// What the admin API takes in one request, with room for what JSON adds. In bytes.
    private static let maximumList = 60 << 10

    mutating func validate() throws {
        if (source != nil) == configuration {
            throw ValidationError("name a link, a file or -, or say --config")
        }
        if direct, !Self.isAddress(source ?? "") { throw ValidationError("--direct is about an https:// address") }
    }

    func run() throws {
        // Covered before anything else is done with it.
        if let source, Self.isAddress(source) || ServerLink.covered(source) != source {
            Environment.hideArgument(source)
        }
        let answer = try AdminFlags(config: file, socket: socket).ask(.sslocal, .put, "/api/v1/servers", try body())
        for reason in answer.json?["skipped"]?.elements.compactMap(\.text) ?? [] {
            Report.notDone("left out: \(TerminalText.plain(reason))")
        }
        let servers = answer.json?["servers"]?.elements.compactMap { $0["address"]?.text } ?? []
        Report.done(
            (configuration ? "the configuration's servers are used: " : "used from now on: ")
                + servers.prefix(5).map(TerminalText.plain).joined(separator: ", ")
                + (servers.count > 5 ? " and \(servers.count - 5) more" : ""))
    }

    private static func isAddress(_ text: String) -> Bool { text.lowercased().hasPrefix("https://") }

    private func body() throws -> JSONNode {
        guard let source else { return .members(["configuration": .bool(true)]) }
        if Self.isAddress(source) {
            do throws(HTTPSAddress.Fault) {
                _ = try HTTPSAddress(source)
            } catch {
                Report.error(error.description, help: "sslocal use --help")
                throw ExitCode(64)
            }
            return .members(["url": .string(source), "through": direct ? "direct" : "tunnel"])
        }
        let input = try LinkInput(source)
        if input.isVisible {
            Report.note(
                "the link was visible in ps until now, and stays in the history of the shell",
                help: "\"sslocal use -\" reads it from standard input")
        }
        try input.report(outcome: "the servers stay as they are")
        let body = JSONNode.members(["version": 1, "servers": .array(input.servers.map(\.node))])
        let size = body.text.utf8.count
        guard size <= Self.maximumList else {
            Report.error(
                "the list is too long: \(input.servers.count) servers in \(size >> 10) KiB",
                help: "at most \(Self.maximumList >> 10) KiB; leave out what is not needed")
            throw Report.failed
        }
        return body
    }
}

extension ServerLink {
    /// As an entry of a SIP008 document.
    fileprivate var node: JSONNode {
        let optional = [
            ("remarks", name), ("plugin", plugin?.name), ("plugin_opts", plugin?.options), ("id", id),
        ]
        return .object(
            [
                .init(key: "server", value: .string(host)), .init(key: "server_port", value: .number(Int64(port))),
                .init(key: "method", value: .string(method)), .init(key: "password", value: .string(password)),
            ] + optional.compactMap { key, text in text.map { .init(key: key, value: .string($0)) } })
    }
}

extension AdminFlags {
    /// As if both had been typed: here "--config" is another flag.
    fileprivate init(config: String?, socket: String?) {
        self.init()
        self.config = config
        self.socket = socket
    }
}
