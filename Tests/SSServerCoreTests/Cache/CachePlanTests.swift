import SSCommon
import Testing

@testable import SSServerCore

/// What is done, in a word.
private func word(_ plan: CachePlan) -> String {
    switch plan {
    case .serve(_, false, false): "serve"
    case .serve(_, true, false): "serve stale"
    case .serve(_, false, true): "serve, refresh"
    case .serve(_, true, true): "serve stale, refresh"
    case .validate(_, let reason): "validate \(reason.rawValue)"
    case .fetch(let reason): "fetch \(reason.rawValue)"
    case .refuse: "refuse"
    }
}

private func plan(
    _ kept: [StoredResponse], _ asks: [String] = [], after seconds: UInt64 = 0, _ line: String = "GET / HTTP/1.1"
) throws -> CachePlan {
    let request = try question(asks, line)
    return CachePlan(CacheRequest(request), request.head, kept: kept, now: someTime + seconds)
}

@Suite("What a request is answered with (RFC 9111 4)")
struct CachePlanTests {
    /// What is done about an answer that can be asked about.
    private func outcome(
        _ control: String, _ asks: [String] = [], after seconds: UInt64, _ line: String = "GET / HTTP/1.1"
    ) throws -> String {
        let kept = try Exchange(["Date: \(date())", "ETag: \"x\"", "Cache-Control: \(control)"]).stored()
        return try word(plan([kept], asks, after: seconds, line))
    }

    @Test("What is fresh is used, up to the second before it is as old as its lifetime", arguments: ["GET", "HEAD"])
    func fresh(method: String) throws {
        #expect(try outcome("max-age=60", after: 0, "\(method) / HTTP/1.1") == "serve")
        #expect(try outcome("max-age=60", after: 59, "\(method) / HTTP/1.1") == "serve")
        #expect(try outcome("max-age=60", after: 60, "\(method) / HTTP/1.1") == "validate stale")
        #expect(try outcome("max-age=60", after: 1 << 40, "\(method) / HTTP/1.1") == "validate stale")
    }

    @Test("What is stale and has nothing to ask by is fetched")
    func noValidator() throws {
        let kept = try Exchange(["Cache-Control: max-age=60"]).stored()
        #expect(try word(plan([kept], after: 60)) == "fetch stale")
        #expect(try word(plan([kept], after: 0)) == "serve")
    }

    @Test("Nothing kept is a miss of the URI; others only, one of Vary")
    func misses() throws {
        #expect(try word(plan([])) == "fetch uri-miss")
        let kept = try Exchange(["Cache-Control: max-age=60", "Vary: X"], asks: ["X: 1"]).stored()
        #expect(try word(plan([kept], ["X: 2"])) == "fetch vary-miss")
        #expect(try word(plan([kept], ["X: 1"])) == "serve")
    }

    @Test(
        "Only GET and HEAD are answered by the cache",
        arguments: ["POST", "PUT", "OPTIONS", "TRACE", "M-SEARCH", "get"])
    func methods(method: String) throws {
        #expect(try outcome("max-age=60", after: 0, "\(method) / HTTP/1.1") == "fetch method")
    }

    @Test("Of several that match, the latest by Date is used (RFC 9111 4.1)")
    func newest() throws {
        func kept(_ sent: Int64, _ vary: String, _ body: String) throws -> StoredResponse {
            var exchange = Exchange(
                ["Date: \(date(sent))", "Cache-Control: max-age=600", "ETag: \"\(body)\"", "Vary: \(vary)"],
                asks: ["X: 1", "Y: 1"])
            // What came first is not what was sent first.
            exchange.received = someTime - UInt64(300 + sent)
            exchange.asked = exchange.received
            return try exchange.stored()
        }
        let all = try [kept(-30, "X", "a"), kept(-10, "Y", "b"), kept(-20, "X, Y", "c")]
        for order in [all, all.reversed(), [all[1], all[2], all[0]]] {
            guard case .serve(let used, _, _) = try plan(order, ["X: 1", "Y: 1"]) else {
                Issue.record("not served")
                continue
            }
            #expect(used === all[1])
        }
        guard case .serve(let used, _, _) = try plan(all, ["X: 1", "Y: 2"]) else {
            Issue.record("not served")
            return
        }
        #expect(used === all[0])
    }

    @Test("no-cache asks the origin though it is fresh, and so does Pragma where there is no Cache-Control")
    func noCache() throws {
        #expect(try outcome("max-age=60", ["Cache-Control: no-cache"], after: 0) == "validate request")
        #expect(try outcome("max-age=60", ["Cache-Control: No-Cache, max-stale"], after: 90) == "validate request")
        #expect(try outcome("max-age=60", ["Pragma: no-cache"], after: 0) == "validate request")
        #expect(try outcome("max-age=60", ["Pragma: no-cache", "Cache-Control: max-age=50"], after: 0) == "serve")
    }

    @Test(
        "max-age of a request: no older than that (RFC 9111 5.2.1.1)",
        arguments: [
            ("max-age=10", 10, "serve"), ("max-age=10", 11, "validate request"), ("max-age=0", 0, "validate request"),
            ("max-age=0", 1, "validate request"), ("max-age=x", 1, "validate request"), ("max-age=100", 59, "serve"),
            ("max-age=100", 60, "validate stale"), ("max-age=99999999999999999999", 5, "serve"),
        ] as [(String, UInt64, String)])
    func requestMaxAge(control: String, after: UInt64, expected: String) throws {
        #expect(try outcome("max-age=60", ["Cache-Control: \(control)"], after: after) == expected)
    }

    @Test(
        "min-fresh: good for so much longer (RFC 9111 5.2.1.3)",
        arguments: [
            ("min-fresh=10", 50, "serve"), ("min-fresh=10", 51, "validate request"), ("min-fresh=0", 59, "serve"),
            ("min-fresh=61", 0, "validate request"), ("min-fresh=99999999999999999999", 0, "validate request"),
            ("min-fresh=x", 0, "validate request"), ("min-fresh=10", 60, "validate stale"),
        ] as [(String, UInt64, String)])
    func minFresh(control: String, after: UInt64, expected: String) throws {
        #expect(try outcome("max-age=60", ["Cache-Control: \(control)"], after: after) == expected)
    }

    @Test(
        "max-stale: stale by no more than that (RFC 9111 5.2.1.2)",
        arguments: [
            ("max-stale", 1000, "serve stale"), ("max-stale=10", 60, "serve stale"),
            ("max-stale=10", 70, "serve stale"),
            ("max-stale=10", 71, "validate stale"), ("max-stale=0", 61, "validate stale"),
            ("max-stale=x", 61, "validate stale"), ("max-stale=99999999999999999999", 1000, "serve stale"),
            ("max-stale=10", 5, "serve"),
        ] as [(String, UInt64, String)])
    func maxStale(control: String, after: UInt64, expected: String) throws {
        #expect(try outcome("max-age=60", ["Cache-Control: \(control)"], after: after) == expected)
    }

    @Test(
        "What must not be stale is not used stale, whatever the request takes (RFC 9111 4.2.4)",
        arguments: [
            "max-age=60, must-revalidate", "max-age=60, proxy-revalidate", "s-maxage=60", "max-age=60, s-maxage=50",
            "max-age=60, no-cache", "max-age=60, must-revalidate, stale-while-revalidate=1000",
            "s-maxage=60, stale-while-revalidate=1000", "max-age=60, proxy-revalidate, stale-while-revalidate=1000",
        ])
    func neverStale(control: String) throws {
        #expect(try outcome(control, ["Cache-Control: max-stale"], after: 61) == "validate stale")
        #expect(try outcome(control, after: 61) == "validate stale")
    }

    @Test("no-cache of the answer is asked about though it is fresh; with fields it is not")
    func answerNoCache() throws {
        #expect(try outcome("no-cache, max-age=60", after: 0).hasPrefix("validate"))
        #expect(try outcome("no-cache=\"x\", max-age=60", after: 0) == "serve")
    }

    @Test(
        "stale-while-revalidate: used and asked about, within its time only (RFC 5861 3)",
        arguments: [
            ("max-age=60, stale-while-revalidate=30", 59, "serve"),
            ("max-age=60, stale-while-revalidate=30", 60, "serve stale, refresh"),
            ("max-age=60, stale-while-revalidate=30", 89, "serve stale, refresh"),
            ("max-age=60, stale-while-revalidate=30", 91, "validate stale"),
            ("max-age=0, stale-while-revalidate=30", 10, "serve stale, refresh"),
            ("max-age=60, stale-while-revalidate", 61, "validate stale"),
            ("max-age=60, stale-while-revalidate=0", 61, "validate stale"),
            ("max-age=60, stale-while-revalidate=x", 61, "validate stale"),
            ("max-age=60, stale-while-revalidate=99999999999999999999", 5000, "serve stale, refresh"),
            ("max-age=60, stale-if-error=30", 61, "validate stale"),
            ("max-age=60", 60, "validate stale"),
        ] as [(String, UInt64, String)])
    func staleWhileRevalidate(control: String, after: UInt64, expected: String) throws {
        #expect(try outcome(control, after: after) == expected)
    }

    /// RFC 9111 5.2.1.1: unless max-stale is there too, it does not wish to receive a stale response.
    @Test(
        "A request that says max-age or min-fresh takes nothing stale in the meantime",
        arguments: ["max-age=1000", "min-fresh=0"])
    func noStaleForMaxAge(control: String) throws {
        let kept = "max-age=60, stale-while-revalidate=1000"
        #expect(try outcome(kept, ["Cache-Control: \(control)"], after: 61) == "validate stale")
    }

    @Test("max-age with max-stale takes what is stale")
    func maxAgeWithMaxStale() throws {
        #expect(try outcome("max-age=60", ["Cache-Control: max-age=1000, max-stale=10"], after: 65) == "serve stale")
    }

    @Test("only-if-cached: what is kept and good, or nothing (RFC 9111 5.2.1.7)")
    func onlyIfCached() throws {
        let only = ["Cache-Control: only-if-cached"]
        #expect(try word(plan([], only)) == "refuse")
        #expect(try outcome("max-age=60", only, after: 59) == "serve")
        #expect(try outcome("max-age=60", only, after: 60) == "refuse")
        #expect(try outcome("max-age=60", ["Cache-Control: only-if-cached, max-stale"], after: 60) == "serve stale")
        #expect(try outcome("max-age=60", ["Cache-Control: only-if-cached, no-cache"], after: 0) == "refuse")
        #expect(try outcome("max-age=60", ["Cache-Control: only-if-cached, max-age=5"], after: 6) == "refuse")
        let kept = try Exchange(["Cache-Control: max-age=60", "Vary: X"], asks: ["X: 1"]).stored()
        #expect(try word(plan([kept], only + ["X: 2"])) == "refuse")
    }

    @Test("Directives that are not known change nothing (RFC 9111 5.2.3)")
    func unknownDirectives() throws {
        #expect(
            try outcome("max-age=60", ["Cache-Control: no-transform, foo=bar, stale-if-error=5"], after: 5) == "serve")
        #expect(try outcome("max-age=60", ["Cache-Control: foo"], after: 60) == "validate stale")
    }

    @Test("What has only a validator is asked about each time")
    func validatorOnly() throws {
        let kept = try Exchange(["ETag: \"x\""]).stored()
        #expect(try word(plan([kept])) == "validate stale")
    }

    @Test("The age that it came with counts")
    func ageOnTheWay() throws {
        let kept = try Exchange(["Date: \(date())", "Age: 50", "Cache-Control: max-age=60", "ETag: \"x\""]).stored()
        #expect(try word(plan([kept], after: 9)) == "serve")
        #expect(try word(plan([kept], after: 10)) == "validate stale")
    }
}

@Suite("What stands in for an origin that fails (RFC 9111 4.2.4, RFC 5861 4)")
struct StaleIfErrorTests {
    private func covers(_ control: String, _ asks: [String] = [], after seconds: UInt64) throws -> Bool {
        let terms = try Exchange(["Date: \(date())", "ETag: \"x\"", "Cache-Control: \(control)"]).terms()
        return terms.mayCover(at: someTime + seconds, CacheRequest(try question(asks)).directives)
    }

    @Test("Within stale-if-error of the answer, and not beyond")
    func window() throws {
        #expect(try covers("max-age=60, stale-if-error=30", after: 10))
        #expect(try covers("max-age=60, stale-if-error=30", after: 60))
        #expect(try covers("max-age=60, stale-if-error=30", after: 90))
        #expect(try !covers("max-age=60, stale-if-error=30", after: 91))
        #expect(try !covers("max-age=60, stale-if-error=0", after: 61))
        #expect(try !covers("max-age=60, stale-if-error=x", after: 61))
    }

    @Test("A request may take it for longer")
    func requested() throws {
        #expect(try covers("max-age=60, stale-if-error=30", ["Cache-Control: stale-if-error=100"], after: 160))
        #expect(try !covers("max-age=60, stale-if-error=30", ["Cache-Control: stale-if-error=100"], after: 161))
    }

    @Test("An answer that does not say covers for a day")
    func unsaid() throws {
        #expect(try covers("max-age=60", after: 60 + 86_400))
        #expect(try !covers("max-age=60", after: 61 + 86_400))
    }

    @Test(
        "What must not be stale covers for nothing",
        arguments: ["must-revalidate", "proxy-revalidate", "s-maxage=60", "no-cache"])
    func forbidden(directive: String) throws {
        #expect(
            try !covers(
                "max-age=60, stale-if-error=100, \(directive)", ["Cache-Control: stale-if-error=100"], after: 61))
    }

    @Test("A request that wants it anew, or no older than this, gets nothing in its place")
    func unwanted() throws {
        let kept = "max-age=60, stale-if-error=100"
        #expect(try !covers(kept, ["Cache-Control: no-cache"], after: 61))
        #expect(try !covers(kept, ["Pragma: no-cache"], after: 61))
        #expect(try !covers(kept, ["Cache-Control: max-age=60"], after: 61))
        #expect(try covers(kept, ["Cache-Control: max-stale"], after: 61))
    }
}
