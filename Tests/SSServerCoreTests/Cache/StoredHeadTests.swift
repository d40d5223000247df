import SSCommon
import Testing

@testable import SSServerCore

@Suite("The head of what is kept")
struct StoredHeadTests {
    private func head(_ says: [String], status: Int = 200) throws -> StoredHead {
        try Exchange(says, status: status).head()
    }

    /// The head that `fields` of a 304 leave.
    private func updated(_ says: [String], by fields: [String]) throws -> StoredHead {
        let response = try #require(try head(says).updated(by: try answer(fields, status: 304), date: date()))
        return StoredHead(response, dropped: [], date: date())
    }

    @Test("Fields of the hop are not kept, nor those that Connection names (RFC 9111 3.1)")
    func hopByHop() throws {
        let head = try head([
            "Date: \(date())", "Connection: X-Hop, close", "X-Hop: 1", "x-hop: 2", "connection: x-other", "X-Other: 3",
            "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", "TE: trailers", "Trailer: X-T",
            "Transfer-Encoding: chunked", "Upgrade: h2c", "Proxy-Authenticate: Basic", "Proxy-Authentication-Info: x",
            "Proxy-Authorization: x", "X-Kept: a", "Server: b", "x-kept: c", "Via: 1.1 d",
        ])
        #expect(head.names == ["date", "x-kept", "server", "x-kept", "via"])
        #expect(head.all("x-kept") == ["a", "c"])
    }

    @Test("Age and the length are told anew each time, and so not kept")
    func told() throws {
        let head = try head(["Date: \(date())", "Age: 5", "aGe: 6", "Content-Length: 100", "Content-Type: text/plain"])
        #expect(head.names == ["date", "content-type"])
    }

    @Test("A Date is added where there is none (RFC 9110 6.6.1), and left as it is where there is one")
    func dateAdded() throws {
        #expect(try head(["X: 1"]).all("date") == [date()])
        #expect(try head(["X: 1", "date: \(date(-50))"]).all("date") == [date(-50)])
        #expect(try head(["Connection: date", "Date: \(date(-50))"]).all("date") == [date()])
    }

    @Test("Fields that private and no-cache name are not kept (RFC 9111 5.2.2.4, 5.2.2.7)")
    func scoped() throws {
        let head = try head([
            "Cache-Control: max-age=5, private=\"X-A, x-b\", no-cache=\"X-C\"", "Date: \(date())", "x-a: 1", "X-B: 2",
            "X-C: 3", "X-D: 4",
        ])
        #expect(head.names == ["cache-control", "date", "x-d"])
    }

    @Test("Status, reason and bytes that are no ASCII stay as they were")
    func verbatim() throws {
        let head = try head(["X-A:  \u{e9}, \"b\\\"\"\t", "Empty:", "Date: \(date())"], status: 404)
        #expect(head.status == 404 && words(head.reason) == "Some Reason")
        #expect(head.all("x-a") == ["\u{e9}, \"b\\\"\""] && head.all("empty") == [""])
        #expect(words(head.lines) == "X-A: \u{e9}, \"b\\\"\"\r\nEmpty: \r\nDate: \(date())\r\n")
    }

    @Test("A field is found by its name in any case, the first of several")
    func lookup() throws {
        let head = try head(["X-A: 1", "x-a: 2", "ETag: W/\"e\"", "Last-Modified: \(date(-5))", "Date: \(date())"])
        #expect(head.value(named: "x-A").map(words) == "1")
        #expect(head.value(named: "x") == nil)
        #expect(head.etag?.isWeak == true)
        #expect(head.date(named: "last-modified", now: someTime) == Int64(someTime) - 5)
        #expect(head.date(named: "x-a", now: someTime) == nil)
    }

    @Test("The origin is asked by both validators (RFC 9111 4.3.1), and by none that is none")
    func conditions() throws {
        let both = try head(["ETag: W/\"e\"", "Last-Modified: \(date(-5))"]).conditions
        #expect(words(both) == "If-None-Match: W/\"e\"\r\nIf-Modified-Since: \(date(-5))\r\n")
        #expect(words(try head(["ETag: \"\""]).conditions) == "If-None-Match: \"\"\r\n")
        #expect(words(try head(["last-modified: \(date(-5))"]).conditions) == "If-Modified-Since: \(date(-5))\r\n")
        #expect(try head(["X: 1"]).conditions.isEmpty)
        #expect(try head(["ETag: e"]).conditions.isEmpty)
    }

    @Test("A 304 puts its fields in place of those of the same name, and leaves the others (RFC 9111 3.2)")
    func notModified() throws {
        let head = try updated(
            ["Date: \(date(-100))", "Cache-Control: max-age=5", "X-A: 1", "x-a: 2", "X-B: 3", "ETag: \"old\""],
            by: ["date: \(date())", "CACHE-CONTROL: max-age=60", "X-A: new", "X-C: 4", "X-C: 5", "ETag: \"new\""])
        #expect(head.status == 200 && words(head.reason) == "Some Reason")
        #expect(head.all("date") == [date()] && head.all("cache-control") == ["max-age=60"])
        #expect(head.all("x-a") == ["new"] && head.all("x-b") == ["3"] && head.all("x-c") == ["4", "5"])
        #expect(head.all("etag") == ["\"new\""])
    }

    @Test(
        "What describes the body that is kept is not changed by a 304 (RFC 9111 3.2)",
        arguments: ["Content-Encoding", "Content-Type", "Content-Range", "content-encoding"])
    func bodyFields(name: String) throws {
        #expect(try updated(["\(name): old"], by: ["\(name): new"]).all(name) == ["old"])
        #expect(try updated(["X: 1"], by: ["\(name): new"]).all(name) == [])
    }

    @Test("The length that a 304 says is not kept")
    func length() throws {
        let response = try #require(
            try head(["X: 1"]).updated(by: try answer(["Content-Length: 7", "X: 2"], status: 304), date: date()))
        #expect(response.head.values(.contentLength).isEmpty && response.framing == .none)
        #expect(words(try #require(response.head.value(named: "x"))) == "2")
    }

    @Test("Fields of the hop of a 304 change nothing")
    func notModifiedHopByHop() throws {
        let head = try updated(
            ["X-A: 1", "X-B: 1"], by: ["Connection: X-A, keep-alive", "X-A: 2", "Keep-Alive: timeout=5", "X-B: 2"])
        #expect(head.all("x-a") == ["1"] && head.all("x-b") == ["2"])
        #expect(head.all("connection") == [] && head.all("keep-alive") == [])
    }

    @Test("What is renewed is as old as the 304 says")
    func renewedAge() throws {
        var exchange = Exchange(["Date: \(date(-5000))", "Cache-Control: max-age=60", "ETag: \"x\""])
        let response = try #require(
            try exchange.head().updated(by: try answer(["Date: \(date())", "Age: 7"], status: 304), date: date()))
        #expect(try exchange.judged(response).get().age(at: someTime + 1) == 8)
        exchange.received = someTime
        let older = try #require(
            try exchange.head().updated(by: try answer(["Date: \(date(-9))"], status: 304), date: date()))
        #expect(try exchange.judged(older).get().age(at: someTime) == 9)
    }

    /// RFC 9110 6.6.1: what comes without a Date is of the time when it comes, and a 304 is no exception.
    @Test("A 304 without a Date makes what it renews as new as itself")
    func notModifiedWithoutDate() throws {
        let exchange = Exchange(["Date: \(date(-5000))", "Cache-Control: max-age=60", "ETag: \"x\""])
        let response = try #require(
            try exchange.head().updated(by: try answer(["ETag: \"x\""], status: 304), date: date()))
        #expect(try exchange.judged(response).get().age(at: someTime) == 0)
    }

    @Test("A hundred fields can be renewed by others")
    func manyFields() throws {
        let old = (0..<95).map { "X-\($0): old" }
        let new = (0..<95).map { "X-\($0): new" }
        let head = try updated(old, by: new)
        #expect(head.all("x-0") == ["new"] && head.all("x-94") == ["new"])
    }
}

@Suite("Entity tags (RFC 9110 8.8.3)")
struct EntityTagTests {
    private func read(_ text: String) -> EntityTag? { EntityTag(within(text)) }

    @Test(
        "Quotes with anything but quotes, spaces and control bytes between them",
        arguments: ["\"\"", "\"a\"", "W/\"\"", "W/\"a\"", "\"a,b;c'\"", "\"\\\"", "\"a\\b\"", "\"\u{e9}\"", "\"!#~\""])
    func valid(text: String) throws {
        let tag = try #require(read(text))
        #expect(tag.isWeak == text.hasPrefix("W/"))
        #expect(words(tag.opaque) == (tag.isWeak ? String(text.dropFirst(2)) : text))
    }

    @Test(
        "Everything else is none",
        arguments: [
            "", "\"", "a", "\"a", "a\"", "w/\"a\"", "W\"a\"", "W/", "W/a", "W/\"", "W/ \"a\"", " \"a\"", "\"a\" ",
            "'a'",
            "\"a b\"", "\"a\"b\"", "\"a\tb\"", "\"\u{0}\"", "\"\u{7f}\"", "*", "\"a\", \"b\"", "W/W/\"a\"",
        ])
    func invalid(text: String) { #expect(read(text) == nil) }

    @Test(
        "Two are the same, weakly or strongly (RFC 9110 8.8.3.2)",
        arguments: [
            ("W/\"1\"", "W/\"1\"", false, true), ("W/\"1\"", "W/\"2\"", false, false),
            ("W/\"1\"", "\"1\"", false, true),
            ("\"1\"", "W/\"1\"", false, true), ("\"1\"", "\"1\"", true, true), ("\"a\"", "\"A\"", false, false),
        ])
    func comparison(a: String, b: String, strongly: Bool, weakly: Bool) throws {
        let (a, b) = (try #require(read(a)), try #require(read(b)))
        #expect(a.matchesStrongly(b) == strongly && a.matchesWeakly(b) == weakly)
    }
}
