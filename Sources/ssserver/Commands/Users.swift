// The users of a port, while the server runs.
internal import ArgumentParser
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

struct Users: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Users of a port, each with a key and limits of their own.",
        discussion: "Changes are made to the server that runs, at once, and outlast it.",
        subcommands: [List.self, Add.self, Remove.self, Limit.self], defaultSubcommand: List.self)
}

/// What `--quota` and its like say; "none" lifts a limit.
struct LimitFlags: ParsableArguments {
    @Option(help: ArgumentHelp("Bytes in a calendar month (UTC), both ways together.", valueName: "size"))
    var quota: String?

    @Option(help: ArgumentHelp("Bytes a second, in each direction.", valueName: "size"))
    var rate: String?

    @Option(help: ArgumentHelp("Streams at once.", valueName: "number"))
    var streams: String?

    @Option(help: ArgumentHelp("The first day they are served no more (UTC).", valueName: "year-month-day"))
    var expires: String?

    /// As members of a request; throws where the server could only say the same later.
    func members() throws -> [JSONNode.Member] {
        var members: [JSONNode.Member] = []
        for (key, text) in [("quota", quota), ("rate", rate)] {
            guard let text else { continue }
            guard text == "none" || Quantity.size(text) != nil else {
                throw ValidationError("--\(key) takes a size such as 100GiB, or none; not \(TerminalText.quote(text))")
            }
            members.append(.init(key: key, value: text == "none" ? .null : .string(text)))
        }
        if let streams {
            guard streams == "none" || Int64(streams).map({ $0 > 0 }) == true else {
                throw ValidationError("--streams takes a number, or none; not \(TerminalText.quote(streams))")
            }
            members.append(.init(key: "streams", value: Int64(streams).map { .number($0) } ?? .null))
        }
        if let expires { members.append(.init(key: "expires", value: expires == "none" ? .null : .string(expires))) }
        return members
    }
}

/// Which user.
struct UserName: ParsableArguments {
    @Argument(help: "The user's name.")
    var name: String

    @Option(help: ArgumentHelp("The port, where several have such a user.", valueName: "port"))
    var port: String?

    /// The user's path in the API.
    func path() throws -> String {
        "/api/v1/users/\(PercentCoding.encode(name))" + (try number().map { "?port=\($0)" } ?? "")
    }

    func number() throws -> UInt16? {
        guard let port else { return nil }
        guard let number = UInt16(port), number > 0 else {
            throw ValidationError("--port takes a port from 1 to 65535, not \(TerminalText.quote(port))")
        }
        return number
    }
}

extension Users {
    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a user, and print what their client needs.")

        @OptionGroup var user: UserName
        @OptionGroup var limits: LimitFlags

        @Option(
            name: .customLong("password-file"),
            help: ArgumentHelp("A file with their key; without it a fresh one is made.", valueName: "file"))
        var passwordFile: String?

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var admin: AdminFlags

        func run() throws {
            var members = [JSONNode.Member(key: "name", value: .string(user.name))]
            if let port = try user.number() { members.append(.init(key: "port", value: .number(Int64(port)))) }
            if let passwordFile { members.append(.init(key: "password", value: .string(try key(passwordFile)))) }
            members += try limits.members()
            let answer = try admin.ask(.ssserver, .post, "/api/v1/users", .object(members))
            if json {
                Environment.write(String(decoding: answer.body, as: UTF8.self), to: 1)
                return
            }
            let (method, port) = (answer.json?["method"]?.text ?? "", answer.json?["port"]?.integer ?? 0)
            Environment.write(
                "added \(TerminalText.quote(user.name)) on port \(port), method \(method); the password:\n", to: 2)
            Environment.write((answer.json?["password"]?.text ?? "") + "\n", to: 1)
            let file = admin.config.map { " -c \(ShellWord.quote($0))" } ?? ""
            Report.note("it goes as a link too", help: "ssserver share \(ShellWord.quote(user.name)) --qr\(file)")
        }

        private func key(_ path: String) throws -> String {
            do throws(SmallFile.Failure) {
                let file = try SmallFile(path, limit: 64 << 10)
                return String(decoding: file.bytes.prefix { $0 != 10 && $0 != 13 }, as: UTF8.self)
            } catch {
                Report.error("cannot read the password file: \(error)", help: error.help)
                throw Report.failed
            }
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rm", abstract: "Serve a user no more, and end what they have open.", aliases: ["remove"])

        @OptionGroup var user: UserName
        @OptionGroup var admin: AdminFlags

        func run() throws {
            _ = try admin.ask(.ssserver, .delete, try user.path())
            Environment.write("removed \(TerminalText.quote(user.name))\n", to: 2)
        }
    }

    struct Limit: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change what a user may use; what is not named stays.")

        @OptionGroup var user: UserName
        @OptionGroup var limits: LimitFlags
        @OptionGroup var admin: AdminFlags

        func run() throws {
            let members = try limits.members()
            guard !members.isEmpty else {
                throw ValidationError("say what to limit: --quota, --rate, --streams or --expires")
            }
            let answer = try admin.ask(.ssserver, .patch, try user.path(), .object(members))
            guard let now = answer.json else { return }
            Environment.write(UserTable.text([now]), to: 1)
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show all users, their limits and what they have used.")

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var admin: AdminFlags

        func run() throws {
            let answer = try admin.ask(.ssserver, .get, "/api/v1/users")
            if json {
                Environment.write(String(decoding: answer.body, as: UTF8.self), to: 1)
                return
            }
            let users = answer.json?["users"]?.elements ?? []
            if users.isEmpty { Environment.write("there are no users; everybody has the port's own key\n", to: 2) }
            if !users.isEmpty { Environment.write(UserTable.text(users), to: 1) }
        }
    }
}

/// The table of `users list`.
private enum UserTable {
    static func text(_ users: [JSONValue]) -> String {
        var table = TextTable([
            "NAME": .left, "PORT": .right, "STATE": .left, "THIS MONTH": .right, "QUOTA": .right, "RATE": .right,
            "STREAMS": .right, "UDP": .right, "EXPIRES": .left, "LAST SEEN": .left,
        ])
        for user in users {
            let month = UInt64(
                clamping: (user["month_bytes_up"]?.integer ?? 0) + (user["month_bytes_down"]?.integer ?? 0))
            table.add([
                TerminalText.plain(user["name"]?.text ?? ""), "\(user["port"]?.integer ?? 0)",
                user["state"]?.text ?? "", LiveLine.bytes(month), size(user["quota"]),
                user["rate"]?.integer == nil ? "-" : size(user["rate"]) + "/s",
                "\(user["streams_open"]?.integer ?? 0)" + (user["streams"]?.integer.map { "/\($0)" } ?? ""),
                "\(user["associations_open"]?.integer ?? 0)", user["expires"]?.text ?? "-",
                user["last_seen"]?.integer.map(time) ?? "never",
            ])
        }
        return table.text(Palette(isTerminal: Environment.isTerminal(1), environment: Environment.variable))
    }

    private static func size(_ value: JSONValue?) -> String {
        value?.integer.map { LiveLine.bytes(UInt64(clamping: $0)) } ?? "-"
    }

    /// `2026-11-21 02:50 UTC`.
    private static func time(_ seconds: Int) -> String {
        LogTime(seconds: Int64(seconds)).minuteText + " UTC"
    }
}
