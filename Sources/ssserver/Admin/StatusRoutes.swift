// GET /api/v1/status: is the server well, and how busy is it.
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

enum StatusRoutes {
    static func routes(_ server: ServerRuntime) -> AdminRoutes {
        var routes = AdminRoutes()
        routes.on(.get, "/api/v1/status") { _ in AdminResponse(200, status(server)) }
        return routes
    }

    private static func status(_ server: ServerRuntime) -> JSONNode {
        let traffic = server.traffic
        return .members([
            "program": "ssserver",
            "version": .string(ProductVersion.current),
            "uptime_seconds": .count(server.uptime),
            "listeners": .array(
                server.listeningPorts.map {
                    .members([
                        "address": .string("\($0.address)"), "method": .string($0.method.rawValue),
                        "mode": .string($0.mode.rawValue),
                    ])
                }),
            "streams_open": .count(traffic.streamsOpen),
            "streams_total": .count(traffic.streamsOpened),
            "associations_open": .count(traffic.associationsOpen),
            "bytes_up": .count(traffic.bytesUp),
            "bytes_down": .count(traffic.bytesDown),
            "outcomes": .object(
                ConnectionStatus.allCases.map { .init(key: "\($0)", value: .count(traffic.count(of: $0))) }),
        ])
    }
}
