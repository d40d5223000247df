// The cache by the admin API: what it holds and has saved, why something is kept or not, and forgetting.
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

enum CacheRoutes {
    private static let path = "/api/v1/cache"
    /// Of one answer.
    private static let maximumShown = 100

    static func routes(_ cache: HTTPCache?, _ books: CacheBooks?) -> AdminRoutes {
        var routes = AdminRoutes()
        routes.on(.get, path, "What the cache holds, and what it has saved.") { _ in
            guard let cache, let books else { return AdminResponse(200, .members(["enabled": .bool(false)])) }
            return AdminResponse(200, overview(cache, await books.totals()))
        }
        let asking = AdminDescription(
            "Whether a URL is kept, until when, and by which clause; or why not.",
            query: [.init("url", "http://host[:port]/path, or a pattern with stars", isNeeded: true)])
        routes.on(.get, path + "/why", asking) { request throws(AdminFailure) in
            let cache = try running(cache)
            let pattern = try pattern(request.query["url"], "url")
            // What is on disk alone is looked for where it is one URL.
            if let key = pattern.key, let disk = cache.disk {
                let generation = cache.generation
                cache.adopt(await disk.find(key), since: generation)
            }
            return AdminResponse(200, why(cache, pattern))
        }
        let purging = AdminDescription(
            "Forgets what fits a pattern.",
            query: [.init("pattern", "a host, or host[:port]/path with stars for anything", isNeeded: true)])
        routes.on(.delete, path, purging) { request throws(AdminFailure) in
            let cache = try running(cache)
            let pattern = try pattern(request.query["pattern"], "pattern")
            return AdminResponse(
                200, .members(["purged": .number(Int64(await cache.purge(where: { pattern.matches($0) })))]))
        }
        return routes
    }

    private static func running(_ cache: HTTPCache?) throws(AdminFailure) -> HTTPCache {
        guard let cache else { throw AdminFailure(409, "the cache is switched off (cache.enabled)") }
        return cache
    }

    private static func pattern(_ text: String?, _ name: String) throws(AdminFailure) -> CachePattern {
        guard let text else { throw AdminFailure(400, "\"\(name)\" is missing") }
        guard let pattern = CachePattern(text) else {
            throw AdminFailure(400, "\(TerminalText.quote(text)) is no http:// address and no pattern of one")
        }
        return pattern
    }

    private static func overview(
        _ cache: HTTPCache, _ totals: (now: CacheTotals, today: CacheTotals, all: CacheTotals)
    ) -> JSONNode {
        let overview = cache.overview
        let reading = cache.counters.reading
        var members: [JSONNode.Member] = [
            .init(key: "enabled", value: .bool(true)),
            .init(key: "objects", value: .number(Int64(overview.objects))),
            .init(key: "bytes", value: .number(Int64(overview.bytes))),
            .init(key: "capacity", value: .number(Int64(overview.capacity))),
            .init(key: "evictions", value: .count(overview.evictions)),
            .init(key: "fetching", value: .number(Int64(overview.flights))),
            .init(key: "bytes_fetched", value: .count(reading.bytesFetched)),
        ]
        if let disk = cache.disk?.overview {
            let node = JSONNode.members([
                "objects": .number(Int64(disk.objects)), "bytes": .number(Int64(disk.bytes)),
                "capacity": .number(Int64(disk.capacity)), "failures": .count(disk.failures),
                "ready": .bool(disk.isComplete),
            ])
            members.append(.init(key: "disk", value: node))
        }
        for event in CacheCounters.Event.allCases {
            members.append(.init(key: event.word, value: .count(reading[event])))
        }
        let saved = JSONNode.members([
            "now": sums(totals.now), "today": sums(totals.today), "all": sums(totals.all),
        ])
        members.append(.init(key: "saved", value: saved))
        return .object(members)
    }

    private static func sums(_ totals: CacheTotals) -> JSONNode {
        .members([
            "hits": .count(totals.hits), "misses": .count(totals.misses), "stale": .count(totals.stale),
            "collapsed": .count(totals.collapsed), "bytes": .count(totals.bytesSaved),
            "milliseconds": .count(totals.millisecondsSaved),
        ])
    }

    private static func why(_ cache: HTTPCache, _ pattern: CachePattern) -> JSONNode {
        let known = cache.known(where: pattern.matches).sorted { $0.key.bytes.lexicographicallyPrecedes($1.key.bytes) }
        let now = WallClock.now()
        return .members([
            "count": .number(Int64(known.count)),
            "known": .array(
                known.prefix(maximumShown).map { key, kept, refused in
                    .members([
                        "key": .string(key.text), "refused": JSONNode(refused?.rawValue),
                        "kept": .array(kept.map { one($0, now) }),
                    ])
                }),
        ])
    }

    private static func one(_ stored: StoredResponse, _ now: UnixSeconds) -> JSONNode {
        let age = stored.terms.age(at: now)
        let isFresh = stored.terms.lifetime > age && !stored.terms.mustAsk
        return .members([
            "status": .number(Int64(stored.head.status)), "bytes": .count(stored.length),
            "memory": .number(Int64(stored.byteCount)), "age": .count(age), "lifetime": .count(stored.terms.lifetime),
            "fresh": .bool(isFresh), "reason": .string(stored.terms.mustAsk ? mustAsk : stored.terms.reason),
            "can_be_renewed": .bool(!stored.head.conditions.isEmpty),
            "must_not_be_stale": .bool(stored.terms.mustNotBeStale),
            "varies_in": .array(
                (stored.variant?.names ?? []).map { .string(String(decoding: $0, as: UTF8.self)) }),
            "saves_milliseconds": .number(Int64(stored.cost)),
        ])
    }

    private static let mustAsk = "no-cache: the origin is asked each time (RFC 9111 section 5.2.2.4)"
}
