// GET /: how the server does, on one page without a script. Numbers are those of the API.
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

struct DashboardPage {
    /// Rows of bans.
    static let maximumBans = 100
    /// Seconds until a browser asks again.
    private static let refresh = 10

    struct Saved: Sendable {
        let overview: HTTPCache.Overview
        let today: CacheTotals
    }

    let now: UnixSeconds
    let uptime: UInt64
    let listeners: [EndpointConfiguration]
    let traffic: TrafficSnapshot
    /// Nil where the cache is off.
    let cache: Saved?
    /// How many rules there are, and how many requests they refused.
    let blocked: (rules: Int, refused: UInt64)
    /// Nil where autoban has never run; a text where its bans cannot be read.
    let bans: Result<BanRoutes.Stored?, StoreFailure>
    let reload: Reloader.Outcome?

    static func routes(_ page: @escaping @Sendable () async -> DashboardPage) -> AdminRoutes {
        var routes = AdminRoutes()
        routes.on(.get, "/", "The same for a person with a browser.") { _ in
            AdminResponse(200, "text/html; charset=utf-8", Array(await page().html.utf8))
        }
        return routes
    }

    var html: String {
        var page = Page(title: "ssserver", layout: .board(refresh: Self.refresh))
        page.heading("ssserver \(ProductVersion.current)")
        page.paragraph(
            "Up \(TimeText.span(uptime)), listening on "
                + listeners.map { "\($0.address) (\($0.method.rawValue), \($0.mode.rawValue))" }.joined(separator: ", ")
        )
        page.cards([nowCard, trafficCard, cacheCard, bansCard, blockedCard] + alarms)
        addBans(to: &page)
        addEnds(to: &page)
        page.small("Sums are since the server started. This page asks again every \(Self.refresh) seconds.")
        return page.html
    }

    // MARK: Cards

    private var nowCard: Page.Card {
        Page.Card(
            "Now", Self.count(traffic.streamsOpen, "stream"), Self.count(traffic.associationsOpen, "UDP association"))
    }

    private var trafficCard: Page.Card {
        Page.Card(
            "Carried", "↓ \(LiveLine.bytes(traffic.bytesDown))",
            "↑ \(LiveLine.bytes(traffic.bytesUp)), \(Self.count(traffic.streamsOpened, "stream"))")
    }

    private var cacheCard: Page.Card {
        guard let cache else { return Page.Card("Cache", "off", "cache.enabled switches it on") }
        let asked = cache.today.hits + cache.today.stale + cache.today.misses
        let share = asked == 0 ? "nothing asked for" : "\(cache.today.hits * 100 / asked) % from here"
        return Page.Card(
            "Cache, today", "\(LiveLine.bytes(cache.today.bytesSaved)) saved",
            "\(share); \(Self.count(UInt64(cache.overview.objects), "object")) in memory")
    }

    private var bansCard: Page.Card {
        switch bans {
        case .failure(let failure): Page.Card("Bans", "unknown", "\(failure)", isAlarming: true)
        case .success(nil): Page.Card("Bans", "none", "ssserver autoban has not run with this state directory")
        case .success(.some(let stored)):
            Page.Card("Bans", "\(stored.count) now", stored.backend.map { "by \($0)" } ?? "")
        }
    }

    private var blockedCard: Page.Card {
        Page.Card(
            "Blocked", Self.count(blocked.refused, "request"), "by \(Self.count(UInt64(blocked.rules), "rule"))")
    }

    private var alarms: [Page.Card] {
        guard let reload, !reload.isGood else { return [] }
        let ago = TimeText.span(now - min(now, reload.time))
        return [
            Page.Card(
                "Configuration", "not taken", "read again \(ago) ago, and wrong; ssserver check says where",
                isAlarming: true)
        ]
    }

    // MARK: Tables

    private func addBans(to page: inout Page) {
        guard case .success(.some(let stored)) = bans else { return }
        page.section("Bans")
        guard !stored.bans.isEmpty else { return page.paragraph("Nobody is banned.") }
        page.table(
            ["Address", "Left", "Times", "Why"], numbers: ["Left", "Times"],
            stored.bans.map { ban in
                let offence = ban.offence.map { (Int(clamping: $0.bad), Int(clamping: $0.total)) }
                return [
                    "\(ban.prefix)", BanText.time(Int(clamping: ban.left(Int64(clamping: now)))), "\(ban.count)",
                    BanText.cause(offence, ban.reason),
                ]
            })
        if stored.count > stored.bans.count {
            page.paragraph("And \(stored.count - stored.bans.count) more, which ssserver autoban list shows.")
        }
        page.paragraph("ssserver autoban why ADDRESS says which lines led there, unban ADDRESS ends a ban.")
    }

    private func addEnds(to page: inout Page) {
        let rows = ConnectionStatus.allCases.map { (word: "\($0.word)", count: traffic.count(of: $0)) }
            .filter { $0.count > 0 }
        guard !rows.isEmpty else { return }
        page.section("How connections ended")
        page.table(["Status", "Times"], numbers: ["Times"], rows.map { [$0.word, "\($0.count)"] })
    }

    /// `1 stream`, `18 204 streams`.
    private static func count(_ number: UInt64, _ noun: String) -> String {
        var digits = Array("\(number)")
        for place in stride(from: digits.count - 3, to: 0, by: -3) { digits.insert("\u{202f}", at: place) }
        return String(digits) + " " + noun + (number == 1 ? "" : "s")
    }
}
