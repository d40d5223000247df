import SSCommon
import Testing

@testable import SSServerCore

@Suite("How long an answer is good")
struct FreshnessTests {
    private typealias Source = StoredTerms.Source

    private func settings(_ change: (inout CacheSettings) -> Void) -> CacheSettings {
        var settings = CacheSettings()
        change(&settings)
        return settings
    }

    /// Of an answer that can be asked about again, so that it is kept in any case.
    private func terms(_ says: [String], asks: [String] = [], _ settings: CacheSettings = CacheSettings()) throws
        -> StoredTerms
    {
        try Exchange(says + ["ETag: \"x\""], asks: asks, settings).terms()
    }

    @Test("What says most exactly how long counts, each before all that come after (RFC 9111 4.2.1)")
    func precedence() throws {
        let settings = settings {
            $0.ttlHeader = Array("x-ttl".utf8)
            $0.defaultTTL = 5
        }
        let ways: [(String, UInt64, StoredTerms.Source)] = [
            ("Cache-Control: s-maxage=10", 10, .sharedMaxAge), ("Cache-Control: max-age=20", 20, .maxAge),
            ("Expires: \(date(30))", 30, .expires), ("X-TTL: 40", 40, .ttlHeader),
            ("Last-Modified: \(date(-500))", 50, .heuristic), ("X-Nothing: 1", 5, .configured),
        ]
        for first in ways.indices {
            for order in [Array(ways[first...]), ways[first...].reversed()] {
                let terms = try Exchange(["Date: \(date())"] + order.map(\.0), settings).terms()
                #expect(terms.lifetime == ways[first].1 && terms.source == ways[first].2, "\(order.map(\.0))")
            }
        }
    }

    @Test("A shorter s-maxage counts before a longer max-age, and 0 before anything")
    func zeroCounts() throws {
        let terms = try terms(["Cache-Control: max-age=100, s-maxage=0", "Expires: \(date(1000))"])
        #expect(terms.lifetime == 0 && terms.source == .sharedMaxAge)
        let other = try self.terms(["Cache-Control: max-age=0", "Expires: \(date(1000))"])
        #expect(other.lifetime == 0 && other.source == .maxAge)
    }

    @Test(
        "Expires that is no date, or there twice, is over already (RFC 9111 5.3)",
        arguments: [
            ["Expires: 0"], ["Expires: -1"], ["Expires:"], ["Expires: never"], ["Expires: 1800003600"],
            ["Expires: \(date(3600).replacing("GMT", with: "UTC"))"],
            ["Expires: \(date(3600).replacing(",", with: ""))"], ["Expires: \(date(3600)), \(date(3600))"],
            ["Expires: \(date(3600))", "Expires: \(date(7200))"], ["Expires: \(date(3600))", "Expires: \(date(3600))"],
            ["Expires: 0", "Expires: \(date(3600))"], ["Expires: \(date())"], ["Expires: \(date(-1))"],
            ["Expires: \"\(date(3600))\""], ["Expires: Thu, 01 Jan 1970 00:00:00 GMT"],
        ])
    func expired(lines: [String]) throws {
        // A guess from Last-Modified must not come in its place.
        let terms = try terms(["Date: \(date())", "Last-Modified: \(date(-86_400))"] + lines)
        #expect(terms.lifetime == 0 && terms.source == .expires)
    }

    @Test(
        "Expires counts from the answer's own Date (RFC 9111 4.2.1)",
        arguments: [(0, 60, 60), (-100, -40, 60), (-100, 60, 160), (500, 560, 60), (500, 60, 0)]
            as [(Int64, Int64, UInt64)])
    func expiresFromDate(sent: Int64, expires: Int64, lifetime: UInt64) throws {
        let terms = try terms(["Date: \(date(sent))", "Expires: \(date(expires))"])
        #expect(terms.lifetime == lifetime)
    }

    @Test(
        "Without a Date, or with one that cannot be read, Expires counts from when it came",
        arguments: [[], ["Date: soon"]])
    func expiresWithoutDate(lines: [String]) throws {
        let terms = try terms(lines + ["Expires: \(date(60))"])
        #expect(terms.lifetime == 60 && terms.age(at: someTime) == 0)
    }

    @Test("Expires in the farthest future is very long, and no overflow")
    func farFuture() throws {
        let terms = try terms(["Date: Thu, 01 Jan 1970 00:00:00 GMT", "Expires: Fri, 31 Dec 9999 23:59:59 GMT"])
        #expect(terms.lifetime > 1 << 31 && terms.age(at: someTime) >= 1_800_000_000)
    }

    @Test(
        "The guess is a tenth of the time since the last change, and a day at most (RFC 9111 4.2.2)",
        arguments: [
            (1000, 100), (9, 0), (864_000, 86_400), (864_009, 86_400), (864_010, 86_400), (1_000_000_000, 86_400),
            (863_990, 86_399),
        ] as [(Int64, UInt64)])
    func heuristic(since: Int64, lifetime: UInt64) throws {
        let terms = try terms(["Date: \(date())", "Last-Modified: \(date(-since))"])
        #expect(terms.lifetime == lifetime)
    }

    @Test("The guess counts from Date, and not from when it came")
    func heuristicFromDate() throws {
        let terms = try terms(["Date: \(date(-500))", "Last-Modified: \(date(-1500))"])
        #expect(terms.lifetime == 100)
    }

    @Test(
        "There is no guess from a Last-Modified that is not before Date, no date, or there twice",
        arguments: [
            ["Last-Modified: \(date())"], ["Last-Modified: \(date(100))"], ["Last-Modified: yesterday"],
            ["Last-Modified: \(date(-1000))", "Last-Modified: \(date(-2000))"], [],
        ])
    func noGuess(lines: [String]) throws {
        #expect(try terms(["Date: \(date())"] + lines).lifetime == 0)
    }

    @Test("There is no guess for what was asked for with a cookie, but what the origin says counts")
    func cookie() throws {
        let modified = ["Date: \(date())", "Last-Modified: \(date(-1000))"]
        #expect(try terms(modified, asks: ["Cookie: a=b"]).lifetime == 0)
        #expect(try terms(modified + ["Cache-Control: max-age=60"], asks: ["Cookie: a=b"]).lifetime == 60)
        #expect(try terms(modified + ["Expires: \(date(60))"], asks: ["Cookie: a=b"]).lifetime == 60)
    }

    @Test(
        "There is a guess only for statuses that allow it (RFC 9110 15.1), and for any with public",
        arguments: 200...599)
    func statuses(status: Int) throws {
        guard status != 304 else { return }
        let modified = ["Date: \(date())", "Last-Modified: \(date(-1000))"]
        let mayGuess = [200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501].contains(status)
        var exchange = Exchange(modified, status: status)
        if mayGuess {
            #expect(try exchange.terms().lifetime == 100)
        } else {
            #expect(try exchange.refusal() == .status)
        }
        exchange.says += ["Cache-Control: public"]
        #expect(try exchange.terms().lifetime == 100)
        exchange.says = ["Cache-Control: max-age=60"]
        #expect(try exchange.terms().lifetime == 60)
    }

    @Test("An owner's lifetime is for what has neither freshness nor validator, by the host or above it")
    func configured() throws {
        var settings = CacheSettings()
        settings.defaultTTL = 7
        settings.hostTTLs = ["example.net": 9]
        let terms = try Exchange(["Date: \(date())"], settings).terms()
        #expect(terms.lifetime == 9 && terms.source == .configured)
        #expect(try self.terms(["Date: \(date())"], settings).lifetime == 0)
        #expect(settings.ttl(of: "www.a.example.net") == 9)
        #expect(settings.ttl(of: "notexample.net") == 7 && settings.ttl(of: "net") == 7 && settings.ttl(of: "") == 7)
    }

    @Test(
        "The owner's field is read as seconds, and not at all if it is none", arguments: ["", "x", "-1", "1.5", "'9'"])
    func ttlHeader(value: String) throws {
        let settings = settings { $0.ttlHeader = Array("x-ttl".utf8) }
        #expect(try terms(["X-TTL: 90"], settings).lifetime == 90)
        #expect(try terms(["X-TTL: \(value)"], settings).lifetime == 0)
    }

    @Test("no-cache must be asked about however long it lasts; with field names it need not (RFC 9111 5.2.2.4)")
    func noCache() throws {
        #expect(try terms(["Cache-Control: no-cache, max-age=60"]).mustAsk)
        #expect(try terms(["Cache-Control: max-age=60, No-Cache"]).mustAsk)
        #expect(try !terms(["Cache-Control: max-age=60, no-cache=\"set-cookie\""]).mustAsk)
        #expect(try !terms(["Cache-Control: max-age=60"]).mustAsk)
    }

    @Test("Pragma of an answer means nothing (RFC 9111 5.4)")
    func pragma() throws {
        let terms = try terms(["Pragma: no-cache", "Cache-Control: max-age=60"])
        #expect(!terms.mustAsk && terms.lifetime == 60)
    }

    @Test(
        "must-revalidate, proxy-revalidate and s-maxage forbid what is stale (RFC 9111 4.2.4, 5.2.2.10)",
        arguments: [
            ("must-revalidate", true), ("proxy-revalidate", true), ("s-maxage=60", true), ("no-cache", true),
            ("public", false), ("stale-if-error=60", false), ("must-understand", false),
        ])
    func mustNotBeStale(directive: String, forbids: Bool) throws {
        #expect(try terms(["Cache-Control: max-age=60, \(directive)"]).mustNotBeStale == forbids)
    }

    @Test("The times of RFC 5861")
    func staleTimes() throws {
        let terms = try terms(["Cache-Control: max-age=60, stale-while-revalidate=30, stale-if-error=40"])
        #expect(terms.staleWhileRevalidate == 30 && terms.staleIfError == 40)
        #expect(try self.terms(["Cache-Control: max-age=60"]).staleWhileRevalidate == 0)
    }
}

@Suite("Fields for some caches only (RFC 9213)")
struct TargetedFieldTests {
    private func terms(_ says: [String], _ targeted: [String] = ["surrogate-cache-control", "cdn-cache-control"]) throws
        -> StoredTerms
    {
        var settings = CacheSettings()
        settings.targeted = targeted.map { Array($0.utf8) }
        return try Exchange(["Date: \(date())", "ETag: \"x\""] + says, settings).terms()
    }

    @Test("The first that an answer has counts in place of Cache-Control and Expires")
    func precedence() throws {
        let plain = ["Cache-Control: max-age=10, must-revalidate", "Expires: \(date(20))"]
        let both = plain + ["CDN-Cache-Control: max-age=30"]
        let terms = try terms(both)
        #expect(terms.lifetime == 30 && terms.source == .targeted && !terms.mustNotBeStale)
        #expect(try self.terms(both + ["Surrogate-Cache-Control: max-age=40"]).lifetime == 40)
        #expect(try self.terms(plain).lifetime == 10)
    }

    @Test("Where the owner names none, they mean nothing")
    func notNamed() throws {
        #expect(try terms(["Cache-Control: max-age=10", "CDN-Cache-Control: max-age=30"], []).lifetime == 10)
    }

    @Test("Expires and Cache-Control mean nothing even where the targeted field has no lifetime")
    func noLifetime() throws {
        let terms = try terms(["Cache-Control: max-age=10", "Expires: \(date(20))", "CDN-Cache-Control: public"])
        #expect(terms.lifetime == 0 && terms.source == .none)
    }

    @Test(
        "One that is empty, or no dictionary, is as if it was not there (RFC 9213 2.1)",
        arguments: ["", " ", "&&&", "max-age=", "max-age=30,", "\"max-age=30", "max-age=30 max-age"])
    func unreadable(value: String) throws {
        #expect(try terms(["Cache-Control: max-age=10", "CDN-Cache-Control: \(value)"]).lifetime == 10)
    }

    @Test("Of two of the same the last counts, and parameters do not (RFC 9213 2.1)")
    func dictionary() throws {
        #expect(try terms(["CDN-Cache-Control: max-age=60, max-age=30"]).lifetime == 30)
        #expect(try terms(["CDN-Cache-Control: max-age=30, max-age=60"]).lifetime == 60)
        #expect(try terms(["CDN-Cache-Control: max-age=60;x=1"]).lifetime == 60)
    }

    @Test("no-store and private of a targeted field count, and those of Cache-Control then do not")
    func storing() throws {
        var settings = CacheSettings()
        settings.targeted = [Array("cdn-cache-control".utf8)]
        #expect(
            try Exchange(["CDN-Cache-Control: no-store", "Cache-Control: max-age=60"], settings).refusal() == .noStore)
        #expect(
            try Exchange(["CDN-Cache-Control: private", "Cache-Control: max-age=60"], settings).refusal() == .isPrivate)
        #expect(try Exchange(["CDN-Cache-Control: max-age=60", "Cache-Control: no-store"], settings).refusal() == nil)
    }
}
