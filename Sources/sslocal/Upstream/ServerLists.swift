// Which list of servers is in use: the configuration's, or one that was handed over while the program ran and is kept until
// the configuration's is wanted again. A list is written to disk before it is used, so what runs is what a restart finds.
internal import Logging
internal import NIOConcurrencyHelpers
internal import SSCommon
internal import SSNetwork

final class ServerLists: Sendable {
    /// Why a list is not used; the one before stays.
    enum Refusal: Error, CustomStringConvertible {
        /// None of its servers can be used; the reasons.
        case nothingUsable([String])
        /// It could not be kept; why.
        case notKept(String)

        var description: String {
            switch self {
            case .nothingUsable(let reasons):
                let why = reasons.isEmpty ? "" : ": " + reasons.prefix(5).joined(separator: "; ")
                return "there is no server in it that can be used" + why
            case .notKept(let reason): return "the list could not be kept, so it is not used: \(reason)"
            }
        }
    }

    private struct State {
        /// The list in use is the one that was swapped in.
        var isSwapped = false
        /// What the configuration stands for: its own servers, or those it has fetched.
        var usual: [ServerEntry]
        var isOnline = false
    }

    private let servers: ServerSet
    private let configured: [ServerEntry]
    private let swappedFile: ServerListFile
    private let onlineFile: ServerListFile
    private let logger: Logger
    /// Held for the whole of a swap.
    private let state: NIOLockedValueBox<State>

    /// `configured` are the configuration's servers, which `servers` has now; at least one.
    init(_ servers: ServerSet, configured: [ServerEntry], directory: String, logger: Logger) {
        self.servers = servers
        self.configured = configured
        swappedFile = ServerListFile(.swapped, in: directory)
        onlineFile = ServerListFile(.online, in: directory)
        self.logger = logger
        state = NIOLockedValueBox(State(usual: configured))
    }

    /// The file that the servers come from; nil for the configuration.
    var source: String? {
        state.withLockedValue { $0.isSwapped ? swappedFile.path : $0.isOnline ? onlineFile.path : nil }
    }

    /// Whether a person has swapped it in.
    var isSwapped: Bool { state.withLockedValue(\.isSwapped) }

    // MARK: At the start

    /// Takes the lists that were in use when the program last ran. `hasOnline`: the configuration names a published one.
    func restore(hasOnline: Bool) {
        swappedFile.clearLeftovers()
        onlineFile.clearLeftovers()
        state.withLockedValue { state in
            if hasOnline, let entries = load(onlineFile) {
                state.usual = entries
                state.isOnline = true
                servers.replace(with: entries)
                logger.info(
                    "servers of the list that was fetched last are used",
                    metadata: ["file": "\(onlineFile.path)", "servers": "\(entries.count)"])
            }
            guard let entries = load(swappedFile) else { return }
            state.isSwapped = true
            servers.replace(with: entries)
            logger.warning(
                "servers of a list that was swapped in are used instead of the configuration's",
                metadata: [
                    "file": "\(swappedFile.path)", "servers": "\(entries.count)", "undo": "sslocal use --config",
                ])
        }
    }

    /// At the start where the command line names the server.
    func passOver() {
        guard swappedFile.exists else { return }
        logger.warning(
            "the server of the command line is used; the list that was swapped in earlier is not",
            metadata: ["file": "\(swappedFile.path)"])
    }

    /// Nil, with a word in the log, if there is none that can be used.
    private func load(_ file: ServerListFile) -> [ServerEntry]? {
        guard file.exists else { return nil }
        do throws(SmallFile.Failure) {
            let entries = usable(try file.load().servers).entries
            if !entries.isEmpty { return entries }
            logger.error("a kept list of servers is no good and not used", metadata: ["file": "\(file.path)"])
        } catch {
            logger.error(
                "a kept list of servers cannot be read and is not used",
                metadata: ["file": "\(file.path)", "reason": "\(error)"])
        }
        return nil
    }

    // MARK: Swapping

    /// Uses `links` from now on; what was left out of them, and why.
    func use(_ links: [ServerLink]) throws(Refusal) -> [String] {
        let list = try checked(links)
        try change { (state) throws(Refusal) in
            try keep(list.links, in: swappedFile)
            servers.replace(with: list.entries)
            state.isSwapped = true
        }
        logger.warning("another list of servers is used", metadata: ["servers": "\(list.entries.count)"])
        return list.reasons
    }

    /// Goes back to the servers of the configuration.
    func useConfiguration() throws(Refusal) {
        try change { (state) throws(Refusal) in
            guard swappedFile.remove() else { throw .notKept("\(swappedFile.path) cannot be removed") }
            if state.isSwapped { servers.replace(with: state.usual) }
            state.isSwapped = false
        }
        logger.warning("the configuration's servers are used")
    }

    /// `links` stand for the configuration's servers from now on; what a person has swapped in stays. What was left out of
    /// them, and why.
    func publish(_ links: [ServerLink]) throws(Refusal) -> [String] {
        let list = try checked(links)
        var isNews = false
        try change { (state) throws(Refusal) in
            isNews = !Self.areSame(list.entries, state.usual)
            guard isNews || !state.isOnline else { return }
            try keep(list.links, in: onlineFile)
            state.usual = list.entries
            state.isOnline = true
            if isNews, !state.isSwapped { servers.replace(with: list.entries) }
        }
        if isNews { logger.info("the online list has changed", metadata: ["servers": "\(list.entries.count)"]) }
        return list.reasons
    }

    private static func areSame(_ a: [ServerEntry], _ b: [ServerEntry]) -> Bool {
        a.count == b.count && zip(a, b).allSatisfy { $0.isSame(as: $1) }
    }

    private func change(_ body: (inout State) throws(Refusal) -> Void) throws(Refusal) {
        let failure = state.withLockedValue { state -> Refusal? in
            do throws(Refusal) {
                try body(&state)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }

    private func keep(_ links: [ServerLink], in file: ServerListFile) throws(Refusal) {
        do throws(PrivateFile.Failure) {
            try file.save(links)
        } catch {
            switch error {
            case .exists: throw .notKept("\(file.path) cannot be replaced")
            case .system(let reason): throw .notKept(reason)
            }
        }
    }

    // MARK: From links to servers

    private func usable(_ links: [ServerLink]) -> UsableServers {
        UsableServers(links, like: configured[0].configuration)
    }

    private func checked(_ links: [ServerLink]) throws(Refusal) -> UsableServers {
        let usable = usable(links)
        guard !usable.entries.isEmpty else { throw .nothingUsable(usable.reasons) }
        return usable
    }
}
