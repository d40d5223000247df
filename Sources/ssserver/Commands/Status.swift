internal import ArgumentParser
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Say whether the server runs, and how busy it is.")

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var admin: AdminFlags

    func run() throws {
        let answer = try admin.ask(.ssserver, .get, "/api/v1/status")
        guard !json, let status = answer.json else {
            Environment.write(String(decoding: answer.body, as: UTF8.self), to: 1)
            return
        }
        func number(_ key: String) -> UInt64 { UInt64(clamping: status[key]?.integer ?? 0) }
        let listeners = (status["listeners"]?.elements ?? []).map {
            "\($0["address"]?.text ?? "") \($0["method"]?.text ?? "") \($0["mode"]?.text ?? "")"
                + ($0["managed"]?.flag == true ? " (a panel's)" : "")
        }
        var head = "ssserver \(status["version"]?.text ?? "") · up \(TimeText.span(number("uptime_seconds")))"
        if let reload = status["reload"], let time = reload["time"]?.integer {
            let ago = TimeText.span(UInt64(clamping: Int64(clamping: WallClock.now()) - Int64(time)))
            head += " · configuration read again \(ago) ago, \(reload["ok"]?.flag == true ? "ok" : "and not taken")"
        }
        var lines = [
            head,
            "Listening  " + listeners.joined(separator: "\n           "),
            "Now        \(number("streams_open")) streams · \(number("associations_open")) udp associations",
            "In all     ↓ \(LiveLine.bytes(number("bytes_down"))) ↑ \(LiveLine.bytes(number("bytes_up")))"
                + " · \(number("streams_total")) streams",
        ]
        if number("rules") > 0 {
            lines.append("Blocked    \(number("refused_by_rules")) requests by \(number("rules")) rules")
        }
        if let bans = status["bans"]?.integer { lines.append("Banned     \(bans) addresses by autoban") }
        Environment.write(lines.map { $0 + "\n" }.joined(), to: 1)
    }
}
