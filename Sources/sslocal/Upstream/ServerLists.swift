// Which list of servers is in use: the configuration's, or one that was handed over while the program ran and is kept until
// the configuration's is wanted again. A list is written to disk before it is used, so what runs is what a restart finds.
internal import Logging
internal import NIOConcurrencyHelpers
internal import SSCommon
internal import SSNetwork

final class ServerLists: Sendable {
    /// Why a list is not used; the one before stays.
    enum Refusal: Error {
        /// None of its servers can be used; the reasons.
        case nothingUsable([String])
        /// It could not be kept; why.
        case notKept(String)
    }

    private let servers: ServerSet
    private let configured: [ServerEntry]
    private let file: ServerListFile
    private let logger: Logger
    /// Whether the list in use is the file's; held for the whole of a swap.
    private let isFromFile = NIOLockedValueBox(false)

    /// `configured` are the configuration's servers, which `servers` has now; at least one.
    init(_ servers: ServerSet, configured: [ServerEntry], file: ServerListFile, logger: Logger) {
        self.servers = servers
        self.configured = configured
        self.file = file
        self.logger = logger
    }

    /// The file that the servers come from; nil for the configuration.
    var source: String? { isFromFile.withLockedValue { $0 ? file.path : nil } }

    /// At the start: takes the list that was in use when the program last ran. `isWanted` is false where the command line
    /// names the server.
    func restore(isWanted: Bool) {
        file.clearLeftovers()
        guard file.exists else { return }
        guard isWanted else {
            logger.warning(
                "the server of the command line is used; the list that was swapped in earlier is not",
                metadata: ["file": "\(file.path)"])
            return
        }
        isFromFile.withLockedValue { isFromFile in
            do throws(SmallFile.Failure) {
                let document = try file.load()
                let (entries, _) = usable(document.servers)
                guard !entries.isEmpty else {
                    logger.error(
                        "the list of servers that was swapped in earlier is no good; the configuration's are used",
                        metadata: ["file": "\(file.path)"])
                    return
                }
                servers.replace(with: entries)
                isFromFile = true
                logger.warning(
                    "servers of a list that was swapped in are used instead of the configuration's",
                    metadata: [
                        "file": "\(file.path)", "servers": "\(entries.count)", "undo": "sslocal use --config",
                    ])
            } catch {
                logger.error(
                    "the list of servers that was swapped in earlier cannot be read; the configuration's are used",
                    metadata: ["file": "\(file.path)", "reason": "\(error)"])
            }
        }
    }

    /// Uses `links` from now on; what was left out of them, and why.
    func use(_ links: [ServerLink]) throws(Refusal) -> [String] {
        let (entries, skipped) = usable(links)
        guard !entries.isEmpty else { throw .nothingUsable(skipped.map(\.reason)) }
        let failure = isFromFile.withLockedValue { isFromFile -> Refusal? in
            do throws(PrivateFile.Failure) {
                try file.save(links.filter { link in !skipped.contains { $0.link == link } })
            } catch {
                switch error {
                case .exists: return .notKept("it cannot be replaced")
                case .system(let reason): return .notKept(reason)
                }
            }
            servers.replace(with: entries)
            isFromFile = true
            return nil
        }
        if let failure { throw failure }
        logger.warning("another list of servers is used", metadata: ["servers": "\(entries.count)"])
        return skipped.map(\.reason)
    }

    /// Goes back to the servers of the configuration.
    func useConfiguration() throws(Refusal) {
        let isGone = isFromFile.withLockedValue { isFromFile in
            guard file.remove() else { return false }
            if isFromFile { servers.replace(with: configured) }
            isFromFile = false
            return true
        }
        guard isGone else { throw .notKept("\(file.path) cannot be removed") }
        logger.warning("the configuration's servers are used", metadata: ["servers": "\(configured.count)"])
    }

    /// Those that can be gone through, each once, and the others with the reason.
    private func usable(_ links: [ServerLink]) -> (
        entries: [ServerEntry], skipped: [(link: ServerLink, reason: String)]
    ) {
        var entries: [ServerEntry] = []
        var skipped: [(link: ServerLink, reason: String)] = []
        for link in links {
            let place = link.address.map { "\($0)" } ?? TerminalText.quote(link.host)
            do throws(ServerLink.Fault) {
                let entry = try entry(link)
                if !entries.contains(where: { $0.isSame(as: entry) }) { entries.append(entry) }
            } catch {
                skipped.append((link, "\(place): \(error)"))
            }
        }
        return (entries, skipped)
    }

    private func entry(_ link: ServerLink) throws(ServerLink.Fault) -> ServerEntry {
        var endpoint = try link.endpoint()
        // A link says nothing about these.
        endpoint.mode = configured[0].configuration.mode
        endpoint.timeout = configured[0].configuration.timeout
        guard let credential = try? Credential(method: endpoint.method, secret: link.password) else {
            throw ServerLink.Fault(description: "its key does not fit its method")
        }
        return ServerEntry(configuration: endpoint, credential: credential)
    }
}
