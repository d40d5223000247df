// What a person says to autoban, and asks it: ban, unban, list, why, status. Where it does not run, what it has stored is looked at,
// and the firewall is told directly.
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

extension Autoban {
    /// What an order or a question came to.
    struct Answer {
        let body: [UInt8]
        let json: JSONValue?

        /// Says what is wrong where it is no good one.
        init(_ status: Int, _ body: [UInt8]) throws {
            self.body = body
            json = JSONDocument(body, path: "answer").root
            guard (200..<300).contains(status) else {
                Report.error(json?["error"]?.text ?? "status \(status)")
                throw Report.failed
            }
        }

        /// As JSON, or as `words` has it.
        func show(json isJSON: Bool, _ words: (JSONValue) -> String) {
            guard !isJSON, let json else { return Environment.write(String(decoding: body, as: UTF8.self), to: 1) }
            Environment.write(words(json), to: 1)
        }
    }

    /// A running autoban, or what one has left.
    struct Station: ParsableArguments {
        @OptionGroup var place: StatePlace

        /// One request. Without a running autoban what it has stored answers, and the firewall is told from here.
        func ask(_ method: AdminMethod, _ target: String, _ body: JSONNode? = nil) async throws -> Answer {
            let directory = try directory
            let client = AdminClient(path: "\(directory)/\(StatePlace.socket)")
            let answer: AdminClient.Answer
            do throws(AdminClient.Failure) {
                answer = try client.request(method, target, body)
            } catch {
                // One that runs and does not answer must not be worked against.
                guard error.isAbsence else {
                    Report.error("autoban does not answer: \(error)", help: "try again; its log may say why")
                    throw Report.failed
                }
                return try await offline(directory, method, target, body)
            }
            return try Answer(answer.status, answer.body)
        }

        private var directory: String {
            get throws {
                guard let directory = place.directory else {
                    Report.error(
                        "there is no state directory", help: "name the one that autoban runs with: --state DIR")
                    throw Report.failed
                }
                return directory
            }
        }

        private func offline(
            _ directory: String, _ method: AdminMethod, _ target: String, _ body: JSONNode?
        ) async throws -> Answer {
            let path = "\(directory)/\(BanStore.file)"
            if access(path, R_OK) != 0, errno == EACCES {
                Report.error(
                    "\(TerminalText.quote(path)) may not be read by this user",
                    help: "run this as root, or as the user that autoban runs as")
                throw Report.failed
            }
            guard SmallFile.exists(path) else {
                Report.error(
                    "autoban does not run, and has stored nothing in \(TerminalText.quote(directory))",
                    help: "start it: ssserver autoban run --log FILE; or name its --state")
                throw Report.failed
            }
            do {
                let (log, logger) = try LogSetup.open(LogConfiguration())
                defer { log.close() }
                let changes = method != .get
                let mark = changes ? try await AutobanMark.wait(logger) : nil
                defer { withExtendedLifetime(mark) {} }
                let store = changes ? try BanStore(path: path) : try BanStore(reading: path)
                // To look at what is stored no firewall is needed.
                let ports = try store.state(BanArchive.portsKey)?.split(separator: ",").compactMap { UInt16($0) } ?? []
                let former = try store.state(BanArchive.backendKey) ?? FirewallChoice.dryRun.rawValue
                let backend = changes ? try Self.backend(store, ports) : DryRun(name: former) { _ in }
                let ignored = try store.state(BanArchive.ignoredKey)?.split(separator: " ").map(String.init) ?? []
                let exemptions = BanExemptions(ignored: ignored.compactMap { IPPrefix($0) })
                let engine = BanEngine(
                    BanRules(), try store.state(BanArchive.termsKey).flatMap(BanTerms.init(text:)) ?? BanTerms(),
                    exemptions: exemptions, year: .now,
                    surroundings: MachineSurroundings.entries)
                let keeper = BanKeeper(
                    engine, backend, store, changes ? OpenConnections(ports: ports) : nil, ports: ports,
                    ignored: ignored, log: log)
                // Whoever stopped it may have wanted that nobody else is banned.
                try keeper.begin(now: WallClock.raw(), isLooking: true)
                if method == .post { try keeper.prepare() }
                let response = await BanRoutes.routes(keeper).answer(
                    method.rawValue, target, body: body.map { Array($0.text.utf8) } ?? [])
                keeper.finishCutting()
                let answer = try Answer(response.status, response.body)
                if !changes {
                    Report.note(
                        "autoban does not run; this is what it has stored, and will put into force when it starts")
                }
                if method == .delete, target == BanRoutes.path { try keeper.removeRules() }
                return answer
            } catch let failure as StartFailure {
                Report.error(failure.description, help: failure.help)
                throw Report.failed
            } catch let failure as StoreFailure {
                Report.error("what autoban has stored cannot be used: \(failure)")
                throw Report.failed
            } catch let failure as FirewallFailure {
                Report.error(failure.text, help: failure.help)
                throw Report.failed
            }
        }

        /// As it was when autoban ran.
        private static func backend(_ store: BanStore, _ ports: [UInt16]) throws -> any FirewallBackend {
            let wish = try store.state(BanArchive.backendKey).flatMap { FirewallChoice(rawValue: $0) } ?? .auto
            return try wish.backend(ports: ports) { _ in }
        }
    }

    struct BanCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ban", abstract: "Ban an address at once.",
            discussion: "An IPv6 address stands for its /64. Open connections of it are cut.")

        @Argument(help: "An address, an IPv4 network up to /24, or an IPv6 one up to /48.")
        var address: String

        @Argument(help: "How long, such as 12h; as long as its next ban would last if it is left out.")
        var time: String?

        @Argument(help: "Why, for whoever asks.")
        var reason: [String] = []

        @OptionGroup var station: Station

        @Flag(help: "Print JSON.")
        var json = false

        func run() async throws {
            // Without a time the reason may begin at once.
            let isTime = time.map { Quantity.time($0) != nil } ?? false
            if let time, !isTime, time.utf8.first.map({ (0x30...0x39).contains($0) }) ?? false {
                throw ValidationError(
                    "\(TerminalText.quote(time)) is no time such as 10m, 12h or 7d; a reason begins with a letter")
            }
            let words = (isTime ? [] : [time].compactMap { $0 }) + reason
            let answer = try await station.ask(
                .post, BanRoutes.path,
                .members([
                    "address": .string(address), "time": JSONNode(isTime ? time : nil),
                    "reason": .string(words.joined(separator: " ")),
                ]))
            answer.show(json: json) { ban in
                "banned \(ban["address"]?.text ?? "") for \(BanText.time(ban["seconds_left"]?.integer ?? 0))\n"
            }
        }
    }

    struct Unban: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End a ban, or all of them.",
            discussion:
                "What is known of the address is forgotten. Where autoban does not run, all takes its rules away too.")

        @Argument(help: "The address or network, or all.")
        var address: String

        @OptionGroup var station: Station

        @Flag(help: "Print JSON.")
        var json = false

        func run() async throws {
            if address == "all" {
                let answer = try await station.ask(.delete, BanRoutes.path)
                if json { return answer.show(json: true) { _ in "" } }
                let count = answer.json?["ended"]?.integer ?? 0
                Environment.write("ended \(count) ban\(count == 1 ? "" : "s")\n", to: 2)
            } else {
                _ = try await station.ask(.delete, "\(BanRoutes.path)/\(PercentCoding.encode(address))")
                if json {
                    Environment.write(JSONNode.members(["ended": 1, "address": .string(address)]).text + "\n", to: 1)
                } else {
                    Environment.write("unbanned \(TerminalText.plain(address))\n", to: 2)
                }
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show all bans in force.")

        @OptionGroup var station: Station

        @Flag(help: "Print JSON.")
        var json = false

        func run() async throws {
            try await station.ask(.get, BanRoutes.path).show(json: json, BanText.list)
        }
    }

    struct Why: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say why an address is banned, or is not, with the lines that led to it.")

        @Argument(help: "The address or network.")
        var address: String

        @OptionGroup var station: Station

        @Flag(help: "Print JSON.")
        var json = false

        func run() async throws {
            try await station.ask(.get, "\(BanRoutes.path)/\(PercentCoding.encode(address))").show(
                json: json, BanText.reasons)
        }
    }

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Say what autoban has read and done.")

        @OptionGroup var station: Station

        @Flag(help: "Print JSON.")
        var json = false

        func run() async throws {
            try await station.ask(.get, "/api/v1/status").show(json: json, BanText.status)
        }
    }
}
