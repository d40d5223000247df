import SSCommon
import Testing

@testable import sslocal

private func forwarded(_ text: String) throws -> String {
    let parsed = try request(text)
    guard case .absolute(let authority, let path) = parsed.target else { return "" }
    return String(decoding: ForwardedRequest.encode(parsed, authority: authority, path: path, via: "me"), as: UTF8.self)
}

private func answered(
    _ response: String, to line: String = "GET http://a/ HTTP/1.1\r\nHost: a\r\n"
) throws -> (text: String, response: ForwardedResponse) {
    let to = try request(line + "\r\n")
    let head = try #require(try parseHead([latin1(response + "\r\n")], .response)).head
    let forwarded = try ForwardedResponse(
        HTTPResponse(head, toHEAD: to.isMethod("HEAD")), to: to, via: "me", date: "D", mayPersist: true)
    return (String(decoding: forwarded.bytes, as: UTF8.self), forwarded)
}

@Suite struct ForwardedRequestTests {
    @Test("what belongs to the client's hop stays behind, and the target decides the Host")
    func hopByHop() throws {
        let text = try forwarded(
            "GET http://a:8080/x HTTP/1.1\r\nHost: evil\r\nAccept: */*\r\nKeep-Alive: 5\r\nProxy-Connection: keep-alive\r\n"
                + "Proxy-Authorization: Basic x\r\nTE: gzip\r\nUpgrade: x\r\nX-Drop: 1\r\nX-Keep: 2\r\n"
                + "Connection: x-drop, Keep-Alive\r\nVia: 1.0 other\r\nCookie: c=d\r\n\r\n")
        #expect(
            text == "GET /x HTTP/1.1\r\nHost: a:8080\r\nAccept: */*\r\nX-Keep: 2\r\nVia: 1.0 other\r\nCookie: c=d\r\n"
                + "Via: 1.1 me\r\n\r\n")
    }

    @Test("naming Host, lengths or Via in Connection does not remove them")
    func connectionTrick() throws {
        let text = try forwarded(
            "POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nVia: 1.1 x\r\n"
                + "Connection: host, content-length, transfer-encoding, via\r\n\r\n")
        #expect(text == "POST / HTTP/1.1\r\nHost: a\r\nVia: 1.1 x\r\nVia: 1.1 me\r\nContent-Length: 3\r\n\r\n")
    }

    @Test(
        "each duty has its line",
        arguments: [
            (
                "GET http://a:80/ HTTP/1.0\r\nExpect: 100-continue\r\n",
                "Host: a\r\nVia: 1.0 me\r\nConnection: close\r\n"
            ),
            (
                "GET http://a/ HTTP/1.1\r\nHost: a\r\nTE: trailers, x\r\n",
                "Host: a\r\nVia: 1.1 me\r\nTE: trailers\r\nConnection: TE\r\n"
            ),
            (
                "GET http://a/ HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n",
                "Host: a\r\nVia: 1.1 me\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            ),
            (
                "GET http://a/ HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n",
                "Host: a\r\nVia: 1.1 me\r\n"
            ),
            (
                "PUT http://a/ HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n",
                "Host: a\r\nExpect: 100-continue\r\nTrailer: X\r\nVia: 1.1 me\r\nTransfer-Encoding: chunked\r\n"
            ),
            (
                "POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n",
                "Host: a\r\nVia: 1.1 me\r\nContent-Length: 0\r\n"
            ),
            (
                "OPTIONS http://a/ HTTP/1.1\r\nHost: a\r\nMax-Forwards: 3\r\n",
                "Host: a\r\nMax-Forwards: 2\r\nVia: 1.1 me\r\n"
            ),
            (
                "GET http://a/ HTTP/1.1\r\nHost: a\r\nMax-Forwards: 3\r\n",
                "Host: a\r\nMax-Forwards: 3\r\nVia: 1.1 me\r\n"
            ),
            ("GET http://[::1]:81/ HTTP/1.1\r\nHost: a\r\n", "Host: [::1]:81\r\nVia: 1.1 me\r\n"),
        ])
    func duties(head: String, lines: String) throws {
        let text = try forwarded(head + "\r\n")
        #expect(text.split(separator: "\r\n", maxSplits: 1)[1] == "\(lines)\r\n")
    }

    @Test("OPTIONS for a whole server becomes a star")
    func optionsStar() throws {
        #expect(try forwarded("OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n").hasPrefix("OPTIONS * HTTP/1.1\r\n"))
        #expect(try forwarded("OPTIONS http://a/ HTTP/1.1\r\nHost: a\r\n\r\n").hasPrefix("OPTIONS / HTTP/1.1\r\n"))
    }

    @Test("a method nobody has heard of passes")
    func anyMethod() throws {
        #expect(try forwarded("BREW! http://a/pot HTTP/1.1\r\nHost: a\r\n\r\n").hasPrefix("BREW! /pot HTTP/1.1\r\n"))
    }
}

@Suite struct ForwardedResponseTests {
    @Test("what belongs to the origin's hop stays behind")
    func hopByHop() throws {
        let (text, response) = try answered(
            "HTTP/1.1 200 Very OK\r\nDate: then\r\nConnection: x-drop, content-length\r\nKeep-Alive: 5\r\nX-Drop: 1\r\n"
                + "Proxy-Authenticate: Basic\r\nSet-Cookie: a=b\r\nContent-Length: 3\r\nUpgrade: h2c\r\n")
        #expect(
            text == "HTTP/1.1 200 Very OK\r\nDate: then\r\nSet-Cookie: a=b\r\nVia: 1.1 me\r\nContent-Length: 3\r\n\r\n")
        #expect(response.persists)
    }

    @Test(
        "the body is framed for the client's version",
        arguments: [
            ("Transfer-Encoding: chunked\r\n", 1, .chunked, true, "Transfer-Encoding: chunked\r\n"),
            (
                "Transfer-Encoding: chunked\r\nTrailer: X\r\n", 1, .chunked, true,
                "Trailer: X\r\nTransfer-Encoding: chunked\r\n"
            ),
            ("Transfer-Encoding: chunked\r\n", 0, .untilClose, false, "Connection: close\r\n"),
            (
                "Transfer-Encoding: chunked\r\nContent-Length: 7\r\n", 1, .chunked, true,
                "Transfer-Encoding: chunked\r\n"
            ),
            ("Transfer-Encoding: gzip\r\n", 1, .untilClose, false, "Transfer-Encoding: gzip\r\nConnection: close\r\n"),
            ("", 1, .untilClose, false, "Connection: close\r\n"),
            ("Content-Length: 4, 4\r\n", 1, .counted, true, "Content-Length: 4\r\n"),
            ("Content-Length: 4\r\n", 0, .counted, true, "Content-Length: 4\r\nConnection: keep-alive\r\n"),
            ("Content-Length: 0\r\n", 1, .none, true, "Content-Length: 0\r\n"),
        ] as [(String, Int, ForwardedResponse.Body, Bool, String)])
    func framing(fields: String, minor: Int, body: ForwardedResponse.Body, persists: Bool, lines: String) throws {
        let (text, response) = try answered(
            "HTTP/1.1 200 OK\r\n" + fields, to: "GET http://a/ HTTP/1.\(minor)\r\nHost: a\r\nConnection: keep-alive\r\n"
        )
        #expect(text == "HTTP/1.1 200 OK\r\nVia: 1.1 me\r\nDate: D\r\n\(lines)\r\n")
        #expect(response.body == body)
        #expect(response.persists == persists)
    }

    @Test(
        "responses without a body keep the connection in step",
        arguments: [
            ("HEAD", 200, "Content-Length: 9\r\n", "Content-Length: 9\r\n"),
            ("HEAD", 200, "Transfer-Encoding: chunked\r\n", ""), ("GET", 204, "Content-Length: 9\r\n", ""),
            ("GET", 304, "Content-Length: 9\r\n", "Content-Length: 9\r\n"), ("GET", 304, "", ""),
        ])
    func bodiless(method: String, status: Int, fields: String, lines: String) throws {
        let (text, response) = try answered(
            "HTTP/1.1 \(status) x\r\n" + fields, to: "\(method) http://a/ HTTP/1.1\r\nHost: a\r\n")
        #expect(text == "HTTP/1.1 \(status) x\r\nVia: 1.1 me\r\nDate: D\r\n\(lines)\r\n")
        #expect(response.body == .none)
        #expect(response.persists)
    }

    @Test(
        "whether the origin's connection may be used again",
        arguments: [
            ("HTTP/1.1", "Content-Length: 1\r\n", true), ("HTTP/1.1", "Transfer-Encoding: chunked\r\n", true),
            ("HTTP/1.1", "Content-Length: 1\r\nConnection: close\r\n", false),
            ("HTTP/1.0", "Content-Length: 1\r\n", false),
            ("HTTP/1.0", "Content-Length: 1\r\nConnection: keep-alive\r\n", true), ("HTTP/1.1", "", false),
            ("HTTP/1.1", "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n", false),
            ("HTTP/1.0", "Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n", false),
            ("HTTP/1.1", "Transfer-Encoding: x\r\n", false),
        ])
    func reuse(version: String, fields: String, usable: Bool) throws {
        let head = try #require(try parseHead([latin1("\(version) 200 OK\r\n\(fields)\r\n")], .response)).head
        #expect(try HTTPResponse(head, toHEAD: false).leavesConnectionUsable == usable)
    }

    @Test(
        "lengths that contradict each other are refused", arguments: ["1\r\nContent-Length: 2", "1, 2", "x", "-1", ""])
    func lengths(value: String) throws {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: \(value)\r\n\r\n"
        let head = try #require(try parseHead([latin1(text)], .response)).head
        #expect(throws: HTTPFault.self) { try HTTPResponse(head, toHEAD: false) }
    }

    @Test("trailers pass, but not the ones that mean something to framing or routing")
    func trailers() throws {
        let text = "X-Sum: 1\r\nContent-Length: 3\r\nHost: b\r\nTransfer-Encoding: chunked\r\nConnection: x\r\n\r\n"
        let head = try #require(try parseHead([latin1(text)], .trailers)).head
        #expect(HTTPTrailers.lastChunk(head) == latin1("0\r\nX-Sum: 1\r\n\r\n"))
        #expect(HTTPTrailers.lastChunk(nil) == latin1("0\r\n\r\n"))
    }
}

@Suite struct HTTPDateTests {
    @Test(
        "seconds become an IMF-fixdate",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (-5, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (1_798_761_599, "Thu, 31 Dec 2026 23:59:59 GMT"),
        ] as [(Int64, String)])
    func dates(seconds: Int64, text: String) {
        #expect(HTTPDate.text(seconds) == text)
    }
}

@Suite struct PageTests {
    @Test(
        "foreign text is harmless in a page",
        arguments: [
            ("\"><script>", "&quot;&gt;&lt;script&gt;"), ("a&b'c", "a&amp;b&#39;c"), ("%3Cscript", "%3Cscript"),
            ("a\u{202e}b", "a\\u{202e}b"), ("a\u{0}\u{1b}[2J", "a\\u{0}\\u{1b}[2J"),
            ("+ADw-script+AD4-", "+ADw-script+AD4-"),
            ("a\u{2028}b", "a\\u{2028}b"), ("größe", "größe"),
        ])
    func escaping(text: String, escaped: String) {
        #expect(Page.escape(text) == escaped)
    }
}
