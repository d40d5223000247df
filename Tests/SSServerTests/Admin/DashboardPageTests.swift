import SSCommon
import SSNetwork
import SSServerCore
import Testing

@testable import ssserver

@Suite("The server's page")
struct DashboardPageTests {
    private static let now: UnixSeconds = 1_800_000_000

    private static func page(
        _ bans: Result<BanRoutes.Stored?, StoreFailure> = .success(nil), cache: DashboardPage.Saved? = nil,
        reload: Reloader.Outcome? = nil
    ) -> String {
        var traffic = TrafficSnapshot()
        traffic.streamsOpened = 1_204_018
        traffic.streamsClosed = 1_204_017
        traffic.bytesDown = 5_000_000_000
        return DashboardPage(
            now: now, uptime: 90_000, listeners: [], traffic: traffic, cache: cache, blocked: (118_930, 412),
            bans: bans,
            reload: reload
        ).html
    }

    private static func stored(_ bans: [Ban], count: Int? = nil) -> Result<BanRoutes.Stored?, StoreFailure> {
        .success(.init(bans: bans, count: count ?? bans.count, backend: "nftables"))
    }

    private static func ban(_ prefix: String, since: Int64 = Int64(now) - 10, reason: String = "") throws -> Ban {
        Ban(try BanPrefix(prefix), since: since, until: Int64(now) + 540, count: 2, reason: reason)
    }

    @Test func `figures are words that a person reads`() {
        let page = Self.page()
        #expect(page.contains("Up 1 d 1 h"))
        #expect(page.contains("<dt>Now</dt><dd>1 stream</dd>"))
        #expect(page.contains("1\u{202f}204\u{202f}018 streams"))
        #expect(page.contains("<dd>412 requests</dd><dd class=\"note\">by 118\u{202f}930 rules</dd>"))
        #expect(page.contains("<dt>Cache</dt><dd>off</dd>"))
        #expect(!page.contains("alarm\""))
    }

    @Test func `bans stand in a table, and foreign words stay words`() throws {
        let reason = "</td><script>alert('1')</script>\u{202e}\"&"
        var failed = try Self.ban("2001:db8:1:2::/64", since: Int64(Self.now) - 5)
        failed.offence = .init(bad: 4, total: 5)
        let page = Self.page(Self.stored([failed, try Self.ban("203.0.113.9", reason: reason)]))
        #expect(page.contains("<dt>Bans</dt><dd>2 now</dd><dd class=\"note\">by nftables</dd>"))
        #expect(page.contains("<td>2001:db8:1:2::/64</td>") && page.contains("<td>203.0.113.9</td>"))
        #expect(page.contains("<td class=\"number\">9 min</td><td class=\"number\">2</td><td>4 of 5 failed</td>"))
        #expect(!page.contains("<script") && !page.contains("\u{202e}"))
        #expect(page.contains("&lt;/td&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;\\u{202e}&quot;&amp;"))
    }

    @Test func `of many bans a hundred are shown, and how many there are besides`() throws {
        let bans = try (0..<100).map { try Self.ban("198.51.100.\($0)") }
        let page = Self.page(Self.stored(bans, count: 250))
        #expect(page.contains("<dd>250 now</dd>"))
        #expect(page.components("<td>198.51.100.") == 100)
        #expect(page.contains("And 150 more"))
        #expect(Self.page(Self.stored([])).contains("Nobody is banned."))
    }

    @Test func `what is wrong stands out`() {
        let unread = Self.page(.failure(StoreFailure(description: "/var/lib/a.sqlite: no <permission>")))
        #expect(unread.contains("<div class=\"alarm\"><dt>Bans</dt><dd>unknown</dd>"))
        #expect(unread.contains("/var/lib/a.sqlite: no &lt;permission&gt;"))
        let refused = Self.page(reload: .init(time: Self.now - 120, isGood: false))
        #expect(refused.contains("<div class=\"alarm\"><dt>Configuration</dt><dd>not taken</dd>"))
        #expect(refused.contains("read again 2 min ago"))
        #expect(!Self.page(reload: .init(time: Self.now, isGood: true)).contains("alarm\""))
    }

    @Test func `what the cache has saved today`() {
        var today = CacheTotals()
        today.hits = 31
        today.misses = 69
        today.bytesSaved = 812_000_000
        let overview = HTTPCache.Overview(objects: 41_022, bytes: 0, capacity: 0, evictions: 0, flights: 0)
        let page = Self.page(cache: .init(overview: overview, today: today))
        #expect(page.contains("<dt>Cache, today</dt><dd>812 MB saved</dd>"), "\(page)")
        #expect(page.contains("31 % from here; 41\u{202f}022 objects in memory"))
        #expect(Self.page(cache: .init(overview: overview, today: .init())).contains("nothing asked for"))
    }
}

extension String {
    /// How often `part` is in it.
    fileprivate func components(_ part: String) -> Int {
        var (count, rest) = (0, self[...])
        while let range = rest.firstRange(of: part) {
            count += 1
            rest = rest[range.upperBound...]
        }
        return count
    }
}
