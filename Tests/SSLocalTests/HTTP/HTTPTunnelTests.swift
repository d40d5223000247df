import NIOCore
import SSCommon
import SSNetwork
import Testing

@testable import sslocal

@Suite struct HTTPTunnelTests {
    @Test("CONNECT opens a tunnel, early bytes go into it, and the answer has no length")
    func connect() async throws {
        try await Front.with { front in
            let client = try await front.connect()
            try await client.send("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n\u{16}\u{3}hello")
            #expect(await client.take(through: "\r\n\r\n") == "HTTP/1.1 200 Connection established\r\n\r\n")
            let target = try await front.origin.accept()
            await target.take(through: "\u{16}\u{3}hello")
            try await target.send("GET / HTTP/1.1\r\n\r\n")
            await client.take(through: "GET / HTTP/1.1\r\n\r\n")
            try await client.finish()
            #expect(await target.wait { $0.ended })
            try await target.send("still here")
            await client.take(through: "still here")
            #expect(front.dialer.targets == [TargetAddress(host: "example.com", port: 443)!])
        }
    }

    @Test("CONNECT after other requests, byte by byte, works")
    func connectLater() async throws {
        try await Front.with { front in
            let client = try await front.connect()
            try await client.send("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n")
            let origin = try await front.origin.accept()
            await origin.take(through: "\r\n\r\n")
            try await origin.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            await client.take(through: "\r\n\r\n")
            for byte in latin1("CONNECT [2001:db8::1]:99 HTTP/1.1\r\nHost: b\r\n\r\nx") {
                try await client.send([byte])
            }
            await client.take(through: "200 Connection established\r\n\r\n")
            await (try front.origin.accept(1)).take(through: "x")
            #expect(await origin.wait { $0.ended })
            #expect(front.dialer.targets.last == TargetAddress(host: "2001:db8::1", port: 99))
        }
    }

    @Test(
        "a failed dial is a page that says who failed, for CONNECT and for GET",
        arguments: [
            (.refused, 502), (.unreachable, 502), (.nameNotFound, 502), (.timedOut, 504), (.notAllowed, 403),
            (.exhausted, 503), (.failed("secret reason"), 502),
        ] as [(DialError, Int)])
    func dialFailure(error: DialError, status: Int) async throws {
        try await Front.with(failing: error) { front in
            for line in ["CONNECT a:443", "GET http://a/"] {
                let client = try await front.connect()
                try await client.send("\(line) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                let answer = await client.takeAll()
                #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
                #expect(answer.contains("failed: "))
                #expect(answer.contains("request id42"))
                #expect(answer.contains("\r\nCache-Control: no-store\r\n"))
                #expect(answer.contains("\r\nX-Content-Type-Options: nosniff\r\n"))
                #expect(!answer.contains("secret"))
            }
        }
    }

    @Test("failures keep the connection, HEAD gets no page, and a thousand pipelined ones need no deep stack")
    func manyFailures() async throws {
        try await Front.with(failing: .refused) { front in
            let client = try await front.connect()
            try await client.send("HEAD http://a/ HTTP/1.1\r\nHost: a\r\n\r\n")
            let head = await client.take(through: "\r\n\r\n")
            #expect(head.hasPrefix("HTTP/1.1 502 "))
            #expect(!head.contains("Connection: close"))
            try await Task.sleep(for: .milliseconds(20))
            #expect(client.now.bytes.isEmpty)
            let count = 3000
            try await client.send(String(repeating: "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", count: count))
            try await client.finish()
            let answers = await client.takeAll()
            #expect(answers.split(separator: "HTTP/1.1 502 ").count == count)
        }
    }

    @Test("a wrong password is asked for again on the same connection, a right one passes and is not forwarded")
    func users() async throws {
        try await Front.with(configure: { $0.users = FrontUsers([FrontUser(name: "alice", password: "s3cret")]) }) {
            front in
            let client = try await front.connect()
            try await client.send("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n")
            let refusal = await client.take(through: "</html>\n")
            #expect(refusal.hasPrefix("HTTP/1.1 407 Proxy Authentication Required\r\n"))
            #expect(refusal.contains("\r\nProxy-Authenticate: Basic realm=\"sslocal\"\r\n"))
            #expect(front.origin.count == 0)
            try await client.send(
                "GET http://a/ HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Basic YWxpY2U6czNjcmV0\r\n\r\n")
            let origin = try await front.origin.accept()
            #expect(await !origin.take(through: "\r\n\r\n").lowercased().contains("authorization"))
            let other = try await front.connect()
            try await other.send("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\nGET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n")
            let answer = await other.takeAll()
            #expect(answer.split(separator: "HTTP/1.1 407 ").count == 1)
            let socks4 = try await front.connect()
            try await socks4.send([4, 1, 0, 80, 192, 0, 2, 1, 0])
            #expect(await socks4.wait { $0.ended && $0.bytes == [0, 91, 0, 0, 0, 0, 0, 0] })
        }
    }

    @Test("a browser that opens the port gets help, and nothing else is behind it")
    func help() async throws {
        try await Front.with { front in
            let client = try await front.connect()
            try await client.send("GET / HTTP/1.1\r\nHost: 127.0.0.1:\(front.port)\r\n\r\n")
            let page = await client.take(through: "</html>\n")
            #expect(page.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(page.contains("curl -x socks5h://127.0.0.1:\(front.port) "))
            #expect(page.contains("width=device-width"))
            #expect(page.contains("prefers-color-scheme:dark"))
            #expect(page.contains("\r\nContent-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"))
            #expect(page.contains("\r\nCache-Control: no-store\r\n"))
            #expect(!page.contains("<script"))
            for (line, host, status) in [
                ("GET /favicon.ico", "127.0.0.1:\(front.port)", 404),
                ("GET /api/v1/status", "localhost:\(front.port)", 404),
                ("POST /api/v1/reload", "127.0.0.1:\(front.port)", 404), ("GET /", "evil.example", 400),
                ("OPTIONS *", "127.0.0.1:\(front.port)", 400),
            ] {
                try await client.send("\(line) HTTP/1.1\r\nHost: \(host)\r\n\r\n")
                #expect(await client.take(through: "</html>\n").hasPrefix("HTTP/1.1 \(status) "))
            }
            #expect(front.dialer.targets.isEmpty)
        }
    }

    @Test("TRACE, loops and spent Max-Forwards are answered here")
    func local() async throws {
        try await Front.with { front in
            let client = try await front.connect()
            for (request, status) in [
                ("TRACE http://a/ HTTP/1.1\r\nHost: a\r\nCookie: c\r\n", 405),
                ("GET http://a/ HTTP/1.1\r\nHost: a\r\nVia: 1.1 x, 1.1 sslocal\r\n", 508),
                ("OPTIONS http://a/ HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n", 200),
            ] {
                try await client.send(request + "\r\n")
                let head = await client.take(through: "\r\n\r\n")
                #expect(head.hasPrefix("HTTP/1.1 \(status) "))
                if status != 200 { #expect(await !client.take(through: "</html>\n").contains("Cookie: c")) }
            }
            #expect(front.origin.count == 0)
        }
    }
}
