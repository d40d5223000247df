// The owner's rules from the command line, while the server runs: block, unblock, blocked.
internal import ArgumentParser
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

struct Block: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Refuse clients a host, an address range, a port, a URL; at once, and for good.",
        discussion: """
            A rule is written as in a list: ||example.net^ (and what is below it), =example.net (it alone), *.example.net \
            (what is below it), 192.0.2.0/24, example.net:25, :25, example.net/path (plain HTTP), client:198.51.100.0/24, \
            user:NAME; @@ in front makes an exception.
            """)

    @Argument(help: "The rule.")
    var rules: [String]

    @Option(help: ArgumentHelp("Only for this user.", valueName: "name"))
    var user: String?

    @Flag(
        name: [.customLong("yes"), .customShort("y")], help: "Do not ask about a rule that refuses nearly everything.")
    var isSure = false

    @OptionGroup var admin: AdminFlags

    func run() throws {
        let client = try admin.client(.ssserver)
        var answer = try ask(client, isSure: isSure)
        if answer.status == 409 {
            guard Environment.isTerminal(0) else {
                Report.error(answer.error)
                throw Report.failed
            }
            Environment.write("\(answer.error)\nReally? [y/N] ", to: 2)
            guard ["y", "yes"].contains((readLine() ?? "").lowercased()) else {
                Environment.write("nothing was changed\n", to: 2)
                throw Report.failed
            }
            answer = try ask(client, isSure: true)
        }
        guard answer.isSuccess else {
            Report.error(answer.error)
            throw Report.failed
        }
        for rule in answer.json?["rules"]?.elements ?? [] {
            let text = TerminalText.plain(rule["rule"]?.text ?? "")
            let verb = text.hasPrefix("@@") ? "allows" : "blocks"
            let plain = text.hasPrefix("@@") ? String(text.dropFirst(2)) : text
            Environment.write(rule["new"]?.flag == true ? "\(verb) \(plain)\n" : "\(text) was there already\n", to: 2)
        }
    }

    private func ask(_ client: AdminClient, isSure: Bool) throws -> AdminClient.Answer {
        try admin.answer(
            of: .ssserver, client, .post, "/api/v1/blacklist",
            .members([
                "rules": .array(rules.map { .string($0) }), "user": JSONNode(user), "force": .bool(isSure),
            ]))
    }
}

struct Unblock: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Take back a rule that block has made.")

    @Argument(help: "The rule, as it was given to block.")
    var rule: String

    @Option(help: ArgumentHelp("The user that it was for.", valueName: "name"))
    var user: String?

    @OptionGroup var admin: AdminFlags

    func run() throws {
        let query = "?rule=\(PercentCoding.encode(rule))" + (user.map { "&user=\(PercentCoding.encode($0))" } ?? "")
        _ = try admin.ask(.ssserver, .delete, "/api/v1/blacklist" + query)
        Environment.write("took back \(TerminalText.quote(rule))\n", to: 2)
    }
}

struct Blocked: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say whether clients may go somewhere, and which rule of which list says so.",
        discussion: "Without an address: all rules that there are, by where they stand.")

    @Argument(help: "A host, an address, or a URL.")
    var address: String?

    @Option(help: ArgumentHelp("Asked as this user.", valueName: "name"))
    var user: String?

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var admin: AdminFlags

    func run() throws {
        var target = "/api/v1/blacklist"
        if let address {
            target += "?of=\(PercentCoding.encode(address))" + (user.map { "&user=\(PercentCoding.encode($0))" } ?? "")
        }
        let answer = try admin.ask(.ssserver, .get, target)
        guard !json, let body = answer.json else {
            Environment.write(String(decoding: answer.body, as: UTF8.self), to: 1)
            return
        }
        Environment.write(address == nil ? Self.overview(body) : Self.verdict(body), to: 1)
        if let note = body["note"]?.text { Report.note(note) }
    }

    private static func verdict(_ body: JSONValue) -> String {
        let rule = body["rule"]?.text.map {
            "\(TerminalText.plain(body["source"]?.text ?? "")):\(body["line"]?.integer ?? 0) \"\(TerminalText.plain($0))\""
        }
        let address = body["address"]?.text.map { ", for its address \($0)" } ?? ""
        guard body["blocked"]?.flag == true else {
            return rule.map { "not blocked: allowed by \($0)\n" } ?? "not blocked\n"
        }
        if let rule { return "blocked by \(rule)\(address)\n" }
        return "blocked: \(TerminalText.plain(body["reason"]?.text ?? ""))\n"
    }

    private static func overview(_ body: JSONValue) -> String {
        var table = TextTable(["WHERE": .left, "RULES": .right, "NOT USED": .left, "REFUSED": .right])
        let refused = body["refused"]
        func count(_ source: String) -> String { "\(refused?[source]?.integer ?? 0)" }
        for file in body["files"]?.elements ?? [] {
            let path = file["path"]?.text ?? ""
            table.add([
                TerminalText.plain(path), "\(file["rules"]?.integer ?? 0)",
                TerminalText.plain(file["unused"]?.text ?? "-"),
                count(path),
            ])
        }
        let configured = Dictionary(grouping: body["configured"]?.elements ?? []) { $0["source"]?.text ?? "" }
        for (source, rules) in configured.sorted(by: { $0.key < $1.key }) {
            table.add([TerminalText.plain(source), "\(rules.count)", "-", count(source)])
        }
        let commands = body["rules"]?.elements ?? []
        table.add(["commands", "\(commands.count)", "-", count("commands")])
        let lines = commands.map { rule in
            "  " + TerminalText.plain(rule["rule"]?.text ?? "")
                + (rule["user"]?.text.map { " for \(TerminalText.plain($0))" } ?? "") + "\n"
        }
        return table.text(Palette(isTerminal: Environment.isTerminal(1), environment: Environment.variable))
            + lines.joined()
    }
}
