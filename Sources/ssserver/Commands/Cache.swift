// The cache from the command line, while the server runs: stats, why, purge.
internal import ArgumentParser
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

struct Cache: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "What the HTTP cache holds, why it does, and forgetting some of it.",
        subcommands: [Stats.self, Why.self, Purge.self], defaultSubcommand: Stats.self)

    struct Stats: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "What is kept, and what that has saved.")

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var admin: AdminFlags

        func run() throws {
            let answer = try admin.ask(.ssserver, .get, "/api/v1/cache")
            guard !json, let body = answer.json else {
                Environment.write(String(decoding: answer.body, as: UTF8.self), to: 1)
                return
            }
            Environment.write(Self.text(body), to: 1)
        }

        private static func place(_ name: String, _ body: JSONValue) -> String {
            func number(_ key: String) -> UInt64 { UInt64(clamping: body[key]?.integer ?? 0) }
            let share = number("bytes") * 100 / max(1, number("capacity"))
            let failures = number("failures") > 0 ? " · \(number("failures")) failures" : ""
            let scan = body["ready"]?.flag == false ? " · still being read" : ""
            return (name == "Disk" ? "Disk    " : "Memory  ")
                + "\(number("objects")) objects · \(LiveLine.bytes(number("bytes"))) of "
                + "\(LiveLine.bytes(number("capacity"))) (\(share) %)\(failures)\(scan)\n"
        }

        private static func text(_ body: JSONValue) -> String {
            guard body["enabled"]?.flag == true else { return "the cache is switched off (cache.enabled)\n" }
            var table = TextTable([
                "": .left, "HITS": .right, "MISSES": .right, "STALE": .right, "SHARED": .right, "SAVED": .right,
                "TIME SAVED": .right,
            ])
            for (name, words) in [("now", "last minute"), ("today", "today (UTC)"), ("all", "in all")] {
                let sums = body["saved"]?[name]
                func sum(_ key: String) -> UInt64 { UInt64(clamping: sums?[key]?.integer ?? 0) }
                table.add([
                    words, "\(sum("hits"))", "\(sum("misses"))", "\(sum("stale"))", "\(sum("collapsed"))",
                    LiveLine.bytes(sum("bytes")), TimeText.span(sum("milliseconds") / 1000),
                ])
            }
            return place("Memory", body) + (body["disk"].map { place("Disk", $0) } ?? "")
                + table.text(Palette(isTerminal: Environment.isTerminal(1), environment: Environment.variable))
        }
    }

    struct Why: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether a URL is kept, until when, and which clause says so; or why it is not.")

        @Argument(help: "http://host[:port]/path; stars stand for anything.")
        var url: String

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var admin: AdminFlags

        func run() throws {
            let answer = try admin.ask(.ssserver, .get, "/api/v1/cache/why?url=\(PercentCoding.encode(url))")
            guard !json, let body = answer.json else {
                Environment.write(String(decoding: answer.body, as: UTF8.self), to: 1)
                return
            }
            let known = body["known"]?.elements ?? []
            if known.isEmpty { Environment.write("nothing is known of it: nobody has asked for it lately\n", to: 1) }
            for one in known { Environment.write(Self.text(one), to: 1) }
            let rest = Int64(body["count"]?.integer ?? 0) - Int64(known.count)
            if rest > 0 { Environment.write("… and \(rest) more\n", to: 1) }
        }

        private static func text(_ one: JSONValue) -> String {
            var lines = [TerminalText.plain(one["key"]?.text ?? "")]
            for kept in one["kept"]?.elements ?? [] {
                func number(_ key: String) -> UInt64 { UInt64(clamping: kept[key]?.integer ?? 0) }
                let (age, lifetime) = (number("age"), number("lifetime"))
                let state =
                    kept["fresh"]?.flag == true
                    ? "fresh for \(TimeText.span(lifetime - min(age, lifetime))) more" : "stale, asked about before use"
                lines.append(
                    "  kept: \(number("status")), \(LiveLine.bytes(number("bytes"))), "
                        + "\(TimeText.span(age)) old, \(state)")
                lines.append("    by \(TerminalText.plain(kept["reason"]?.text ?? ""))")
                let fields = (kept["varies_in"]?.elements ?? []).compactMap(\.text).joined(separator: ", ")
                if !fields.isEmpty { lines.append("    for requests with the same \(TerminalText.plain(fields))") }
            }
            if let refused = one["refused"]?.text { lines.append("  not kept: \(TerminalText.plain(refused))") }
            return lines.map { $0 + "\n" }.joined()
        }
    }

    struct Purge: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forget what fits a pattern.",
            discussion: "example.net (and what is below it), http://example.net/pool/*, *.deb")

        @Argument(help: "A host, or host[:port]/path; stars stand for anything.")
        var pattern: String

        @OptionGroup var admin: AdminFlags

        func run() throws {
            let answer = try admin.ask(.ssserver, .delete, "/api/v1/cache?pattern=\(PercentCoding.encode(pattern))")
            let count = answer.json?["purged"]?.integer ?? 0
            Environment.write("forgot \(count) \(count == 1 ? "object" : "objects")\n", to: 2)
        }
    }
}
