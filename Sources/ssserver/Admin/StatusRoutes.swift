// GET /api/v1/status: is the server well, and how busy is it.
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

enum StatusRoutes {
    /// `managed` are the ports that panels open; `descriptors` is how many this process may have.
    static func routes(_ server: ServerRuntime, managed: ManagedPorts?, descriptors: Int) -> AdminRoutes {
        var routes = AdminRoutes()
        routes.on(.get, "/api/v1/status", "Is the server well, and how busy is it.") { _ in
            AdminResponse(
                200,
                status(
                    server, await server.listeningPorts, await managed?.openPorts ?? [], descriptors,
                    await server.latestReload))
        }
        return routes
    }

    private static func status(
        _ server: ServerRuntime, _ fixed: [EndpointConfiguration], _ managed: [EndpointConfiguration],
        _ descriptors: Int, _ reload: Reloader.Outcome?
    ) -> JSONNode {
        let traffic = server.traffic
        let (rules, refused) = server.blocked
        return .members([
            "program": "ssserver",
            "version": .string(ProductVersion.current),
            "uptime_seconds": .count(server.uptime),
            "listeners": .array(
                fixed.map { listener($0, isManaged: false) }
                    + managed.map { listener($0, isManaged: true) }),
            "reload": reload.map { .members(["time": .count($0.time), "ok": .bool($0.isGood)]) } ?? .null,
            "rules": .number(Int64(rules)), "refused_by_rules": .count(refused),
            "bans": server.bans.map { .number(Int64($0)) } ?? .null,
            "descriptors": .number(Int64(descriptors)),
            "streams_open": .count(traffic.streamsOpen),
            "streams_total": .count(traffic.streamsOpened),
            "associations_open": .count(traffic.associationsOpen),
            "bytes_up": .count(traffic.bytesUp),
            "bytes_down": .count(traffic.bytesDown),
            "outcomes": .object(
                ConnectionStatus.allCases.map { .init(key: "\($0)", value: .count(traffic.count(of: $0))) }),
        ])
    }

    private static func listener(_ endpoint: EndpointConfiguration, isManaged: Bool) -> JSONNode {
        .members([
            "address": .string("\(endpoint.address)"), "method": .string(endpoint.method.rawValue),
            "mode": .string(endpoint.mode.rawValue), "managed": .bool(isManaged),
        ])
    }
}
