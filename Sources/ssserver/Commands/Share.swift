internal import ArgumentParser
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

struct Share: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the link of the server, or of one of its users.",
        discussion: """
            Standard output gets the link, which holds the key: whoever sees it can use the server. Where a port has users, \
            each has a link of their own, and without NAME their names are listed. Users who were added by command are known \
            to the server while it runs.
            """)

    @Argument(help: "The user.")
    var name: String?

    @Option(name: [.short, .long], help: ArgumentHelp("The server's configuration.", valueName: "file"))
    var config: String?

    @Option(
        help: ArgumentHelp(
            "How laptops reach this machine (default: \"public_host\", else its own public address).",
            valueName: "host[:port]"))
    var host: String?

    @Flag(help: "A QR code below each link.")
    var qr = false

    @Flag(help: "A SIP008 document instead of links.")
    var sip008 = false

    @Flag(help: "JSON instead of links.")
    var json = false

    @Option(
        name: [.short, .long], help: ArgumentHelp("Write to this file (mode 0600) instead.", valueName: "file"))
    var output: String?

    private var givenHost: HostPort?

    private enum CodingKeys: CodingKey { case name, config, host, qr, sip008, json, output }

    mutating func validate() throws {
        if [qr, sip008, json].count(where: \.self) > 1 {
            throw ValidationError("--qr, --sip008 and --json exclude each other")
        }
        if qr, output != nil { throw ValidationError("--qr draws on a terminal, so it goes without --output") }
        givenHost = try host.map(PublicPlace.read)
    }

    func run() throws {
        let checked = ConfigurationSource.server(at: config)
        guard let configuration = checked.configuration, checked.isUsable else {
            Report.show(checked.diagnostics, outcome: "there is nothing to share")
            throw Report.badConfiguration
        }
        do {
            try share(configuration, Invitations(configuration, users: users(configuration)))
        } catch let failure as SmallFile.Failure {
            Report.error("cannot read the password file: \(failure)", help: failure.help)
            throw Report.badConfiguration
        }
    }

    /// The server that runs knows best.
    private func users(_ configuration: ServerConfiguration) -> UserSource {
        AdminSocket.client(.ssserver, configuration.settings).flatMap { UserSource.running($0) }
            ?? .configuration
    }

    private func share(_ configuration: ServerConfiguration, _ invitations: Invitations) throws {
        let names = try invitations.names()
        let chosen = try name.map { try invitations.of($0) } ?? invitations.forEveryone()
        if let name, chosen.isEmpty { throw stranger(name, names) }
        guard !chosen.isEmpty else { return try list(names) }
        let place = givenHost ?? configuration.publicHost
        let links = links(chosen, place)
        if sip008 {
            try write(SIP008Document(links).text)
        } else if json {
            try write("[\n" + links.map { "  " + $0.json(withKey: true) }.joined(separator: ",\n") + "\n]\n")
        } else if output != nil {
            try write(links.map { $0.text + "\n" }.joined())
        } else {
            for link in links { LinkOutput.show(link, withCode: qr) }
        }
        if name == nil, !names.isEmpty { Report.note("users have links of their own", help: usersHelp(names)) }
    }

    /// Each listener on an address of its own is reached there; the others where the machine is.
    private func links(_ invitations: [Invitation], _ place: HostPort?) -> [ServerLink] {
        var found: HostPort?
        return invitations.map { invitation in
            if let place {
                // A port in front of this machine belongs to one port of it.
                return invitation.link(at: invitations.count == 1 ? place : HostPort(place.host))
            }
            switch invitation.endpoint.address.host {
            case .ip(let address) where !address.isUnspecified: return invitation.link(at: HostPort(.ip(address)))
            case .name(let host): return invitation.link(at: HostPort(.name(host)))
            case .ip:
                let place = found ?? PublicPlace.found(for: .sharing)
                found = place
                return invitation.link(at: place)
            }
        }
    }

    private func list(_ names: [String]) throws {
        if json {
            try write("[" + names.map { JSONText.quote($0) }.joined(separator: ", ") + "]\n")
        } else {
            try write(names.map { TerminalText.plain($0) + "\n" }.joined())
        }
        Report.note("everybody here has a link of their own", help: usersHelp(names))
    }

    private func usersHelp(_ names: [String]) -> String {
        "ssserver share \(ShellWord.quote(names.first ?? "NAME"))" + (config.map { " -c \(ShellWord.quote($0))" } ?? "")
    }

    private func stranger(_ name: String, _ names: [String]) -> ExitCode {
        let help =
            names.isEmpty
            ? "nobody has a link of their own here: leave the name out"
            : NearestName.of(name, among: names).map { "did you mean \(TerminalText.quote($0))?" }
                ?? "ssserver share lists those there are"
        Report.error("there is no user \(TerminalText.quote(name))", help: help)
        return Report.failed
    }

    private func write(_ text: String) throws {
        guard let output else { return Environment.write(text, to: 1) }
        do throws(PrivateFile.Failure) {
            try PrivateFile.save(text, to: output, replacing: true)
        } catch {
            let reason = if case .system(let reason) = error { reason } else { "it is there already" }
            Report.error("\(TerminalText.quote(output, limit: 200)) could not be written: \(reason)")
            throw Report.failed
        }
        Report.done("wrote \(TerminalText.quote(output, limit: 200)) (mode 0600)")
    }
}
