// What the laptop's admin API answers: how it goes, which servers there are, and other servers from now on.
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

struct LocalRoutes: Sendable {
    let servers: ServerSet
    let lists: ServerLists
    let sources: ListSources
    let ledger: TrafficLedger
    let listeners: [LocalListener]
    private let start = ContinuousClock.now

    init(
        _ servers: ServerSet, _ lists: ServerLists, _ sources: ListSources, _ ledger: TrafficLedger,
        _ listeners: [LocalListener]
    ) {
        self.listeners = listeners
        self.servers = servers
        self.lists = lists
        self.sources = sources
        self.ledger = ledger
    }

    var routes: AdminRoutes {
        var routes = AdminRoutes()
        routes.on(.get, "/api/v1/status", "How it goes.") { _ in AdminResponse(200, status) }
        routes.on(.get, "/api/v1/servers", "The servers, and which is used.") { _ in
            AdminResponse(200, list())
        }
        let swapping = AdminDescription(
            "Other servers from now on: the body is a SIP008 document, or says where there is one.",
            body: [
                .init("configuration", "true: the servers of the configuration", .flag),
                .init("url", "where a SIP008 document is fetched (https)"),
                .init("through", "\"direct\": fetched round the tunnel"),
            ])
        routes.on(.put, "/api/v1/servers", swapping) { request throws(AdminFailure) in
            AdminResponse(200, try await swap(request))
        }
        return routes
    }

    private var status: JSONNode {
        let report = servers.withContents(ServerReport.init)
        let total = ledger.snapshot()
        let elsewhere = max(0, Int(clamping: total.streamsOpen) - report.openStreams)
        return .members([
            "program": "sslocal", "version": .string(ProductVersion.current),
            "uptime_seconds": .number((ContinuousClock.now - start).components.seconds), "works": .bool(report.works),
            "listeners": .array(
                listeners.map {
                    .members(["address": .string("\($0.address)"), "protocol": .string($0.service.word)])
                }),
            "list": JSONNode(lists.source), "is_swapped_in": .bool(lists.isSwapped),
            "streams_open": .count(total.streamsOpen),
            "streams_on_former_servers": .number(Int64(elsewhere)),
            "associations_open": .count(total.associationsOpen), "streams_total": .count(total.streamsOpened),
            "bytes_up": .count(total.bytesUp), "bytes_down": .count(total.bytesDown), "servers": report.servers,
        ])
    }

    private func list(skipped: [String] = []) -> JSONNode {
        let report = servers.withContents(ServerReport.init)
        return .members([
            "list": JSONNode(lists.source), "is_swapped_in": .bool(lists.isSwapped), "servers": report.servers,
            "skipped": .array(skipped.map { .string($0) }),
        ])
    }

    /// The body is a SIP008 document; or `{"configuration": true}` for the servers of the configuration; or `{"url": …}` for a
    /// document that is fetched, with `"through": "direct"` round the tunnel.
    private func swap(_ request: AdminRequest) async throws(AdminFailure) -> JSONNode {
        let body = try request.json()
        let bytes = try await content(of: body) ?? request.body
        do throws(ServerLists.Refusal) {
            if body["configuration"]?.flag == true {
                try lists.useConfiguration()
                return list()
            }
            let document = SIP008Document(bytes, path: "document")
            let faults = document.diagnostics.filter { $0.severity == .error }.map(\.message)
            guard !document.servers.isEmpty else { throw ServerLists.Refusal.nothingUsable(faults) }
            return list(skipped: faults + (try lists.use(document.servers)))
        } catch {
            switch error {
            case .nothingUsable: throw AdminFailure(400, "\(error)")
            case .notKept: throw AdminFailure(500, "\(error)")
            }
        }
    }

    /// The document that `body` says where to fetch; nil if it is one itself.
    private func content(of body: JSONValue) async throws(AdminFailure) -> [UInt8]? {
        guard let url = body["url"]?.text else { return nil }
        let address: HTTPSAddress
        do throws(HTTPSAddress.Fault) {
            address = try HTTPSAddress(url)
        } catch {
            throw AdminFailure(400, error.description)
        }
        do throws(HTTPSFetch.Failure) {
            return try await sources.fetch(address, isDirect: body["through"]?.text == "direct")
        } catch {
            throw AdminFailure(502, error.description)
        }
    }
}
