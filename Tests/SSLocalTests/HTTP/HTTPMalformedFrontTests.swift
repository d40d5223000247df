import NIOCore
import SSCommon
import SSNetwork
import Testing

@testable import sslocal

/// Raw requests that must be answered with an error and reach no origin: every malformed head and body of the
/// parsers' own tables, and some that only make sense on a connection.
private let rawRequests: [(String, Int)] =
    malformedRequests.map { ($0.0, $0.1.status) }
    + HTTPBodyReaderTests.malformedChunks.map { chunks, fault in
        ("POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks, fault.status)
    }
    // A connection that begins with a line end is none of the three protocols and is closed without a word.
    + HTTPHeadParserTests.malformedHeads.filter { $0.0.first?.isLetter == true }.map { head, fault in
        (head.replacingOrigin(), fault.status)
    } + [
        ("GET http://a/ HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "a", count: 33_000) + "\r\n\r\n", 431),
        ("GET http://a/ HTTP/1.1\r\nHost: a\r\n" + String(repeating: "X: a\r\n", count: 100) + "\r\n", 431),
        ("GET http://a/" + String(repeating: "a", count: 8200) + " HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        ("GET http://a/\r\n", 400), ("GET http://a/ HTTP/3.0\r\nHost: a\r\n\r\n", 505),
        ("CONNECT a:443 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 400),
        // A first request in order does not make the second one trusted.
        ("POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nZ\r\n", 400),
    ]

extension String {
    /// The head tables use origin-form; here the request has to be one that would be forwarded.
    fileprivate func replacingOrigin() -> String {
        hasPrefix("GET / ") ? "GET http://a/ " + dropFirst(6) : self
    }
}

@Suite struct HTTPMalformedFrontTests {
    @Test("a malformed request gets its status and a close, and no origin hears of it", arguments: rawRequests)
    func rejected(text: String, status: Int) async throws {
        try await Front.with { front in
            let client = try await front.connect()
            try await client.send(text)
            // Some rows are only wrong because nothing follows.
            try await client.finish()
            let answer = await client.takeAll()
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
            #expect(answer.contains("\r\nConnection: close\r\n"))
            #expect(answer.contains("\r\nContent-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"))
            #expect(answer.contains("id42"))
            #expect(front.dialer.targets.isEmpty)
            #expect(front.origin.count == 0)
        }
    }

    @Test("the answer survives a client that keeps sending")
    func stillSending() async throws {
        try await Front.with { front in
            let client = try await front.connect()
            try await client.send(
                "POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n"
                    + String(repeating: "x", count: 1_000_000))
            let answer = await client.takeAll()
            #expect(answer.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
            #expect(answer.hasSuffix("</html>\n"))
        }
    }

    @Test("a body that breaks later aborts the request at the origin and is never completed")
    func brokenLater() async throws {
        try await Front.with { front in
            let client = try await front.connect()
            try await client.send(
                "POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
            let origin = try await front.origin.accept()
            await origin.take(through: "5\r\nhello\r\n")
            try await client.send("Z\r\n")
            #expect(await client.takeAll().hasPrefix("HTTP/1.1 400 "))
            #expect(await origin.wait { $0.ended && $0.bytes.isEmpty })
        }
    }

    @Test("a body cut short by the client is never completed at the origin")
    func cutShort() async throws {
        try await Front.with { front in
            let client = try await front.connect()
            try await client.send("POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
            let origin = try await front.origin.accept()
            await origin.take(through: "hello")
            try await client.finish()
            #expect(await client.takeAll().hasPrefix("HTTP/1.1 400 "))
            #expect(await origin.wait { $0.ended })
        }
    }

    @Test("a head that never ends is given up with 408, a connection that says nothing without a word")
    func slowHead() async throws {
        try await Front.with(configure: {
            $0.limits.head = .milliseconds(150)
            $0.limits.keepAliveIdle = .milliseconds(150)
        }) { front in
            let client = try await front.connect()
            try await client.send("GET http://a/ HT")
            try await Task.sleep(for: .milliseconds(80))
            // Another byte does not buy more time.
            try await client.send("T")
            #expect(await client.takeAll().hasPrefix("HTTP/1.1 408 "))
            let idle = try await front.connect()
            try await idle.send("GET / HTTP/1.1\r\nHost: 127.0.0.1:\(front.port)\r\n\r\n")
            let answer = await idle.takeAll()
            #expect(answer.hasPrefix("HTTP/1.1 200 "))
            #expect(!answer.contains("408"))
            #expect(front.origin.count == 0)
        }
    }

    @Test("a body that stops coming is given up")
    func slowBody() async throws {
        try await Front.with(configure: { $0.limits.bodyIdle = .milliseconds(150) }) { front in
            let client = try await front.connect()
            try await client.send("POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
            #expect(await client.takeAll().hasPrefix("HTTP/1.1 408 "))
            #expect(await (try front.origin.accept()).wait { $0.ended })
        }
    }
}
