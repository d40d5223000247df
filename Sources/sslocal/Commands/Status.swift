internal import ArgumentParser
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the servers: which is in use, and how each does.",
        discussion: "Exits with 1 if sslocal does not run here, or no server works.")

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var admin: AdminFlags

    func run() throws {
        let answer = try admin.ask(.sslocal, .get, "/api/v1/status")
        guard let status = answer.json else {
            Report.error("what answers there is not this program", help: "name another --socket")
            throw Report.failed
        }
        if json {
            Environment.write(String(decoding: answer.body, as: UTF8.self), to: 1)
        } else {
            let palette = Palette(isTerminal: Environment.isTerminal(1), environment: Environment.variable)
            Environment.write(StatusText(status, palette).text, to: 1)
        }
        if status["works"]?.flag != true { throw Report.failed }
    }
}

/// The same for a person.
struct StatusText {
    let text: String

    init(_ status: JSONValue, _ palette: Palette) {
        func number(_ key: String) -> UInt64 { UInt64(clamping: status[key]?.integer ?? 0) }
        let elsewhere = number("streams_on_former_servers")
        let lines = [
            "sslocal \(TerminalText.plain(status["version"]?.text ?? "")) · up \(TimeText.span(number("uptime_seconds"))) · "
                + "\(number("streams_open")) streams · \(number("associations_open")) udp associations · "
                + "↓ \(LiveLine.bytes(number("bytes_down"))) ↑ \(LiveLine.bytes(number("bytes_up")))",
            status["list"]?.text.map {
                "servers of \(TerminalText.plain($0))"
                    + (status["is_swapped_in"]?.flag == true ? ", swapped in (sslocal use --config goes back)" : "")
            },
            elsewhere > 0 ? "\(elsewhere) streams run on servers that were used before" : nil,
        ]
        var table = TextTable([
            "": .left, "server": .left, "state": .left, "answer": .right, "streams": .right, "failures": .right,
            "last answer": .right, "next try": .right,
        ])
        for server in status["servers"]?.elements ?? [] { table.add(Self.cells(server)) }
        text = lines.compactMap(\.self).map { $0 + "\n" }.joined() + table.text(palette)
    }

    private static func cells(_ server: JSONValue) -> [String] {
        let address = TerminalText.plain(server["address"]?.text ?? "")
        let ago = server["last_answer_seconds_ago"]?.integer.map { TimeText.span(UInt64(clamping: $0)) + " ago" }
        let next = server["next_try_seconds"]?.integer.map { "in " + TimeText.span(UInt64(clamping: $0)) }
        return [
            server["in_use"]?.flag == true ? "*" : "",
            server["name"]?.text.map { "\(TerminalText.plain($0)) (\(address))" } ?? address,
            TerminalText.plain(server["state"]?.text ?? ""),
            server["answer_ms"]?.milliseconds.map { "\($0) ms" } ?? "-",
            "\(server["streams"]?.integer ?? 0)", "\(server["failures"]?.integer ?? 0)", ago ?? "-", next ?? "-",
        ]
    }
}

extension JSONValue {
    /// A number as a count of milliseconds.
    fileprivate var milliseconds: Int? {
        guard case .number(let text) = kind, let value = Double(text), value < 1e9 else { return nil }
        return Int(value.rounded())
    }
}
