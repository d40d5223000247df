import SSCommon
import Testing

@testable import SSServerCore

@Suite("What is sent of something that is kept")
struct KeptAnswerTests {
    private static let tagged = ["ETag: \"a\"", "Cache-Control: max-age=600", "Date: \(date())"]
    private static let dated = ["Last-Modified: \(date(-1000))", "Cache-Control: max-age=600", "Date: \(date())"]

    private func kept(
        _ stored: StoredResponse, _ asks: [String], _ line: String = "GET / HTTP/1.1"
    ) throws -> KeptAnswer? {
        KeptAnswer(stored, to: CacheRequest(try question(asks, line)), now: someTime + 5)
    }

    private func status(_ says: [String], _ asks: [String], _ line: String = "GET / HTTP/1.1") throws -> Int? {
        try kept(Exchange(says).stored(), asks, line)?.status
    }

    /// The head that is sent, as it is parsed.
    private func head(
        _ stored: StoredResponse, _ asks: [String] = [], _ line: String = "GET / HTTP/1.1", persists: Bool = true,
        more: String = ""
    ) throws -> (line: String, fields: HTTPHead) {
        let answer = try #require(try kept(stored, asks, line))
        let bytes = answer.head(
            of: stored, to: try question(asks, line), now: someTime + 5, persists: persists, more: Array(more.utf8))
        var parser = HTTPHeadParser(.response)
        let (head, consumed) = try #require(try parser.parse(bytes.span.bytes))
        #expect(consumed == bytes.count)
        return (words(head.bytes[head.startLine]), head)
    }

    private func value(_ head: HTTPHead, _ name: String) -> String? {
        let values = head.values(named: within(name)).map(words)
        #expect(values.count < 2, "\(name) is there \(values.count) times")
        return values.first
    }

    @Test("The whole, with its age, its length and what it came with")
    func whole() throws {
        let stored = try Exchange(Self.tagged + ["X-A: 1", "Age: 7"]).stored()
        #expect(try kept(stored, [])?.content == 0..<100)
        let (line, fields) = try head(stored, more: "Cache-Status: x\r\nVia: 1.1 y\r\n")
        #expect(line == "HTTP/1.1 200 Some Reason")
        #expect(value(fields, "age") == "12" && value(fields, "content-length") == "100")
        #expect(value(fields, "x-a") == "1" && value(fields, "etag") == "\"a\"" && value(fields, "date") == date())
        #expect(value(fields, "cache-status") == "x" && value(fields, "via") == "1.1 y")
        #expect(value(fields, "connection") == nil && value(fields, "content-range") == nil)
    }

    @Test("Connection says what becomes of it, as the client's version needs it said")
    func connection() throws {
        let stored = try Exchange(Self.tagged).stored()
        #expect(value(try head(stored, persists: false).fields, "connection") == "close")
        #expect(value(try head(stored, [], "GET / HTTP/1.0").fields, "connection") == "keep-alive")
        #expect(value(try head(stored, [], "GET / HTTP/1.0", persists: false).fields, "connection") == "close")
    }

    @Test("HEAD gets the head of GET, and no body, whatever Range it has (RFC 9110 9.3.2, 14.2)")
    func headOnly() throws {
        let stored = try Exchange(Self.tagged).stored()
        for asks in [[], ["Range: bytes=0-4"], ["Range: bytes=500-"]] {
            let answer = try #require(try kept(stored, asks, "HEAD / HTTP/1.1"))
            #expect(answer.status == 200 && answer.content.isEmpty)
            #expect(value(try head(stored, asks, "HEAD / HTTP/1.1").fields, "content-length") == "100")
        }
    }

    @Test("Other statuses are sent as they are, 204 without a length", arguments: [204, 301, 404, 410, 503])
    func otherStatuses(status: Int) throws {
        var exchange = Exchange(Self.tagged, status: status)
        exchange.body = status == 204 ? [] : [1, 2, 3]
        let stored = try exchange.stored()
        let (line, fields) = try head(stored, ["Range: bytes=0-1", "If-None-Match: \"a\""])
        #expect(line == "HTTP/1.1 \(status) Some Reason")
        #expect(value(fields, "content-length") == (status == 204 ? nil : "3"))
    }

    // MARK: Conditions

    @Test(
        "If-None-Match compares weakly, any of the list (RFC 9110 13.1.2)",
        arguments: [
            ("\"a\"", "\"a\"", 304), ("\"a\"", "W/\"a\"", 304), ("W/\"a\"", "\"a\"", 304), ("W/\"a\"", "W/\"a\"", 304),
            ("\"a\"", "\"b\"", 200), ("\"a\"", "\"A\"", 200), ("\"a\"", "*", 304), ("\"a\"", " * ", 304),
            ("\"a\"", "\"b\", \"a\"", 304), ("\"a\"", "\"b\",,W/\"a\" , \"c\"", 304),
            ("\"a,b\"", "\"x\", \"a,b\"", 304),
            ("\"a\"", "\"b\", \"c\"", 200), ("\"a\"", "a", 200), ("\"a\"", "\"a", 200), ("\"a\"", "'a'", 200),
            ("\"a\"", "", 200), ("\"a\"", "w/\"a\"", 200), ("\"a\"", "\"x,\"a\"\"", 200),
        ])
    func ifNoneMatch(kept: String, asked: String, expected: Int) throws {
        let says = ["ETag: \(kept)", "Cache-Control: max-age=600"]
        #expect(try status(says, ["If-None-Match: \(asked)"]) == expected)
        #expect(try status(says, ["If-None-Match: \(asked)"], "HEAD / HTTP/1.1") == expected)
    }

    /// RFC 9110 8.8.3: a backslash in an entity tag is a byte as any other.
    @Test(
        "A backslash in an entity tag hides no quote",
        arguments: ["\"x\\\", \"a\"", "\"a\", \"x\\\"", "\"x\\\",\"y\\\",\"a\""])
    func backslash(asked: String) throws {
        #expect(try status(Self.tagged, ["If-None-Match: \(asked)"]) == 304)
    }

    @Test("If-None-Match on several lines is one list, for us or for the origin to judge")
    func ifNoneMatchLines() throws {
        for asks in [
            ["If-None-Match: \"a\"", "If-None-Match: \"b\""], ["If-None-Match: \"b\"", "If-None-Match: \"a\""],
        ] {
            let stored = try Exchange(Self.tagged).stored()
            let request = try question(asks)
            let plan = CachePlan(CacheRequest(request), request.head, kept: [stored], now: someTime + 5)
            if case .serve = plan { #expect(try kept(stored, asks)?.status == 304) }
        }
    }

    @Test("Something without an entity tag matches only the asterisk")
    func noTag() throws {
        #expect(try status(Self.dated, ["If-None-Match: \"a\""]) == 200)
        #expect(try status(Self.dated, ["If-None-Match: *"]) == 304)
    }

    @Test("If-None-Match wins over If-Modified-Since, even where it cannot be read (RFC 9110 13.1.3)")
    func bothConditions() throws {
        let says = Self.tagged + ["Last-Modified: \(date(-1000))"]
        #expect(try status(says, ["If-None-Match: \"b\"", "If-Modified-Since: \(date())"]) == 200)
        #expect(try status(says, ["If-Modified-Since: \(date())", "If-None-Match: \"b\""]) == 200)
        #expect(try status(says, ["If-None-Match: \"a\"", "If-Modified-Since: \(date(-5000))"]) == 304)
        #expect(try status(says, ["If-None-Match: x", "If-Modified-Since: \(date())"]) == 200)
        #expect(try status(Self.dated, ["If-None-Match: \"b\"", "If-Modified-Since: \(date())"]) == 200)
    }

    @Test("If-Modified-Since against Last-Modified; what is no date is ignored")
    func ifModifiedSince() throws {
        #expect(try status(Self.dated, ["If-Modified-Since: \(date(-1000))"]) == 304)
        #expect(try status(Self.dated, ["If-Modified-Since: \(date(-999))"]) == 304)
        #expect(try status(Self.dated, ["If-Modified-Since: \(date(-1001))"]) == 200)
        #expect(try status(Self.dated, ["If-Modified-Since: \(date(5000))"]) == 304)
        for text in ["", "0", "now", date().replacing("GMT", with: "UTC"), "\"\(date())\"", "1800000000"] {
            #expect(try status(Self.dated, ["If-Modified-Since: \(text)"]) == 200)
        }
    }

    @Test(
        "Without Last-Modified, If-Modified-Since is against Date, and without that against when it came (RFC 9111 4.3.2)"
    )
    func ifModifiedSinceDate() throws {
        let says = ["Cache-Control: max-age=600", "Date: \(date(-100))"]
        #expect(try status(says, ["If-Modified-Since: \(date(-100))"]) == 304)
        #expect(try status(says, ["If-Modified-Since: \(date(-101))"]) == 200)
        #expect(try status(["Cache-Control: max-age=600"], ["If-Modified-Since: \(date())"]) == 304)
        #expect(try status(["Cache-Control: max-age=600"], ["If-Modified-Since: \(date(-1))"]) == 200)
    }

    @Test("Conditions are only about 200 (RFC 9110 13.2.1)", arguments: [301, 404, 410])
    func conditionsOfOthers(status: Int) throws {
        let stored = try Exchange(Self.tagged + ["Last-Modified: \(date(-1000))"], status: status).stored()
        #expect(try kept(stored, ["If-None-Match: \"a\""])?.status == status)
        #expect(try kept(stored, ["If-None-Match: *"])?.status == status)
        #expect(try kept(stored, ["If-Modified-Since: \(date())"])?.status == status)
    }

    @Test("304 has what RFC 9110 15.4.5 names and its age, and neither a body nor what describes one")
    func notModified() throws {
        let stored = try Exchange(
            Self.tagged + [
                "Last-Modified: \(date(-1000))", "Expires: \(date(600))", "Vary: X", "Content-Location: /b",
                "Content-Type: text/plain", "Content-Encoding: gzip", "X-A: 1", "Age: 7", "Content-Length: 100",
            ]
        ).stored()
        let answer = try #require(try kept(stored, ["If-None-Match: \"a\""]))
        #expect(answer.content.isEmpty)
        let (line, fields) = try head(stored, ["If-None-Match: \"a\""], more: "Cache-Status: x\r\n")
        #expect(line == "HTTP/1.1 304 Not Modified")
        #expect(value(fields, "etag") == "\"a\"" && value(fields, "date") == date())
        #expect(value(fields, "cache-control") == "max-age=600" && value(fields, "expires") == date(600))
        #expect(value(fields, "vary") == "X" && value(fields, "content-location") == "/b")
        #expect(value(fields, "age") == "12" && value(fields, "cache-status") == "x")
        for name in ["content-type", "content-encoding", "content-length", "content-range", "x-a"] {
            #expect(value(fields, name) == nil)
        }
    }

    // MARK: Parts

    @Test(
        "A part of what is kept (RFC 9110 15.3.7)",
        arguments: [
            ("bytes=0-0", 0..<1), ("bytes=10-19", 10..<20), ("bytes=90-", 90..<100), ("bytes=-1", 99..<100),
            ("bytes=-100", 0..<100), ("bytes=-1000", 0..<100), ("bytes=0-1000", 0..<100), ("Bytes=99-99", 99..<100),
        ])
    func part(range: String, expected: Range<Int>) throws {
        let stored = try Exchange(Self.tagged + ["Content-Type: text/plain"]).stored()
        let answer = try #require(try kept(stored, ["Range: \(range)"]))
        #expect(answer.status == 206 && answer.content == expected)
        let (line, fields) = try head(stored, ["Range: \(range)"])
        #expect(line == "HTTP/1.1 206 Partial Content")
        #expect(value(fields, "content-range") == "bytes \(expected.lowerBound)-\(expected.upperBound - 1)/100")
        #expect(value(fields, "content-length") == "\(expected.count)" && value(fields, "age") == "5")
        #expect(value(fields, "etag") == "\"a\"" && value(fields, "content-type") == "text/plain")
        #expect(value(fields, "date") == date() && value(fields, "cache-control") == "max-age=600")
    }

    @Test(
        "What is not there gets 416 and the length (RFC 9110 15.5.17)",
        arguments: ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=5000-"])
    func unsatisfiable(range: String) throws {
        let stored = try Exchange(Self.tagged).stored()
        #expect(try #require(try kept(stored, ["Range: \(range)"])).content.isEmpty)
        let (line, fields) = try head(stored, ["Range: \(range)"])
        #expect(line.hasPrefix("HTTP/1.1 416 "))
        #expect(value(fields, "content-range") == "bytes */100" && value(fields, "content-length") == "0")
        #expect(value(fields, "etag") == nil || value(fields, "etag") == "\"a\"")
    }

    @Test(
        "Several ranges and what cannot be read get the whole",
        arguments: ["bytes=0-1,5-6", "bytes=0-1, 500-", "bytes=5-1", "items=0-1", "x", "bytes=", ""])
    func wholeInstead(range: String) throws {
        let answer = try #require(try kept(Exchange(Self.tagged).stored(), ["Range: \(range)"]))
        #expect(answer.status == 200 && answer.content == 0..<100)
    }

    @Test("A range to beyond all numbers means to the end or is ignored; either way all bytes come")
    func hugeRange() throws {
        let answer = try #require(
            try kept(Exchange(Self.tagged).stored(), ["Range: bytes=0-99999999999999999999999"]))
        #expect([200, 206].contains(answer.status) && answer.content == 0..<100)
    }

    /// RFC 9110 14.1.2: a suffix of more than 0 bytes can always be had, if only as nothing.
    @Test("The end of something empty is the whole of it")
    func emptyBody() throws {
        var exchange = Exchange(Self.tagged)
        exchange.body = []
        #expect(try kept(exchange.stored(), ["Range: bytes=-5"])?.status == 200)
        #expect(try kept(exchange.stored(), ["Range: bytes=0-"])?.status == 416)
        #expect(try kept(exchange.stored(), [])?.content == 0..<0)
    }

    @Test("Conditions go before ranges (RFC 9110 13.2.2)")
    func conditionFirst() throws {
        #expect(try status(Self.tagged, ["If-None-Match: \"a\"", "Range: bytes=0-1"]) == 304)
        #expect(try status(Self.tagged, ["If-None-Match: \"a\"", "Range: bytes=500-"]) == 304)
        #expect(try status(Self.tagged, ["If-None-Match: \"b\"", "Range: bytes=0-1"]) == 206)
    }

    @Test(
        "If-Range compares strongly; a weak tag never fits (RFC 9110 13.1.5)",
        arguments: [
            ("\"a\"", "\"a\"", 206), ("\"a\"", "\"b\"", 200), ("\"a\"", "W/\"a\"", 200), ("W/\"a\"", "W/\"a\"", 200),
            ("W/\"a\"", "\"a\"", 200), ("\"a\"", "*", 200), ("\"a\"", "", 200), ("\"a\"", "a", 200),
            ("\"a\"", "\"a\", \"b\"", 200),
        ])
    func ifRange(kept: String, asked: String, expected: Int) throws {
        let says = ["ETag: \(kept)", "Cache-Control: max-age=600"]
        #expect(try status(says, ["Range: bytes=0-1", "If-Range: \(asked)"]) == expected)
    }

    @Test("If-Range with a date: exactly the one of Last-Modified")
    func ifRangeDate() throws {
        #expect(try status(Self.dated, ["Range: bytes=0-1", "If-Range: \(date(-1000))"]) == 206)
        #expect(try status(Self.dated, ["Range: bytes=0-1", "If-Range: \(date(-999))"]) == 200)
        #expect(try status(Self.dated, ["Range: bytes=0-1", "If-Range: \(date(-1001))"]) == 200)
        #expect(try status(Self.tagged, ["Range: bytes=0-1", "If-Range: \(date())"]) == 200)
        #expect(try status(Self.tagged, ["Range: bytes=500-", "If-Range: \"b\""]) == 200)
    }

    /// RFC 9110 8.8.2.2, 13.1.5.
    @Test("A Last-Modified of the second that it was sent in is weak, and fits no If-Range")
    func weakDate() throws {
        let says = ["Last-Modified: \(date())", "Cache-Control: max-age=600", "Date: \(date())"]
        #expect(try status(says, ["Range: bytes=0-1", "If-Range: \(date())"]) == 200)
    }

    @Test("If-Range without Range means nothing")
    func ifRangeAlone() throws {
        #expect(try status(Self.tagged, ["If-Range: \"a\""]) == 200)
    }

    @Test("Of a part that is kept, what lies in it is sent, and nothing else")
    func keptPart() throws {
        let stored = try Exchange(Self.tagged).stored(part: 1000..<1100, length: 5000)
        let answer = try #require(try kept(stored, ["Range: bytes=1010-1019"]))
        #expect(answer.status == 206 && answer.content == 10..<20)
        let (_, fields) = try head(stored, ["Range: bytes=1010-1019"])
        #expect(value(fields, "content-range") == "bytes 1010-1019/5000")
        #expect(try kept(stored, ["Range: bytes=1000-1099"])?.content == 0..<100)
        for range in ["bytes=999-1000", "bytes=1099-1100", "bytes=0-10", "bytes=1000-", "bytes=-5"] {
            #expect(try kept(stored, ["Range: \(range)"]) == nil)
        }
        #expect(try kept(stored, []) == nil)
        #expect(try kept(stored, ["Range: bytes=5000-"])?.status == 416)
        #expect(try kept(stored, ["If-None-Match: \"a\""])?.status == 304)
    }
}
