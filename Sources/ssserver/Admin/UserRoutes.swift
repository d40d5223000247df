// Users by the admin API. Where a name is used on several ports, `?port=` says which is meant.
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

enum UserRoutes {
    private static let onPort = [AdminDescription.Field("port", "needed where several ports have such a user", .number)]
    private static let limits: [AdminDescription.Field] = [
        .init("quota", "bytes a month", .size, mayBeNull: true),
        .init("rate", "bytes a second", .size, mayBeNull: true),
        .init("streams", "at a time", .number, mayBeNull: true),
        .init("expires", "a day, such as \"2027-01-31\"", mayBeNull: true),
    ]

    static func routes(_ users: UserRegistry) -> AdminRoutes {
        var routes = AdminRoutes()
        routes.on(.get, "/api/v1/users", "All users: limits, what they have used, whether they are served.") { _ in
            AdminResponse(200, .members(["users": .array(await users.list().map(json))]))
        }
        routes.on(.get, "/api/v1/users/:name", AdminDescription("One user.", query: onPort)) {
            request throws(AdminFailure) in
            let found = await users.list(name(request), port: try port(request))
            guard let first = found.first else {
                throw AdminFailure(404, UserFault.noSuchUser(name(request)).description)
            }
            return AdminResponse(200, json(first))
        }
        routes.on(.get, "/api/v1/users/:name/key", AdminDescription("The user's key.", query: onPort)) {
            request throws(AdminFailure) in
            let (port, secret) = try await users.secret(name(request), port: try port(request))
            return AdminResponse(200, key(name(request), port.port, port.method, secret))
        }
        let adding = AdminDescription(
            "Adds a user; the answer has the key.",
            body: [
                .init("name", "1 to 64 characters", isNeeded: true), .init("port", "of several", .number),
                .init("password", "a key; made if it is left out"),
            ] + limits, success: 201)
        routes.on(.post, "/api/v1/users", adding) { request throws(AdminFailure) in
            let body = try request.json()
            try check(body, ["name", "port", "password", "quota", "rate", "streams", "expires"])
            guard let name = body["name"]?.text else { throw AdminFailure(400, "\"name\" is missing") }
            if let password = body["password"], password.text == nil {
                throw AdminFailure(400, "\"password\" must be text")
            }
            var limits = UserLimits()
            try change(&limits, body)
            let added = try await users.add(
                name, port: try port(body["port"]), secret: body["password"]?.text, limits)
            let (port, secret) = try await users.secret(name, port: added.key.port)
            return AdminResponse(201, key(name, port.port, port.method, secret))
        }
        let limiting = AdminDescription("Changes a user's limits; null is no limit.", query: onPort, body: limits)
        routes.on(.patch, "/api/v1/users/:name", limiting) { request throws(AdminFailure) in
            let body = try request.json()
            try check(body, ["quota", "rate", "streams", "expires"])
            var probe = UserLimits()
            try change(&probe, body)
            let key = try await users.limit(name(request), port: try port(request)) { limits in
                // Checked just now.
                try? change(&limits, body)
            }
            guard let now = await users.list(key.name, port: key.port).first else {
                throw AdminFailure(404, UserFault.noSuchUser(key.name).description)
            }
            return AdminResponse(200, json(now))
        }
        let removing = AdminDescription("Removes a user; what they have open ends.", query: onPort, success: 204)
        routes.on(.delete, "/api/v1/users/:name", removing) { request throws(AdminFailure) in
            try await users.remove(name(request), port: try port(request))
            return .done
        }
        return routes
    }

    // MARK: Reading

    private static func name(_ request: AdminRequest) -> String { request.parameters["name"] ?? "" }

    private static func port(_ request: AdminRequest) throws(AdminFailure) -> UInt16? {
        guard let text = request.query["port"] else { return nil }
        guard let port = HostPort.port(text) else { throw AdminFailure(400, "\"port\" is no number from 1 to 65535") }
        return port
    }

    private static func port(_ value: JSONValue?) throws(AdminFailure) -> UInt16? {
        guard let value, !value.isNull else { return nil }
        guard let port = value.integer.flatMap({ UInt16(exactly: $0) }), port > 0 else {
            throw AdminFailure(400, "\"port\" is no number from 1 to 65535")
        }
        return port
    }

    private static func check(_ body: JSONValue, _ known: [String]) throws(AdminFailure) {
        for member in body.members where !known.contains(member.key) {
            let near = NearestName.of(member.key, among: known).map { "; did you mean \"\($0)\"?" } ?? ""
            throw AdminFailure(400, "unknown key \(TerminalText.quote(member.key))\(near)")
        }
    }

    /// What the body says; null is no limit.
    private static func change(_ limits: inout UserLimits, _ body: JSONValue) throws(AdminFailure) {
        if let value = body["quota"] { limits.quota = try size(value, "quota") }
        if let value = body["rate"] { limits.rate = try size(value, "rate") }
        if let value = body["streams"] {
            guard value.isNull || value.integer.map({ (1...1_000_000).contains($0) }) == true else {
                throw AdminFailure(400, "\"streams\" must be a number from 1 to 1000000, or null")
            }
            limits.streams = value.integer
        }
        if let value = body["expires"] {
            limits.expires = value.text.flatMap { CalendarDay($0) }
            guard value.isNull || limits.expires != nil else {
                throw AdminFailure(400, "\"expires\" must be a day such as \"2027-01-31\", or null")
            }
        }
    }

    private static func size(_ value: JSONValue, _ key: String) throws(AdminFailure) -> UInt64? {
        if value.isNull { return nil }
        let size = value.text.flatMap { Quantity.size($0) } ?? value.integer.flatMap { UInt64(exactly: $0) }
        guard let size else {
            throw AdminFailure(400, "\"\(key)\" must be a size such as \"100GiB\" or a number of bytes, or null")
        }
        guard size > 0 else {
            throw AdminFailure(400, "a \"\(key)\" of 0 would let nothing through; \"expires\" or removing says that")
        }
        return size
    }

    // MARK: Writing

    private static func key(_ name: String, _ port: UInt16, _ method: CipherMethod, _ secret: String) -> JSONNode {
        .members([
            "name": .string(name), "port": .number(Int64(port)), "method": .string(method.rawValue),
            "password": .string(secret),
        ])
    }

    private static func json(_ status: UserRegistry.Status) -> JSONNode {
        let limits = status.entry.limits
        return .members([
            "name": .string(status.entry.key.name),
            "port": .number(Int64(status.entry.key.port)),
            "origin": status.entry.origin == .added ? "added" : "configured",
            "state": .string(word(status.refusal)),
            "quota": JSONNode(limits.quota),
            "rate": JSONNode(limits.rate),
            "streams": limits.streams.map { .number(Int64($0)) } ?? .null,
            "expires": JSONNode(limits.expires?.description),
            "month": .string("\(status.usage.month)"),
            "month_bytes_up": .count(status.usage.monthly.up),
            "month_bytes_down": .count(status.usage.monthly.down),
            "bytes_up": .count(status.usage.total.up),
            "bytes_down": .count(status.usage.total.down),
            "streams_open": .number(Int64(status.reading.streams)),
            "associations_open": .number(Int64(status.reading.associations)),
            "last_seen": status.reading.seen == 0 ? .null : .count(status.reading.seen),
        ])
    }

    private static func word(_ refusal: UserAccount.Refusal?) -> String {
        switch refusal {
        case nil: "ok"
        case .quota: "quota used up"
        case .expired: "expired"
        case .removed: "removed"
        case .limit: "ok"
        }
    }
}
