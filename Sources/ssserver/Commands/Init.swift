internal import ArgumentParser
internal import SSCommandLine
internal import SSCommon

struct Init: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a key and a configuration, and print the link for a laptop.",
        discussion: """
            The link and its QR code go to standard output, everything else to standard error. The link holds the key: \
            whoever sees it can use the server.
            """)

    @OptionGroup var place: ConfigurationPlace

    @Option(
        help: ArgumentHelp(
            "How laptops reach this machine (default: its own public address).", valueName: "host[:port]"))
    var host: String?

    @Option(
        name: [.short, .long], help: ArgumentHelp("Where to listen (default: 8388, or a free one).", valueName: "port"))
    var port: UInt16?

    @Option(name: [.short, .long], help: ArgumentHelp("Encryption method.", valueName: "method"))
    var method = CipherMethod.blake3AES256GCM.rawValue

    @Option(help: ArgumentHelp("What laptops call this server.", valueName: "name"))
    var name: String?

    @Option(
        help: ArgumentHelp("A file with the key, or - for standard input (default: a fresh one).", valueName: "file"))
    var passwordFile: String?

    private var publicHost: HostPort?
    private var cipher = CipherMethod.blake3AES256GCM

    private enum CodingKeys: CodingKey { case place, host, port, method, name, passwordFile }

    mutating func validate() throws {
        if port == 0 { throw ValidationError("--port takes a port from 1 to 65535") }
        if let host {
            do throws(HostPort.Fault) {
                publicHost = try HostPort(host)
            } catch {
                throw ValidationError("--host: \(error.message)" + (error.help.map { "; \($0)" } ?? ""))
            }
            if case .ip(let address) = publicHost?.host, address.isUnspecified {
                throw ValidationError("--host: \(address) is where a server listens; laptops need an address to go to")
            }
        }
        guard let known = MethodName.named(method) else { return }
        cipher = known
    }

    func run() throws {
        if MethodName.named(method) == nil { throw MethodName.complain(method) }
        let file = try place.file(of: .ssserver)
        let password = try ServerKey.text(from: passwordFile, for: cipher)
        let (address, port) = try ListenPort.choose(port)
        let text = FreshConfiguration.server(
            listeningOn: address, port: port, method: cipher, password: password,
            name: name.flatMap(ServerLink.shownName), publicHost: publicHost)
        try check(text, file)
        try file.write(text)
        let source = passwordFile == nil ? "fresh \(cipher.keyLength)-byte key" : "your key"
        Report.done("wrote \(file.shown) (mode 0600, \(source), \(cipher.rawValue))")
        Report.done("port \(port) is free on this machine, TCP and UDP")
        FirewallWord.say(port: port)
        let place = publicHost ?? PublicPlace.found(for: .initialization(file.invocation("share")))
        Report.say(
            """
            From here nobody can see whether the port is open from outside. If your provider has a firewall of its own
            ("security group"), let TCP and UDP \(port) in there too.

            Start the server:  \(file.invocation())
            On the laptop:     sslocal init -     and paste this link, which holds the key:
            """)
        let endpoint = EndpointConfiguration(
            TargetAddress(.ip(address), port: port), method: cipher, password: .text(password),
            name: name.flatMap(ServerLink.shownName))
        LinkOutput.show(ServerLink(endpoint, at: place, password: password), withCode: true)
    }

    /// The file must pass `check` before it is one.
    private func check(_ text: String, _ file: ConfigurationFile) throws {
        let loaded = ServerConfiguration.load((Array(text.utf8), file.path))
        guard loaded.diagnostics.isEmpty else {
            Report.show(loaded.diagnostics, outcome: "nothing was written")
            throw Report.badConfiguration
        }
    }
}
