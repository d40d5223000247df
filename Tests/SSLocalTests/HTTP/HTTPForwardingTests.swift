import NIOCore
import SSCommon
import SSNetwork
import Testing

@testable import sslocal

@Suite struct HTTPForwardingTests {
    @Test("one client connection serves several hosts, and the next request to a host reuses its connection")
    func keepAliveAcrossHosts() async throws {
        try await Front.with { front in
            let client = try await front.connect()
            for (number, host, connection) in [(1, "a", 0), (2, "a", 0), (3, "b", 1), (4, "a", 2)] {
                try await client.send("GET http://\(host)/\(number) HTTP/1.1\r\nHost: x\r\n\r\n")
                let origin = try await front.origin.accept(connection)
                #expect(
                    await origin.take(through: "\r\n\r\n")
                        == "GET /\(number) HTTP/1.1\r\nHost: \(host)\r\nVia: 1.1 sslocal\r\n\r\n")
                try await origin.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\(number)")
                #expect(
                    await client.take(through: "\r\n\r\n\(number)")
                        == "HTTP/1.1 200 OK\r\nVia: 1.1 sslocal\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                        + "Content-Length: 1\r\n\r\n\(number)")
            }
            #expect(front.dialer.targets.map(\.description) == ["a:80", "b:80", "a:80"])
        }
    }

    @Test("pipelined requests are answered in order")
    func pipelining() async throws {
        try await Front.with { front in
            let client = try await front.connect()
            let count = 10
            try await client.send((0..<count).map { "GET http://a/\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined())
            let origin = try await front.origin.accept()
            for number in 0..<count {
                #expect(await origin.take(through: "\r\n\r\n").hasPrefix("GET /\(number) "))
                #expect(origin.now.bytes.isEmpty)
                try await origin.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n#\(number)")
            }
            for number in 0..<count { await client.take(through: "\r\n\r\n#\(number)") }
        }
    }

    @Test("bodies pass both ways, counted and chunked, with trailers", arguments: [1, 7, 65_536])
    func bodies(piece: Int) async throws {
        try await Front.with { front in
            let client = try await front.connect()
            let body = String((0..<100_000).map { Character(Unicode.Scalar(UInt8(97 + $0 % 26))) })
            try await client.send(
                "POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
            let count = min(body.count, piece * 200)
            for start in stride(from: 0, to: count, by: piece) {
                let part = body.dropFirst(start).prefix(min(piece, count - start))
                try await client.send("\(String(part.count, radix: 16));ext=1\r\n\(part)\r\n")
            }
            try await client.send("0\r\nX-Sum: 9\r\nContent-Length: 4\r\n\r\n")
            let origin = try await front.origin.accept()
            let head = await origin.take(through: "\r\n\r\n")
            #expect(head.contains("\r\nTransfer-Encoding: chunked\r\n"))
            #expect(head.contains("\r\nTrailer: X-Sum\r\n"))
            let received = try readBody([latin1(await origin.take(through: "0\r\nX-Sum: 9\r\n\r\n"))], .chunked)
            #expect(received.data == latin1(String(body.prefix(count))))
            #expect(received.trailers == ["X-Sum=9"])

            try await origin.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Y\r\n\r\n")
            try await origin.send("\(String(count, radix: 16))\r\n\(body.prefix(count))\r\n0\r\nY: 1\r\n\r\n")
            #expect(await client.take(through: "\r\n\r\n").contains("\r\nTrailer: Y\r\nTransfer-Encoding: chunked\r\n"))
            let answer = try readBody([latin1(await client.take(through: "0\r\nY: 1\r\n\r\n"))], .chunked)
            #expect(answer.data == latin1(String(body.prefix(count))))

            try await client.send("PUT http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.count)\r\n\r\n\(body)")
            let second = try await front.origin.accept(1)
            #expect(await second.take(through: "\r\n\r\n").contains("\r\nContent-Length: 100000\r\n"))
            #expect(await second.wait { $0.bytes == latin1(body) })
        }
    }

    @Test("100 (Continue) is the origin's to give")
    func expectContinue() async throws {
        try await Front.with { front in
            let client = try await front.connect()
            try await client.send(
                "PUT http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n")
            let origin = try await front.origin.accept()
            #expect(await origin.take(through: "\r\n\r\n").contains("\r\nExpect: 100-continue\r\n"))
            #expect(client.now.bytes.isEmpty)
            try await origin.send("HTTP/1.1 100 Continue\r\n\r\n")
            #expect(await client.take(through: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\nVia: 1.1 sslocal\r\n\r\n")
            try await client.send("2\r\nhi\r\n0\r\n\r\n")
            await origin.take(through: "2\r\nhi\r\n0\r\n\r\n")
            try await origin.send("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")
            await client.take(through: "HTTP/1.1 103 Early Hints\r\nLink: x\r\nVia: 1.1 sslocal\r\n\r\n")
            await client.take(through: "HTTP/1.1 204 No Content\r\n")
        }
    }

    @Test("HEAD, 204 and 304 keep the connection in step")
    func bodiless() async throws {
        try await Front.with { front in
            let client = try await front.connect()
            for (method, answer) in [
                ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n"),
                ("GET", "HTTP/1.1 204 x\r\nContent-Length: 9\r\n\r\n"),
                ("GET", "HTTP/1.1 304 x\r\nContent-Length: 9\r\n\r\n"),
                ("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
            ] {
                try await client.send("\(method) http://a/ HTTP/1.1\r\nHost: a\r\n\r\n")
                let origin = try await front.origin.accept()
                await origin.take(through: "\r\n\r\n")
                try await origin.send(answer)
                await client.take(through: "\r\n\r\n")
            }
            #expect(front.origin.count == 1)
            #expect(client.now.bytes.isEmpty)
        }
    }

    @Test("a response without a length ends with the connection")
    func untilClose() async throws {
        try await Front.with { front in
            let client = try await front.connect()
            try await client.send("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n")
            let origin = try await front.origin.accept()
            await origin.take(through: "\r\n\r\n")
            try await origin.send("HTTP/1.1 200 OK\r\n\r\nall ")
            try await origin.send("of it")
            origin.close()
            let answer = await client.takeAll()
            #expect(answer.contains("\r\nConnection: close\r\n"))
            #expect(answer.hasSuffix("\r\n\r\nall of it"))
        }
    }

    @Test(
        "an HTTP/1.0 client gets no chunks, no interim responses, and keep-alive only if it asks and a length is known")
    func oldClient() async throws {
        try await Front.with { front in
            let client = try await front.connect()
            try await client.send("GET http://a/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            let origin = try await front.origin.accept()
            #expect(await origin.take(through: "\r\n\r\n") == "GET / HTTP/1.1\r\nHost: a\r\nVia: 1.0 sslocal\r\n\r\n")
            try await origin.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
            let first = await client.take(through: "\r\n\r\nhi")
            #expect(first.contains("\r\nConnection: keep-alive\r\n"))
            #expect(!first.contains("100 Continue"))
            try await client.send("GET http://a/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            await origin.take(through: "\r\n\r\n")
            try await origin.send(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX: 1\r\n\r\n")
            let second = await client.takeAll()
            #expect(second.contains("\r\nConnection: close\r\n"))
            #expect(!second.contains("chunked"))
            #expect(second.hasSuffix("\r\n\r\nabcde"))
        }
    }

    @Test("WebSocket: after 101 both ways are opaque, with nothing lost at the seam")
    func upgrade() async throws {
        try await Front.with { front in
            let client = try await front.connect()
            try await client.send(
                "GET http://a/ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
                    + "Sec-WebSocket-Key: k\r\n\r\nearly frame")
            let origin = try await front.origin.accept()
            let head = await origin.take(through: "\r\n\r\n")
            #expect(head.contains("\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"))
            #expect(origin.now.bytes.isEmpty)
            try await origin.send(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: z\r\n\r\n\u{81}first"
            )
            let answer = await client.take(through: "\r\n\r\n")
            #expect(answer.contains("\r\nSec-WebSocket-Accept: z\r\n"))
            #expect(answer.contains("\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"))
            #expect(await client.wait { $0.bytes == latin1("\u{81}first") })
            await origin.take(through: "early frame")
            try await client.send("0\r\n\r\n\u{0}\u{ff}")
            #expect(await origin.wait { $0.bytes == latin1("0\r\n\r\n\u{0}\u{ff}") })
        }
    }

    @Test("an upgrade the origin declines is an ordinary exchange, and the connection goes on")
    func declinedUpgrade() async throws {
        try await Front.with { front in
            let client = try await front.connect()
            try await client.send(
                "GET http://a/1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
                    + "GET http://a/2 HTTP/1.1\r\nHost: a\r\n\r\n")
            let origin = try await front.origin.accept()
            await origin.take(through: "\r\n\r\n")
            try await origin.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno")
            await client.take(through: "\r\n\r\nno")
            await origin.take(through: "GET /2 ")
        }
    }

    @Test("101 that nobody asked for is a broken answer")
    func unaskedSwitch() async throws {
        try await Front.with { front in
            let client = try await front.connect()
            try await client.send("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n")
            let origin = try await front.origin.accept()
            await origin.take(through: "\r\n\r\n")
            try await origin.send("HTTP/1.1 101 x\r\nUpgrade: y\r\nConnection: upgrade\r\n\r\n")
            await client.take(through: "HTTP/1.1 502 ")
            #expect(await origin.wait { $0.ended })
        }
    }

    @Test("an early answer is relayed while the upload goes on, then the connection closes")
    func earlyAnswer() async throws {
        try await Front.with { front in
            let client = try await front.connect()
            try await client.send("POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nfirst")
            let origin = try await front.origin.accept()
            await origin.take(through: "first")
            try await origin.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
            try await client.send(String(repeating: "x", count: 500_000))
            let answer = await client.takeAll()
            #expect(answer.hasPrefix("HTTP/1.1 413 Too Large\r\n"))
            #expect(answer.contains("\r\nConnection: close\r\n"))
            #expect(answer.hasSuffix("\r\n\r\nbig"))
            #expect(await origin.wait { $0.ended })
        }
    }

    @Test("values that are no UTF-8 pass unchanged")
    func bytesSurvive() async throws {
        try await Front.with { front in
            let client = try await front.connect()
            try await client.send("GET http://a/\u{e9} HTTP/1.1\r\nHost: a\r\nX: \u{ff}\u{fe}\r\n\r\n")
            let origin = try await front.origin.accept()
            #expect(await origin.wait { $0.bytes.firstRange(of: latin1("X: \u{ff}\u{fe}\r\n")) != nil })
            #expect(origin.now.bytes.starts(with: latin1("GET /\u{e9} HTTP/1.1\r\n")))
            try await origin.send("HTTP/1.1 200 \u{e4}\r\nContent-Length: 0\r\nY: \u{d6}\r\n\r\n")
            #expect(await client.wait { $0.bytes.firstRange(of: latin1("Y: \u{d6}\r\n")) != nil })
        }
    }
}
