import SSCommon
import Testing

@testable import sslocal

/// The request in `text`, which is a whole head.
func request(_ text: String) throws -> HTTPRequest {
    try HTTPRequest(try #require(try parseHead([latin1(text)])).head)
}

/// Requests that must not reach any origin, and the fault each has. `{body}` cases carry their body.
let malformedRequests: [(String, HTTPFault)] = [
    ("GET http://a/ HTTP/1.1\r\n\r\n", .hostMissing),
    ("GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", .hostRepeated),
    ("GET http://a/ HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", .hostRepeated),
    ("GET http://a/ HTTP/1.1\r\nHost: a b\r\n\r\n", .hostInvalid),
    ("GET http://a/ HTTP/1.1\r\nHost: a/b\r\n\r\n", .hostInvalid),
    ("GET http://a/ HTTP/1.1\r\nHost: a:b\r\n\r\n", .hostInvalid),
    ("GET http://a/ HTTP/1.1\r\nHost: a:65536\r\n\r\n", .hostInvalid),
    ("GET http://a/ HTTP/1.1\r\nHost: u@a\r\n\r\n", .hostInvalid),
    ("GET http://a/ HTTP/1.1\r\nHost: a, b\r\n\r\n", .hostInvalid),
    ("GET http://a/ HTTP/1.1\r\nHost:\r\n\r\n", .hostInvalid),
    ("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", .userinfo),
    ("GET http://u:p@a/ HTTP/1.1\r\nHost: a\r\n\r\n", .userinfo),
    ("GET http://a/#f HTTP/1.1\r\nHost: a\r\n\r\n", .fragment),
    ("GET http://a#f HTTP/1.1\r\nHost: a\r\n\r\n", .fragment),
    ("GET http:/// HTTP/1.1\r\nHost: a\r\n\r\n", .badAuthority),
    ("GET http://a%00b/ HTTP/1.1\r\nHost: a\r\n\r\n", .badAuthority),
    ("GET http://a\\b/ HTTP/1.1\r\nHost: a\r\n\r\n", .badAuthority),
    ("GET http://a:0/ HTTP/1.1\r\nHost: a\r\n\r\n", .badAuthority),
    ("GET http://a:99999/ HTTP/1.1\r\nHost: a\r\n\r\n", .badAuthority),
    ("GET http://a:+80/ HTTP/1.1\r\nHost: a\r\n\r\n", .badAuthority),
    ("GET http://[::1/ HTTP/1.1\r\nHost: a\r\n\r\n", .badAuthority),
    ("GET http://[fe80::1%25eth0]/ HTTP/1.1\r\nHost: a\r\n\r\n", .badAuthority),
    ("GET http://::1/ HTTP/1.1\r\nHost: a\r\n\r\n", .badAuthority),
    ("GET a/b HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
    ("GET http:/a HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
    ("GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n", .schemeUnsupported),
    ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", .schemeUnsupported),
    ("CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n", .badAuthority),
    ("CONNECT a: HTTP/1.1\r\nHost: a\r\n\r\n", .badAuthority),
    ("CONNECT a:0 HTTP/1.1\r\nHost: a\r\n\r\n", .badAuthority),
    ("CONNECT a:80/x HTTP/1.1\r\nHost: a\r\n\r\n", .badAuthority),
    ("CONNECT http://a:80 HTTP/1.1\r\nHost: a\r\n\r\n", .badAuthority),
    ("CONNECT u@a:80 HTTP/1.1\r\nHost: a\r\n\r\n", .userinfo),
    (
        "POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
        .lengthWithCoding
    ),
    (
        "POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
        .lengthWithCoding
    ),
    ("POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", .lengthConflict),
    ("POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 6\r\n\r\n", .lengthConflict),
    ("POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", .lengthInvalid),
    ("POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", .lengthInvalid),
    ("POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\n", .lengthInvalid),
    ("POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n", .lengthInvalid),
    ("POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5,\r\n\r\n", .lengthInvalid),
    ("POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", .lengthInvalid),
    ("POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\n", .lengthInvalid),
    ("POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n", .lengthInvalid),
    ("POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", .codingNotChunked),
    ("POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n", .codingNotChunked),
    ("POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", .codingNotChunked),
    (
        "POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n",
        .codingNotChunked
    ),
    ("POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;q=1\r\n\r\n", .codingNotChunked),
    ("POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ,chunked\r\n\r\n", .codingNotChunked),
    ("POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n", .codingNotChunked),
    ("POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", .codingNotChunked),
    ("POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", .codingNotChunked),
    ("POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", .codingUnsupported),
    ("POST http://a/ HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", .codingInOldVersion),
    ("OPTIONS http://a/ HTTP/1.1\r\nHost: a\r\nMax-Forwards: x\r\n\r\n", .badMaxForwards),
    (
        "GET http://a/ HTTP/1.1\r\nHost: a\r\nConnection: " + String(repeating: "a,", count: 65) + "\r\n\r\n",
        .tooManyFields
    ),
]

@Suite struct HTTPRequestTests {
    @Test("requests that could mean two things are refused", arguments: malformedRequests)
    func malformed(text: String, fault: HTTPFault) throws {
        let head = try #require(try parseHead([latin1(text)])).head
        #expect(throws: fault) { try HTTPRequest(head) }
    }

    @Test(
        "an absolute target gives authority and path",
        arguments: [
            ("http://Example.COM/a?b", "example.com", nil, "/a?b"), ("http://a", "a", nil, "/"),
            ("http://a?q", "a", nil, "/?q"), ("HTTP://a:8080/", "a", 8080, "/"), ("http://a:/", "a", nil, "/"),
            ("http://[2001:DB8::1]:81/x", "[2001:db8::1]", 81, "/x"),
            ("http://a/%2e%2E/../x", "a", nil, "/%2e%2E/../x"),
            ("http://a/http://b@c", "a", nil, "/http://b@c"),
        ] as [(String, String, UInt16?, String)])
    func absolute(target: String, host: String, port: UInt16?, path: String) throws {
        let parsed = try request("GET \(target) HTTP/1.1\r\nHost: z\r\n\r\n")
        guard case .absolute(let authority, let bytes) = parsed.target else {
            Issue.record("not absolute")
            return
        }
        #expect(authority.host == host)
        #expect(authority.port == port)
        #expect(bytes == latin1(path))
    }

    @Test("framing, persistence and replay are decided")
    func decisions() throws {
        let same = try request(
            "POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\nContent-Length: 5\r\n\r\n")
        #expect(same.framing == .length(5))
        #expect(!same.isReplayable)
        #expect(
            try request("POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n").framing == .chunked)
        #expect(try request("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n").isReplayable)
        #expect(try !request("PATCH http://a/ HTTP/1.1\r\nHost: a\r\n\r\n").isReplayable)
        #expect(try request("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n").persists)
        #expect(try !request("GET http://a/ HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n").persists)
        #expect(try !request("GET http://a/ HTTP/1.0\r\n\r\n").persists)
        #expect(try request("GET http://a/ HTTP/1.0\r\nProxy-Connection: Keep-Alive\r\n\r\n").persists)
    }

    private static let own = Endpoint(.v4(IPv4Address(127, 0, 0, 1)), 1080)
    private let router = HTTPRouter(users: FrontUsers(), via: "me", ownAddress: own)

    @Test(
        "what is not to be forwarded is answered here",
        arguments: [
            ("GET / HTTP/1.1\r\nHost: 127.0.0.1:1080\r\n\r\n", .help(own)),
            ("HEAD / HTTP/1.1\r\nHost: localhost:1080\r\n\r\n", .help(own)),
            ("GET /admin HTTP/1.1\r\nHost: 127.0.0.1:1080\r\n\r\n", .notFound),
            ("POST / HTTP/1.1\r\nHost: 127.0.0.1:1080\r\n\r\n", .notFound),
            ("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", .notAProxyRequest),
            ("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", .notAProxyRequest),
            ("GET / HTTP/1.0\r\n\r\n", .notAProxyRequest),
            ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", .notAProxyRequest),
            ("TRACE http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", .traceRefused),
            ("GET http://a/ HTTP/1.1\r\nHost: a\r\nVia: 1.0 x, 1.1 me (c)\r\n\r\n", .loop),
            ("OPTIONS http://a/ HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n", .options),
            ("CONNECT a:1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", .fault(.bodyInConnect)),
            ("CONNECT a:1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", .fault(.bodyInConnect)),
        ] as [(String, HTTPLocalAnswer)])
    func local(text: String, answer: HTTPLocalAnswer) throws {
        #expect(router.route(try request(text)) == .answer(answer))
    }

    @Test("CONNECT gives a tunnel")
    func tunnel() throws {
        let parsed = try request("CONNECT [::1]:443 HTTP/1.1\r\nHost: whatever\r\n\r\n")
        #expect(router.route(parsed) == .tunnel(TargetAddress(host: "::1", port: 443)!))
    }

    @Test(
        "a port with users lets nobody else through",
        arguments: [
            ("", false), ("Proxy-Authorization: Basic YWxpY2U6czNjcmV0\r\n", true),
            ("Proxy-Authorization: basic YWxpY2U6czNjcmV0\r\n", true),
            ("Proxy-Authorization: Basic YWxpY2U6czNjcmV1\r\n", false),
            ("Proxy-Authorization: Basic YWxpY2U\r\n", false), ("Proxy-Authorization: Basic !!!!\r\n", false),
            ("Proxy-Authorization: Bearer YWxpY2U6czNjcmV0\r\n", false),
            ("Authorization: Basic YWxpY2U6czNjcmV0\r\n", false),
            ("Proxy-Authorization: Basic YWxpY2U6czNjcmV0\r\nProxy-Authorization: Basic YWxpY2U6czNjcmV0\r\n", false),
        ])
    func users(field: String, admitted: Bool) throws {
        let router = HTTPRouter(
            users: FrontUsers([FrontUser(name: "alice", password: "s3cret")]), via: "me", ownAddress: Self.own)
        for line in ["GET http://a/", "CONNECT a:443", "TRACE http://a/"] {
            let route = router.route(try request("\(line) HTTP/1.1\r\nHost: a\r\n\(field)\r\n"))
            #expect((route == .answer(.authenticate)) == !admitted)
        }
    }
}
