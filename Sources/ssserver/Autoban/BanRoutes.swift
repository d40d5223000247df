// Bans by the API on autoban's own socket; the server shows the same of what is stored.
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

enum BanRoutes {
    static let path = "/api/v1/bans"
    /// A slash in a prefix is percent-encoded.
    private static let one = "/api/v1/bans/:address"
    /// Characters of a reason.
    private static let longestReason = 200
    static func routes(_ keeper: BanKeeper) -> AdminRoutes {
        var routes = AdminRoutes()
        routes.on(.get, "/api/v1/status", "What autoban does.") { _ in
            AdminResponse(200, BanDocument.status(keeper.overview(now: WallClock.raw()), now: WallClock.raw()))
        }
        routes.on(.get, path, "All bans in force.") { _ in
            let now = WallClock.raw()
            let overview = keeper.overview(now: now)
            return AdminResponse(200, BanDocument.list(overview.bans, backend: overview.backend, now: now))
        }
        routes.on(.get, one, "Why an address is banned, or is not.") { request throws(AdminFailure) in
            let prefix = try prefix(request.parameters["address"])
            let now = WallClock.raw()
            return AdminResponse(200, BanDocument.reasons(keeper.reasons(prefix, now: now), prefix, now: now))
        }
        let adding = AdminDescription(
            "Bans an address.",
            body: [
                .init("address", "an address, an IPv4 network up to /24, an IPv6 one up to /48", isNeeded: true),
                .init("time", "such as 10m; as long as its next ban would be if it is left out"),
                .init("reason", "for whoever asks why"),
            ], success: 201)
        routes.on(.post, path, adding) { request throws(AdminFailure) in
            let body = try request.json()
            for member in body.members where !["address", "time", "reason"].contains(member.key) {
                throw AdminFailure(400, "unknown key \(TerminalText.quote(member.key))")
            }
            let prefix = try prefix(body["address"]?.text)
            let reason = String((body["reason"]?.text ?? "").prefix(longestReason))
            let seconds = try seconds(body["time"])
            return try answer { () throws(BanKeeper.OrderFault) in
                let now = WallClock.raw()
                let ban = try keeper.order(prefix, seconds: seconds, reason: reason, now: now)
                return AdminResponse(201, BanDocument.ban(ban, now: now))
            }
        }
        routes.on(.delete, path, "Ends all bans.") { _ throws(AdminFailure) in
            try answer { () throws(BanKeeper.OrderFault) in
                AdminResponse(200, .members(["ended": .number(Int64(try keeper.liftAll(now: WallClock.raw())))]))
            }
        }
        routes.on(.delete, one, AdminDescription("Ends a ban.", success: 204)) { request throws(AdminFailure) in
            let prefix = try prefix(request.parameters["address"])
            return try answer { () throws(BanKeeper.OrderFault) in
                try keeper.lift(prefix, now: WallClock.raw())
                return .done
            }
        }
        routes.on(.get, "/metrics", "Counters, as Prometheus reads them.") { _ in
            let page = BanDocument.metrics(keeper.overview(now: WallClock.raw()))
            return AdminResponse(200, "text/plain; version=0.0.4; charset=utf-8", Array(page.utf8))
        }
        return routes
    }

    /// Bans in force, and by which firewall.
    struct Stored: Sendable {
        /// Those that began last come first.
        var bans: [Ban]
        /// How many there are.
        var count: Int
        var backend: String?
    }

    /// What autoban has stored in `directory`, so many bans of it; nil where it has never run.
    static func load(
        in directory: String?, now: UnixSeconds, limit: Int = BanBook.maximum
    ) throws(StoreFailure) -> Stored? {
        guard let directory, SmallFile.exists("\(directory)/\(BanStore.file)") else { return nil }
        let store = try BanStore(reading: "\(directory)/\(BanStore.file)")
        return Stored(
            bans: try store.latest(limit, now: now), count: try store.count(now),
            backend: try store.state(BanArchive.backendKey))
    }

    /// What is stored in `directory`, for a server beside which autoban runs.
    static func stored(in directory: String?) -> AdminRoutes {
        var routes = AdminRoutes()
        routes.on(.get, path, "The bans of autoban, where it runs with the same state directory.") {
            _ throws(AdminFailure) in
            let now = WallClock.raw()
            do throws(StoreFailure) {
                let stored = try load(in: directory, now: now)
                return AdminResponse(200, BanDocument.list(stored?.bans ?? [], backend: stored?.backend, now: now))
            } catch {
                throw AdminFailure(503, "the bans that autoban has stored cannot be read: \(error)")
            }
        }
        return routes
    }

    /// How many are banned by what is stored in `directory`; nil where autoban has never run.
    static func count(in directory: String?) -> Int? {
        guard let directory, SmallFile.exists("\(directory)/\(BanStore.file)") else { return nil }
        return try? BanStore(reading: "\(directory)/\(BanStore.file)").count(WallClock.raw())
    }

    // MARK: Reading

    static func prefix(_ text: String?) throws(AdminFailure) -> BanPrefix {
        guard let text else { throw AdminFailure(400, "\"address\" is missing") }
        do throws(BanPrefix.Fault) {
            return try BanPrefix(text)
        } catch {
            throw AdminFailure(400, words(error, text))
        }
    }

    static func words(_ fault: BanPrefix.Fault, _ text: String) -> String {
        switch fault {
        case .unreadable:
            if let range = IPPrefix(containing: text) {
                "\(TerminalText.quote(text)) has bits behind its length; the network is \(range)"
            } else {
                "\(TerminalText.quote(text)) is no address or network"
            }
        case .tooWide:
            "\(TerminalText.quote(text)) is too wide: at most /\(BanPrefix.widestIPv4) of IPv4 and /\(BanPrefix.widestIPv6) of IPv6"
        }
    }

    private static func seconds(_ value: JSONValue?) throws(AdminFailure) -> Int64? {
        guard let value, !value.isNull else { return nil }
        guard let text = value.text ?? value.integer.map({ "\($0)" }), let time = Quantity.time(text),
            (1...BanTerms.most).contains(time.components.seconds)
        else { throw AdminFailure(400, "\"time\" must be a time such as 10m or 12h, from 1s to 3650d") }
        return time.components.seconds
    }

    private static func answer(
        _ body: () throws(BanKeeper.OrderFault) -> AdminResponse
    ) throws(AdminFailure) -> AdminResponse {
        do throws(BanKeeper.OrderFault) {
            return try body()
        } catch {
            throw failure(error)
        }
    }

    static func failure(_ fault: BanKeeper.OrderFault) -> AdminFailure {
        switch fault {
        case .exempt(let reason): AdminFailure(409, "it is never banned: it is \(reason)")
        case .full: AdminFailure(503, "there are \(BanBook.maximum) bans, and room for no more")
        case .notBanned: AdminFailure(404, "it is not banned")
        case .wider(let prefix): AdminFailure(409, "it is banned as part of \(prefix); end that ban")
        case .ending: AdminFailure(503, "autoban is just starting or ending; try again")
        case .firewall(let failure):
            AdminFailure(503, failure.help.map { "\(failure.text); \($0)" } ?? failure.text)
        }
    }
}
