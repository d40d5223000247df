internal import ArgumentParser
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

struct Init: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make the laptop's configuration from the server's link.",
        discussion: """
            The link is what "ssserver init" or "ssserver share" printed. From standard input it stays out of the shell's \
            history and of the list of processes.
            """)

    @Argument(
        help: ArgumentHelp(
            "The link; - (the default) for standard input; or a file of links or a SIP008 document.",
            valueName: "link"))
    var source = "-"

    @OptionGroup var place: ConfigurationPlace

    @Option(
        name: [.short, .long],
        help: ArgumentHelp("Where to offer the proxy (default: 1080, or the next free).", valueName: "port"))
    var port: UInt16?

    mutating func validate() throws {
        if port == 0 { throw ValidationError("--port takes a port from 1 to 65535") }
    }

    func run() async throws {
        // Covered before anything else is done with it.
        if ServerLink.covered(source) != source { Environment.hideArgument(source) }
        let file = try place.file(of: .sslocal)
        let input = try LinkInput(source)
        if input.isVisible {
            Report.note(
                "the link was visible in ps until now, and stays in the history of the shell",
                help: "\"sslocal init -\" reads it from standard input")
        }
        try input.report(outcome: "nothing was written")
        let servers = try usable(input.servers)
        let port = try choosePort()
        let text = FreshConfiguration.local(servers, port: port)
        try check(text, file)
        try file.write(text)
        let many = servers.count == 1 ? "" : "\(servers.count) servers, "
        Report.done("wrote \(file.shown) (mode 0600, \(many)proxy on 127.0.0.1:\(port))")
        await tryReaching(servers)
        Report.say(
            """

            Start the proxy:  \(file.invocation())
            Then try it:      curl -x socks5h://127.0.0.1:\(port) https://example.com
            Only a page through it shows that key, method and clocks are right.
            """)
    }

    /// Those that this program can go through; says what is wrong with the others.
    private func usable(_ servers: [ServerLink]) throws -> [ServerLink] {
        let usable = servers.filter { server in
            do throws(ServerLink.Fault) {
                _ = try server.endpoint()
                if server.prefix != nil {
                    Report.note(
                        "the link has a prefix, on which this version does not act; the configuration leaves it out")
                }
                return true
            } catch {
                Report.notDone("\(server.shown) is left out: \(error)")
                return false
            }
        }
        guard usable.isEmpty else { return usable }
        Report.error("no server is left", help: LinkInput.help)
        throw Report.badConfiguration
    }

    private func choosePort() throws -> UInt16 {
        let loopback = IPAddress.v4(IPv4Address(127, 0, 0, 1))
        if let port {
            guard let obstacle = PortProbe.obstacle(loopback, port, [.tcp]) else { return port }
            Report.error(
                "port \(port) cannot be used: \(obstacle)", help: "name another, or none: then a free one is taken")
            throw Report.failed
        }
        let candidates = 1080...UInt16(1180)
        guard let free = candidates.first(where: { PortProbe.obstacle(loopback, $0, [.tcp]) == nil }) else {
            Report.error("no port from 1080 to 1180 is free", help: "name one: --port PORT")
            throw Report.failed
        }
        if free != 1080 { Report.note("port 1080 is in use, so the proxy takes port \(free)") }
        return free
    }

    /// The file must pass `check` before it is one.
    private func check(_ text: String, _ file: ConfigurationFile) throws {
        let loaded = LocalConfiguration.load((Array(text.utf8), file.path)) { _ in nil }
        Report.show(loaded.diagnostics, outcome: loaded.configuration == nil ? "nothing was written" : "")
        if loaded.configuration == nil { throw Report.badConfiguration }
    }

    private func tryReaching(_ servers: [ServerLink]) async {
        let tried = servers.prefix(ServerReach.limit)
        let results = await ServerReach.times(to: tried.compactMap(\.address))
        for (server, result) in zip(tried, results) {
            switch result {
            case .success(let time):
                Report.done("\(server.shown) takes TCP connections (\(time.milliseconds) ms)")
            case .failure(let error):
                Report.notDone(
                    "\(server.shown) takes no TCP connection: \(error.sentence)",
                    help: "is ssserver running there, and is the port open in its firewall and at its provider?")
            }
        }
        if servers.count > tried.count {
            Report.say("The other \(servers.count - tried.count) servers were not tried.")
        }
    }
}

extension ServerLink {
    /// The server as a message names it.
    fileprivate var shown: String { address?.description ?? TerminalText.quote(host) }
}

extension Duration {
    fileprivate var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
