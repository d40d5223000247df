// Bans in words for a person.
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

enum BanText {
    static func list(_ answer: JSONValue) -> String {
        let bans = answer["bans"]?.elements ?? []
        if bans.isEmpty { return "nobody is banned\n" }
        var table = TextTable(["ADDRESS": .left, "LEFT": .right, "TIMES": .right, "WHY": .left])
        for ban in bans {
            table.add([
                TerminalText.plain(ban["address"]?.text ?? ""), time(ban["seconds_left"]?.integer ?? 0),
                "\(ban["count"]?.integer ?? 1)", cause(ban),
            ])
        }
        return table.text(Palette(isTerminal: Environment.isTerminal(1), environment: Environment.variable))
    }

    private static func cause(_ ban: JSONValue) -> String {
        let offence = ban["bad"]?.integer.flatMap { bad in ban["total"]?.integer.map { (bad, $0) } }
        return cause(offence, TerminalText.plain(ban["reason"]?.text ?? ""))
    }

    /// How many of how many failed, or why somebody gave the command.
    static func cause(_ offence: (bad: Int, total: Int)?, _ reason: String) -> String {
        if let offence { return "\(offence.bad) of \(offence.total) failed" }
        if reason == Ban.found { return reason }
        return reason.isEmpty ? "by command" : "by command: \(reason)"
    }

    static func reasons(_ answer: JSONValue) -> String {
        let address = TerminalText.plain(answer["address"]?.text ?? "")
        var text = ""
        if answer["banned"]?.flag == true, let ban = answer["ban"] {
            let count = ban["count"]?.integer ?? 1
            let whole = TerminalText.plain(ban["address"]?.text ?? "")
            text = "\(address) is banned for another \(time(ban["seconds_left"]?.integer ?? 0))"
            if !whole.isEmpty, whole != address { text += " as part of \(whole)" }
            text += count > 1 ? ", for the \(count)\(ending(count)) time: \(cause(ban))\n" : ": \(cause(ban))\n"
        } else if let reason = answer["exempt"]?.text {
            text = "\(address) is never banned: it is \(TerminalText.plain(reason))\n"
        } else {
            text = "\(address) is not banned"
            if let bad = answer["failures"]?.integer, let total = answer["events"]?.integer {
                text += ": \(bad) of \(total) failed lately"
            }
            if answer["spared"]?.flag == true { text += "; it is spared, for it has authenticated not long ago" }
            if let ban = answer["ban"], !ban.isNull { text += ", but was (\(cause(ban)))" }
            text += "\n"
        }
        for line in answer["lines"]?.elements ?? [] { text += "  \(TerminalText.plain(line.text ?? ""))\n" }
        return text
    }

    static func status(_ answer: JSONValue) -> String {
        func number(_ key: String) -> String { "\(answer[key]?.integer ?? 0)" }
        let failure =
            answer["failure"]?.text.map { "\nthe firewall does not take bans: \(TerminalText.plain($0))" } ?? ""
        let storing = answer["storing"]?.flag == false ? "\nbans are not stored: a restart would not know of them" : ""
        return """
            \(number("bans")) banned now by \(answer["backend"]?.text ?? "?"), \(number("bans_total")) since the start
            \(number("lines")) lines read: \(number("failures")) failures, \(number("connections")) connections
            \(number("spared")) failures spared, \(number("refused")) bans left out as too many\(failure)\(storing)

            """
    }

    /// `9 min`, `2 h 5 min`, `3 d 4 h`.
    static func time(_ seconds: Int) -> String {
        let units: [(Int, String)] = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")]
        guard let first = units.firstIndex(where: { seconds >= $0.0 }) else { return "0 s" }
        let whole = "\(seconds / units[first].0) \(units[first].1)"
        guard first + 1 < units.count, units[first].0 > 60 else { return whole }
        let rest = seconds % units[first].0 / units[first + 1].0
        return rest == 0 ? whole : "\(whole) \(rest) \(units[first + 1].1)"
    }

    private static func ending(_ count: Int) -> String {
        if (11...13).contains(count % 100) { return "th" }
        return switch count % 10 {
        case 1: "st"
        case 2: "nd"
        case 3: "rd"
        default: "th"
        }
    }
}
