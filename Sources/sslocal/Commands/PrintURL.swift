internal import ArgumentParser
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

struct PrintURL: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "url", abstract: "Print the links of the configured servers, or what a link says.",
        discussion: """
            Links hold the key: whoever sees one can use the server. With --decode the key is not shown unless you ask for \
            it, and links for other programs (with a plugin, a prefix) are read too.
            """)

    @Option(name: [.short, .long], help: ArgumentHelp("The laptop's configuration.", valueName: "file"))
    var config: String?

    @Option(
        help: ArgumentHelp(
            "Say what this link says; - for standard input; or a file of links or a SIP008 document.", valueName: "link"
        ))
    var decode: String?

    @Flag(help: "With --decode: the key too, and the link in its usual and its older form.")
    var showSecrets = false

    @Flag(help: "A QR code below each link.")
    var qr = false

    @Flag(help: "JSON instead of lines.")
    var json = false

    mutating func validate() throws {
        if qr, json { throw ValidationError("--qr and --json exclude each other") }
        if decode != nil, config != nil { throw ValidationError("--decode and --config exclude each other") }
        if showSecrets, decode == nil { throw ValidationError("--show-secrets belongs to --decode") }
    }

    func run() throws {
        if let decode { try tell(decode) } else { try printLinks() }
    }

    private func printLinks() throws {
        let checked = ConfigurationSource.local(at: config)
        guard let configuration = checked.configuration, checked.isUsable else {
            Report.show(checked.diagnostics, outcome: "there is no link to print")
            throw Report.badConfiguration
        }
        let links: [ServerLink]
        do throws(SmallFile.Failure) {
            links = try configuration.servers.map { server throws(SmallFile.Failure) in
                ServerLink(
                    server, at: HostPort(server.address.host),
                    password: try ConfigurationSource.text(of: server.password))
            }
        } catch {
            Report.error("cannot read the password file: \(error)", help: error.help)
            throw Report.badConfiguration
        }
        if json { return list(links, withKeys: true) }
        for link in links { LinkOutput.show(link, withCode: qr) }
    }

    private func tell(_ source: String) throws {
        if ServerLink.covered(source) != source { Environment.hideArgument(source) }
        let input = try LinkInput(source)
        try input.report(outcome: "there is no link to read")
        if json { return list(input.servers, withKeys: showSecrets) }
        for (index, server) in input.servers.enumerated() {
            if index > 0 { Environment.write("\n", to: 1) }
            Environment.write(LinkTable(server, showsKey: showSecrets).text, to: 1)
            if qr, let code = LinkOutput.code(of: server.text) { Environment.write(code, to: 1) }
        }
    }

    private func list(_ links: [ServerLink], withKeys: Bool) {
        let objects = links.map { "  " + $0.json(withKey: withKeys) }
        Environment.write("[\n" + objects.joined(separator: ",\n") + "\n]\n", to: 1)
    }
}
