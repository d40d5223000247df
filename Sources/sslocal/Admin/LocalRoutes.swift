// What the laptop's admin API answers: how it goes, which servers there are, and other servers from now on.
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

struct LocalRoutes: Sendable {
    let servers: ServerSet
    let lists: ServerLists
    let ledger: TrafficLedger
    private let start = ContinuousClock.now

    init(_ servers: ServerSet, _ lists: ServerLists, _ ledger: TrafficLedger) {
        self.servers = servers
        self.lists = lists
        self.ledger = ledger
    }

    var routes: AdminRoutes {
        var routes = AdminRoutes()
        routes.on(.get, "/api/v1/status") { _ in AdminResponse(200, status) }
        routes.on(.get, "/api/v1/servers") { _ in AdminResponse(200, list()) }
        routes.on(.put, "/api/v1/servers") { request throws(AdminFailure) in AdminResponse(200, try swap(request)) }
        return routes
    }

    private var status: JSONNode {
        let report = servers.withContents(ServerReport.init)
        let total = ledger.snapshot()
        let elsewhere = max(0, Int(clamping: total.streamsOpen) - report.openStreams)
        return .members([
            "version": .string(ProductVersion.current),
            "uptime_seconds": .number((ContinuousClock.now - start).components.seconds), "works": .bool(report.works),
            "list": JSONNode(lists.source), "streams_open": .count(total.streamsOpen),
            "streams_on_former_servers": .number(Int64(elsewhere)),
            "associations_open": .count(total.associationsOpen), "streams_total": .count(total.streamsOpened),
            "bytes_up": .count(total.bytesUp), "bytes_down": .count(total.bytesDown), "servers": report.servers,
        ])
    }

    private func list(skipped: [String] = []) -> JSONNode {
        let report = servers.withContents(ServerReport.init)
        return .members([
            "list": JSONNode(lists.source), "servers": report.servers,
            "skipped": .array(skipped.map { .string($0) }),
        ])
    }

    /// The body is a SIP008 document, or `{"configuration": true}` for the servers of the configuration.
    private func swap(_ request: AdminRequest) throws(AdminFailure) -> JSONNode {
        do throws(ServerLists.Refusal) {
            if try request.configurationIsWanted() {
                try lists.useConfiguration()
                return list()
            }
            let document = SIP008Document(request.body, path: "body")
            let faults = document.diagnostics.filter { $0.severity == .error }.map(\.message)
            guard !document.servers.isEmpty else { throw .nothingUsable(faults) }
            return list(skipped: faults + (try lists.use(document.servers)))
        } catch {
            switch error {
            case .nothingUsable(let reasons):
                let why = reasons.isEmpty ? "" : ": " + reasons.prefix(5).joined(separator: "; ")
                throw AdminFailure(400, "there is no server in it that can be used" + why)
            case .notKept(let reason):
                throw AdminFailure(500, "the list could not be kept, so it is not used: \(reason)")
            }
        }
    }
}

extension AdminRequest {
    fileprivate func configurationIsWanted() throws(ServerLists.Refusal) -> Bool {
        JSONDocument(body, path: "body").root?["configuration"]?.flag == true
    }
}
