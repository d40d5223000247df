// Keeps the owner's rules: reads them, watches their files, takes commands, and puts what comes of it in force as a whole.
// What cannot be read changes nothing.
internal import Dispatch
internal import Logging
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

actor PolicyKeeper {
    private let inForce: PolicyInForce
    private let logger: Logger
    private let directory: String?
    private let canKeep: Bool
    private var settings: BlacklistConfiguration
    private var acl: String?
    private var store: RuleStore?
    private var commands: [CommandRule] = []
    private var blacklist = Blacklist()
    private var files: [LoadedFile] = []
    /// Of each file when it was last read, or could not be.
    private var stamps: [String: FileStamp?] = [:]
    /// Of those that have changed since: when they were last looked at.
    private var unsettled: [String: FileStamp?] = [:]
    private var isLoading = false

    /// Files are read on a thread of their own: a million lines keep one busy for a while.
    private static let readers = DispatchQueue(label: "lists")
    /// Rules that commands have made; each change puts all of them in force anew, which takes six milliseconds of so many.
    static let ruleLimit = 10_000

    /// `directory` is where relative paths start, and if it `canKeep` anything where commands' rules are kept.
    init(
        _ settings: BlacklistConfiguration, acl: String?, directory: String?, canKeep: Bool, inForce: PolicyInForce,
        logger: Logger
    ) {
        self.settings = settings
        self.acl = acl
        self.directory = directory
        self.canKeep = canKeep
        self.inForce = inForce
        self.logger = logger
    }

    /// Reads everything for the first time.
    func start() async throws(RuleFault) {
        // The file is made with the first rule.
        if let path = storePath, SmallFile.exists(path) {
            do throws(StoreFailure) {
                let store = try RuleStore(path: path)
                commands = try store.load().map { CommandRule($0) }
                self.store = store
            } catch {
                throw RuleFault(
                    path: path, reason: "the rules that commands have made cannot be read: \(error.description)",
                    help: "mend the file or move it away")
            }
        }
        blacklist.own = try RuleLoader.own(settings, commands: commands)
        try await load(settings, acl)
        putInForce()
    }

    private var storePath: String? { canKeep ? directory.map { $0 + "/blacklist.sqlite" } : nil }

    /// Where commands' rules are kept, made if need be.
    private func openStore() throws(RuleFault) -> RuleStore {
        if let store { return store }
        guard let path = storePath else { throw Self.noStore }
        do throws(StoreFailure) {
            let made = try RuleStore(path: path)
            store = made
            return made
        } catch {
            throw RuleFault(path: Self.notStored, reason: error.description, help: "nothing was changed")
        }
    }

    private func putInForce() {
        inForce.replace(by: Policy(blacklist, settings))
    }

    // MARK: Files

    /// Reads all files, and takes their rules if all can be used.
    private func load(_ settings: BlacklistConfiguration, _ acl: String?) async throws(RuleFault) {
        let lists = RuleFile.files(settings, below: directory)
        let acl = acl.map { RuleFile(acl: $0, below: directory) }
        // Before they are read: what changes meanwhile is seen as a change.
        for file in lists + (acl.map { [$0] } ?? []) { stamps[file.path] = FileStamp(file.path) }
        let loaded: Result<(lists: LoadedRules?, acl: LoadedRules?), RuleFault> = await withCheckedContinuation {
            result in
            Self.readers.async {
                let loaded = Result { () throws(RuleFault) -> (lists: LoadedRules?, acl: LoadedRules?) in
                    (
                        lists.isEmpty ? nil : try RuleLoader.load(lists),
                        try acl.map { file throws(RuleFault) in try RuleLoader.load([file], isACL: true) }
                    )
                }
                // What reading has taken up on the way is as much as the rules.
                ProcessMemory.trim()
                result.resume(returning: loaded)
            }
        }
        let rules = try loaded.get()
        blacklist.lists = rules.lists?.rules
        blacklist.acl = rules.acl?.rules
        files = (rules.lists?.files ?? []) + (rules.acl?.files ?? [])
        for file in files {
            logger.info(
                "rules were read", metadata: ["file": "\(file.path)", "rules": "\(file.report.rules)"])
            guard let unused = file.report.unused else { continue }
            logger.warning("not all of a list is used", metadata: ["file": "\(file.path)", "reason": "\(unused)"])
        }
    }

    /// Another configuration's rules; where they cannot be used, those from before stay.
    func change(to new: BlacklistConfiguration, acl newACL: String?) async throws(RuleFault) {
        while isLoading { try? await Task.sleep(for: .milliseconds(50)) }
        isLoading = true
        defer { isLoading = false }
        _ = try RuleLoader.own(new, commands: commands)
        let former = stamps
        stamps = [:]
        do throws(RuleFault) {
            try await load(new, newACL)
        } catch {
            stamps = former
            throw error
        }
        settings = new
        acl = newACL
        unsettled = [:]
        blacklist.own = try RuleLoader.own(new, commands: commands)
        putInForce()
    }

    /// Looks whether files have changed, and reads them again once they have been left alone from one look to the next.
    func look() async {
        guard !isLoading else { return }
        var hasChanged = false
        for path in stamps.keys {
            let now = FileStamp(path)
            guard let old = stamps[path], old != now else {
                unsettled[path] = nil
                continue
            }
            if let before = unsettled[path], before == now { hasChanged = true }
            unsettled[path] = now
        }
        guard hasChanged else { return }
        isLoading = true
        defer { isLoading = false }
        unsettled = [:]
        do throws(RuleFault) {
            try await load(settings, acl)
            putInForce()
            logger.notice("the rules of changed lists are in force", metadata: ["rules": "\(blacklist.count)"])
        } catch {
            logger.warning(
                "a list cannot be used; the rules from before stay",
                metadata: ["file": "\(error.place)", "reason": "\(error.reason)"])
        }
    }

    // MARK: Commands

    /// What a command came to.
    enum Change: Sendable {
        case done(StoredRule)
        /// It was so before.
        case already(StoredRule)
    }

    /// Adds rules, all or none; they are stored when this returns. `isSure` if those are meant that leave hardly anything.
    func add(_ texts: [String], user: String?, isSure: Bool) throws(RuleFault) -> [Change] {
        let store = try openStore()
        var changes: [Change] = []
        let known = Dictionary(commands.lazy.map(\.stored).filter { $0.user == user }.map { ($0.text, $0) }) {
            first, _ in first
        }
        for text in texts {
            let text = String(text.withoutOuterBlanks)
            let parsed = try RuleLoader.parse(text, "the rule")
            if !isSure, !parsed.isAllowed, parsed.rules.contains(where: \.isSweeping) {
                throw RuleFault(
                    path: Self.sweeping, reason: "\(TerminalText.quote(text)) refuses nearly everything",
                    help: "if that is meant, say so: --yes")
            }
            changes.append(
                known[text].map { .already($0) } ?? .done(StoredRule(text: text, user: user, added: WallClock.now())))
        }
        let new = changes.compactMap { change in if case .done(let rule) = change { rule } else { nil } }
        guard !new.isEmpty else { return changes }
        guard commands.count + new.count <= Self.ruleLimit else {
            throw RuleFault(
                path: "the rule", reason: "there are \(commands.count) rules of commands already",
                help: "put names into a file of \"blacklist\" \"files\"")
        }
        try change(to: commands + new.map { CommandRule($0) }) { () throws(StoreFailure) in try store.add(new) }
        return changes
    }

    /// Takes rules away, all or none.
    func remove(_ texts: [String], user: String?) throws(RuleFault) -> [StoredRule] {
        let store = try openStore()
        let wanted = Set(texts.map { String($0.withoutOuterBlanks) })
        let gone = commands.map(\.stored).filter { wanted.contains($0.text) && $0.user == user }
        if let missing = wanted.subtracting(gone.map(\.text)).first {
            throw RuleFault(
                path: Self.missing, reason: "no command has made the rule \(TerminalText.quote(missing))",
                help: "one of a list goes with its line there; \"@@\" in front of a rule makes an exception to it")
        }
        let goneRules = Set(gone)
        try change(to: commands.filter { !goneRules.contains($0.stored) }) { () throws(StoreFailure) in
            try store.remove(gone)
        }
        return gone
    }

    /// Stored first, then in force.
    private func change(to new: [CommandRule], _ keep: () throws(StoreFailure) -> Void) throws(RuleFault) {
        let own = try RuleLoader.own(settings, commands: new)
        do throws(StoreFailure) {
            try keep()
        } catch {
            throw RuleFault(path: Self.notStored, reason: error.description, help: "nothing was changed")
        }
        commands = new
        blacklist.own = own
        putInForce()
    }

    static let sweeping = "it refuses nearly everything"
    static let missing = "there is no such rule"
    static let notStored = "it could not be stored"
    private static let noStore = RuleFault(
        path: notStored, reason: "this server has no state directory to keep rules in",
        help: "name one: \"state_directory\"")

    // MARK: Looking

    struct Overview: Sendable {
        let commands: [StoredRule]
        let files: [LoadedFile]
        let configured: [ConfiguredRule]
        /// Rules of all kinds.
        let count: Int
    }

    var overview: Overview {
        Overview(
            commands: commands.map(\.stored), files: files, configured: settings.rules + settings.clients,
            count: blacklist.count)
    }
}
