// Bans from a log.
internal import ArgumentParser
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

struct Autoban: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ban whoever a log shows to be knocking without a key.",
        subcommands: [Run.self, BanCommand.self, Unban.self, List.self, Why.self, Status.self, Test.self])

    struct Rules: ParsableArguments {
        @Option(help: ArgumentHelp("Failures that it takes.", valueName: "number"))
        var maxRetry = 3

        @Option(help: ArgumentHelp("The time within which they lie, such as 10m; 0 for ever.", valueName: "time"))
        var findTime = "10m"

        @Option(
            help: ArgumentHelp(
                "The share of failures in all that an address did in that time; 0 counts failures alone.",
                valueName: "0...1"))
        var ratio = 0.8

        @Option(
            help: ArgumentHelp(
                "A program, or the number of a container, whose lines in the system's log count too; may be given several times.",
                valueName: "name"))
        var program: [String] = []

        var rules: BanRules {
            get throws {
                guard maxRetry >= 1 else { throw ValidationError("--max-retry takes a number from 1 on") }
                guard (0...1).contains(ratio) else { throw ValidationError("--ratio takes a number from 0 to 1") }
                // Less than a second would be for ever.
                guard let time = Quantity.time(findTime), time == .zero || time >= .seconds(1),
                    time <= .seconds(400 * 86400)
                else {
                    throw ValidationError(
                        "--find-time takes a time such as 10m or 12h, from 1s to 400d, or 0; not \(TerminalText.quote(findTime))"
                    )
                }
                return BanRules(maxRetry: maxRetry, findTime: time.components.seconds, ratio: ratio)
            }
        }
    }

    struct Test: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Play a log again by the times in its lines, and print whom the rules would have banned. Touches no firewall."
        )

        @Argument(help: "The log; - for standard input.")
        var file: String

        @OptionGroup var rules: Rules

        @Flag(help: "Print JSON.")
        var json = false

        func run() throws {
            var replay = LogReplay(try rules.rules, year: .now, programs: rules.program)
            ProcessMemory.forgetStart()
            let began = ContinuousClock.now
            do throws(UnreadableLog) {
                try LogLines.read(file) { replay.read($0) }
            } catch {
                Report.error(error.text, help: error.help)
                throw Report.failed
            }
            let took = ContinuousClock.now - began
            Environment.write(json ? Self.json(replay.bans) : Self.text(replay.bans), to: 1)
            let seconds = Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18
            Environment.write(
                "\(replay.lines) lines in \(JSONNode.decimal(seconds).text) s: \(replay.bad) failures, "
                    + "\(replay.good) connections, \(replay.bans.count) bans\n", to: 2)
        }

        private static func text(_ bans: [LogReplay.Ban]) -> String {
            bans.map { ban in
                "ban \(ban.source) bad=\(ban.offence.bad) total=\(ban.offence.total) at=\(time(ban))\n"
            }
            .joined()
        }

        private static func json(_ bans: [LogReplay.Ban]) -> String {
            JSONNode.array(
                bans.map { ban in
                    .members([
                        "address": .string("\(ban.source)"), "bad": .count(ban.offence.bad),
                        "total": .count(ban.offence.total), "at": ban.at == nil ? .null : .string(time(ban)),
                    ])
                }
            ).text + "\n"
        }

        private static func time(_ ban: LogReplay.Ban) -> String { ban.at?.description ?? "-" }
    }
}

extension LogYear {
    /// Where this machine is.
    static var now: Self {
        var now = time(nil)
        var parts = tm()
        localtime_r(&now, &parts)
        return Self(now: Int64(now) + Int64(parts.tm_gmtoff))
    }
}
