// The API for managing servers that several Shadowsocks programs share (Shadowsocks-NET 2023-1, "SSM API v1"), below
// /server/v1 as in sing-box. Sums are since the program started, or since a request with `clear=true`.
internal import NIOConcurrencyHelpers
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

enum StandardRoutes {
    static func routes(_ users: UserRegistry, _ traffic: @escaping @Sendable () -> TrafficSnapshot) -> AdminRoutes {
        var routes = AdminRoutes()
        let cleared = Cleared()
        routes.on(.get, "/server/v1", "Which program this is.") { _ in
            AdminResponse(
                200, .members(["server": .string("ssserver \(ProductVersion.current)"), "apiVersion": "v1"]))
        }
        routes.on(.get, "/server/v1/users", "All users with sums.") { _ in
            var rows: [JSONNode] = []
            for status in await users.list() where !status.entry.isRemoved {
                rows.append(.object(await head(status, users) + sums(cleared.since(status))))
            }
            return AdminResponse(200, .members(["users": .array(rows)]))
        }
        let adding = AdminDescription(
            "Adds a user.",
            body: [.init("username", "the name", isNeeded: true), .init("uPSK", "the key", isNeeded: true)],
            success: 201)
        routes.on(.post, "/server/v1/users", adding) { request throws(AdminFailure) in
            let body = try request.json()
            guard let name = body["username"]?.text else { throw AdminFailure(400, "\"username\" is missing") }
            guard let secret = body["uPSK"]?.text else { throw AdminFailure(400, "\"uPSK\" is missing") }
            _ = try await users.add(name, port: nil, secret: secret, UserLimits())
            return AdminResponse(201, .members(["username": .string(name), "uPSK": .string(secret)]))
        }
        routes.on(.get, "/server/v1/users/:username", "One user with sums.") { request throws(AdminFailure) in
            let name = request.parameters["username"] ?? ""
            guard let status = await users.list(name).first, !status.entry.isRemoved else {
                throw AdminFailure(404, UserFault.noSuchUser(name).description)
            }
            return AdminResponse(200, .object(await head(status, users) + sums(cleared.since(status))))
        }
        let rekeying = AdminDescription("Another key.", body: [.init("uPSK", "the key", isNeeded: true)], success: 204)
        for method in [AdminMethod.patch, .put] {
            routes.on(method, "/server/v1/users/:username", rekeying) { request throws(AdminFailure) in
                guard let secret = try request.json()["uPSK"]?.text else {
                    throw AdminFailure(400, "\"uPSK\" is missing")
                }
                try await users.rekey(request.parameters["username"] ?? "", port: nil, secret: secret)
                return .done
            }
        }
        let removing = AdminDescription("Removes a user.", success: 204)
        routes.on(.delete, "/server/v1/users/:username", removing) { request throws(AdminFailure) in
            try await users.remove(request.parameters["username"] ?? "", port: nil)
            return .done
        }
        let summing = AdminDescription(
            "Sums of all.", query: [.init("clear", "\"true\": sums begin at 0 again")])
        routes.on(.get, "/server/v1/stats", summing) { request in
            let all = await users.list()
            let total = cleared.since(traffic())
            let rows = all.filter { !$0.entry.isRemoved }.map { status in
                JSONNode.object(
                    [.init(key: "username", value: .string(status.entry.key.name))] + sums(cleared.since(status)))
            }
            if request.query["clear"] == "true" { cleared.clear(all, traffic()) }
            return AdminResponse(200, .object(sums(total) + [.init(key: "users", value: .array(rows))]))
        }
        return routes
    }

    /// The user's own key, without the port's.
    private static func head(_ status: UserRegistry.Status, _ users: UserRegistry) async -> [JSONNode.Member] {
        let key = status.entry.key
        let secret = try? await users.secret(key.name, port: key.port).1
        return [
            .init(key: "username", value: .string(key.name)),
            .init(key: "uPSK", value: JSONNode(secret?.split(separator: ":").last.map(String.init))),
        ]
    }

    private static func sums(_ sums: Sums) -> [JSONNode.Member] {
        [
            .init(key: "downlinkBytes", value: .count(sums.down)),
            .init(key: "downlinkPackets", value: .count(sums.packetsDown)),
            .init(key: "uplinkBytes", value: .count(sums.up)),
            .init(key: "uplinkPackets", value: .count(sums.packetsUp)),
            .init(key: "tcpSessions", value: .count(sums.streams)),
            .init(key: "udpSessions", value: .count(sums.associations)),
        ]
    }

    fileprivate struct Sums {
        var up: UInt64 = 0
        var down: UInt64 = 0
        var packetsUp: UInt64 = 0
        var packetsDown: UInt64 = 0
        var streams: UInt64 = 0
        var associations: UInt64 = 0

        init() {}

        init(_ reading: UserAccount.Reading) {
            (up, down) = (reading.up, reading.down)
            (packetsUp, packetsDown) = (reading.packetsUp, reading.packetsDown)
            (streams, associations) = (reading.streamsOpened, reading.associationsOpened)
        }

        init(_ traffic: TrafficSnapshot) {
            (up, down) = (traffic.bytesUp, traffic.bytesDown)
            (packetsUp, packetsDown) = (traffic.packetsUp, traffic.packetsDown)
            (streams, associations) = (traffic.streamsOpened, traffic.associationsOpened)
        }

        static func - (a: Sums, b: Sums) -> Sums {
            var result = Sums()
            result.up = a.up &- min(a.up, b.up)
            result.down = a.down &- min(a.down, b.down)
            result.packetsUp = a.packetsUp &- min(a.packetsUp, b.packetsUp)
            result.packetsDown = a.packetsDown &- min(a.packetsDown, b.packetsDown)
            result.streams = a.streams &- min(a.streams, b.streams)
            result.associations = a.associations &- min(a.associations, b.associations)
            return result
        }
    }

    /// What the sums were when somebody cleared them.
    private final class Cleared: Sendable {
        private struct State {
            var total = Sums()
            var users: [UserKey: Sums] = [:]
        }

        private let state = NIOLockedValueBox(State())

        func since(_ status: UserRegistry.Status) -> Sums {
            Sums(status.reading) - state.withLockedValue { $0.users[status.entry.key] ?? Sums() }
        }

        func since(_ traffic: TrafficSnapshot) -> Sums { Sums(traffic) - state.withLockedValue { $0.total } }

        func clear(_ users: [UserRegistry.Status], _ traffic: TrafficSnapshot) {
            let sums = Dictionary(users.map { ($0.entry.key, Sums($0.reading)) }, uniquingKeysWith: { $1 })
            state.withLockedValue { state in
                state.total = Sums(traffic)
                state.users = sums
            }
        }
    }
}
