// Rules out of files and of the configuration. Blocks; called from nowhere near an event loop.
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

/// Why rules cannot be used: where, what, and what to do.
struct RuleFault: Error, CustomStringConvertible {
    /// A file, or a word for what else it is about.
    let path: String
    var line: Int?
    let reason: String
    let help: String

    var place: String { line.map { "\(path):\($0)" } ?? path }
    var description: String { "\(place): \(reason)" }
}

/// A file of rules: as the owner has written its path, and where that is.
struct RuleFile: Hashable, Sendable {
    let shown: String
    let path: String

    /// Relative paths of the configuration start in the state directory.
    init(_ shown: String, below directory: String?) {
        self.shown = shown
        path = directory.map { shown.hasPrefix("/") ? shown : "\($0)/\(shown)" } ?? shown
    }

    /// An ACL file, which may come from the command line and so be one of the current directory.
    init(acl shown: String, below directory: String?) {
        let file = RuleFile(shown, below: directory)
        self = SmallFile.exists(file.path) ? file : RuleFile(shown, below: nil)
    }

    static func files(_ settings: BlacklistConfiguration, below directory: String?) -> [RuleFile] {
        settings.files.map { RuleFile($0, below: directory) }
    }
}

/// What one file came to.
struct LoadedFile: Sendable {
    let path: String
    let report: ListReport
}

/// The rules of files, read together.
struct LoadedRules: Sendable {
    let rules: RuleSet
    let files: [LoadedFile]
}

enum RuleLoader {
    /// Longer files are no lists.
    private static let maximumFile = 1 << 30

    /// Reads all of `paths` into one set, or throws what is wrong with one.
    static func load(_ list: [RuleFile], isACL: Bool = false) throws(RuleFault) -> LoadedRules {
        var builder = RuleSet.Builder(isACL ? .refusedFirst : .mostExact, seed: seed())
        var files: [LoadedFile] = []
        for file in list {
            files.append(LoadedFile(path: file.shown, report: try read(file, isACL: isACL, into: &builder)))
        }
        return LoadedRules(rules: RuleSet(builder), files: files)
    }

    private static func read(
        _ file: RuleFile, isACL: Bool, into builder: inout RuleSet.Builder
    ) throws(RuleFault) -> ListReport {
        builder.sources.begin(file.shown)
        var reader = ListReader(isACL: isACL)
        do throws(SmallFile.Failure) {
            try FilePieces.read(file.path, limit: maximumFile) { reader.read($0, into: &builder) }
        } catch {
            throw RuleFault(path: file.path, reason: error.description, help: error.help)
        }
        reader.end(into: &builder)
        let report = reader.report
        guard !report.isBad else {
            throw RuleFault(
                path: file.shown, line: report.complaints.first?.line,
                reason: "\(report.complaints.first?.fault.rawValue ?? "not understood")"
                    + (report.badLines > 1 ? ", and \(report.badLines - 1) other lines like it" : ""),
                help: "mend or remove the line; a # in front makes it a comment")
        }
        return report
    }

    /// The owner's: of the configuration, and of commands.
    static func own(
        _ settings: BlacklistConfiguration, commands: [CommandRule]
    ) throws(RuleFault) -> RuleSet {
        var builder = RuleSet.Builder(.allowedFirst, seed: seed())
        for (source, rules) in Dictionary(grouping: settings.rules + settings.clients, by: \.source).sorted(by: {
            $0.key < $1.key
        }) {
            builder.sources.begin(source)
            for rule in rules.sorted(by: { $0.line < $1.line }) {
                let place = builder.sources.place(line: rule.line)
                let parsed = try parse(rule.text, rule.source, rule.line)
                try add(parsed, users: [], to: &builder, at: place, rule.source, rule.line)
            }
        }
        builder.sources.begin(StoredRule.source)
        for (index, rule) in commands.enumerated() {
            let place = builder.sources.place(line: index + 1)
            // What was stored was understood once; a version that does not any more serves on without it.
            guard let parsed = rule.parsed else { continue }
            try? add(
                parsed, users: rule.stored.user.map { [$0] } ?? [], to: &builder, at: place, StoredRule.source, nil)
        }
        return RuleSet(builder)
    }

    private static func add(
        _ parsed: Parsed, users: [String], to builder: inout RuleSet.Builder, at place: RulePlace, _ source: String,
        _ line: Int?
    ) throws(RuleFault) {
        for rule in parsed.rules
        where !builder.add(rule, isAllowed: parsed.isAllowed, users: users + parsed.users, at: place) {
            throw RuleFault(
                path: source, line: line, reason: "there is no room for more such rules", help: "put names into a list")
        }
    }

    /// What one line says.
    typealias Parsed = (rules: [ListRule], isAllowed: Bool, users: [String])

    /// What a single rule says.
    static func parse(_ text: String, _ source: String, _ line: Int? = nil) throws(RuleFault) -> Parsed {
        let help =
            "write it as in a list: ||example.net^, =example.net, *.example.net, 192.0.2.0/24, example.net/path, :25"
        let quoted = TerminalText.quote(text)
        guard !text.utf8.contains(10), !text.utf8.contains(13) else {
            throw RuleFault(path: source, line: line, reason: "\(quoted) has more than one line", help: help)
        }
        switch ListLineReader.read(Array(text.utf8)[...]) {
        case .rules(let rules, let isAllowed, let users): return (rules, isAllowed, users)
        case .nothing: throw RuleFault(path: source, line: line, reason: "\(quoted) says nothing", help: help)
        case .unenforceable(let reason):
            throw RuleFault(
                path: source, line: line, reason: "\(quoted) cannot be enforced: \(reason.rawValue)", help: help)
        case .bad(let fault):
            throw RuleFault(path: source, line: line, reason: "\(quoted) is \(fault.rawValue)", help: help)
        }
    }

    private static func seed() -> (UInt64, UInt64) { (.random(in: 0 ... .max), .random(in: 0 ... .max)) }
}
