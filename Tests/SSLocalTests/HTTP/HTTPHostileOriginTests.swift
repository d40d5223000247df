import NIOCore
import NIOPosix
import SSCommon
import SSNetwork
import Testing

@testable import sslocal

@Suite struct HTTPHostileOriginTests {
    private static let get = "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"

    /// Makes one good exchange, so that the origin's connection is kept.
    private func warmUp(_ front: Front, _ client: Wire) async throws -> Wire {
        try await client.send(Self.get)
        let origin = try await front.origin.accept()
        await origin.take(through: "\r\n\r\n")
        try await origin.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await client.take(through: "\r\n\r\nok")
        return origin
    }

    @Test(
        "what is no HTTP is a broken answer",
        arguments: [
            "SSH-2.0-x\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "\u{15}\u{3}\u{1}\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nX: \0\r\n\r\n", "HTTP/2 200\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX: " + String(repeating: "a", count: 33_000),
            "HTTP/1.1 200 OK\r\n" + String(repeating: "X: a\r\n", count: 101),
        ])
    func noHTTP(text: String) async throws {
        try await Front.with { front in
            let client = try await front.connect()
            try await client.send(Self.get)
            let origin = try await front.origin.accept()
            await origin.take(through: "\r\n\r\n")
            try await origin.send(text)
            await client.take(through: "HTTP/1.1 502 ")
            await client.take(through: "</html>\n")
            #expect(await origin.wait { $0.ended })
        }
    }

    @Test("an origin that closes without a word gives 502, once, on a fresh connection")
    func silentClose() async throws {
        try await Front.with { front in
            let client = try await front.connect()
            try await client.send(Self.get)
            let origin = try await front.origin.accept()
            await origin.take(through: "\r\n\r\n")
            origin.close()
            await client.take(through: "HTTP/1.1 502 ")
            await client.take(through: "</html>\n")
            #expect(front.origin.count == 1)
        }
    }

    @Test("a kept connection that dies before any answer is retried once", arguments: [false, true])
    func retry(reset: Bool) async throws {
        try await Front.with { front in
            let client = try await front.connect()
            let first = try await warmUp(front, client)
            try await client.send(Self.get)
            await first.take(through: "\r\n\r\n")
            if reset { try await first.reset() } else { first.close() }
            let second = try await front.origin.accept(1)
            #expect(await second.take(through: "\r\n\r\n").hasPrefix("GET / HTTP/1.1\r\nHost: a\r\n"))
            second.close()
            await client.take(through: "HTTP/1.1 502 ")
            #expect(front.origin.count == 2)
        }
    }

    @Test(
        "a kept connection that dies after the first byte of an answer is not retried",
        arguments: ["HTTP/1.1 2", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Le"])
    func noRetryAfterBytes(answer: String) async throws {
        try await Front.with { front in
            let client = try await front.connect()
            let origin = try await warmUp(front, client)
            try await client.send(Self.get)
            await origin.take(through: "\r\n\r\n")
            try await origin.send(answer)
            origin.close()
            await client.take(through: "HTTP/1.1 502 ")
            #expect(front.origin.count == 1)
        }
    }

    @Test("what is not idempotent is never sent twice and never on a kept connection")
    func postOnce() async throws {
        try await Front.with { front in
            let client = try await front.connect()
            let first = try await warmUp(front, client)
            try await client.send("POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
            let second = try await front.origin.accept(1)
            await second.take(through: "\r\n\r\nx")
            #expect(await first.wait { $0.ended })
            second.close()
            await client.take(through: "HTTP/1.1 502 ")
            #expect(front.origin.count == 2)
        }
    }

    @Test("a kept connection that speaks unasked is dropped, and its words reach nobody")
    func unasked() async throws {
        try await Front.with { front in
            let client = try await front.connect()
            let first = try await warmUp(front, client)
            try await first.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
            #expect(await first.wait { $0.ended })
            try await client.send(Self.get)
            let second = try await front.origin.accept(1)
            await second.take(through: "\r\n\r\n")
            try await second.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood")
            #expect(await !client.take(through: "good").contains("evil"))
        }
    }

    @Test("bytes behind a whole answer are not the next answer")
    func surplus() async throws {
        try await Front.with { front in
            let client = try await front.connect()
            try await client.send(Self.get + Self.get)
            let first = try await front.origin.accept()
            await first.take(through: "\r\n\r\n")
            try await first.send(
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
            let second = try await front.origin.accept(1)
            await second.take(through: "\r\n\r\n")
            try await second.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood")
            #expect(await !client.take(through: "good").contains("evil"))
        }
    }

    @Test(
        "an answer that breaks off is not made to look whole",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalfXX",
        ])
    func truncated(text: String) async throws {
        try await Front.with { front in
            let client = try await front.connect()
            try await client.send(Self.get)
            let origin = try await front.origin.accept()
            await origin.take(through: "\r\n\r\n")
            try await origin.send(text)
            origin.close()
            let answer = await client.takeAll()
            #expect(answer.contains("half"))
            #expect(!answer.hasSuffix("0\r\n\r\n"))
            #expect(answer.split(separator: "HTTP/1.1 ").count == 1)
        }
    }

    @Test("an origin that never answers is given up with 504")
    func neverAnswers() async throws {
        try await Front.with(configure: { $0.limits.responseIdle = .milliseconds(150) }) { front in
            let client = try await front.connect()
            try await client.send(Self.get)
            await client.take(through: "HTTP/1.1 504 ")
            #expect(await (try front.origin.accept()).wait { $0.ended })
        }
    }

    @Test("a client that goes away takes its request with it")
    func clientGone() async throws {
        try await Front.with { front in
            let client = try await front.connect()
            try await client.send(Self.get)
            let origin = try await front.origin.accept()
            await origin.take(through: "\r\n\r\n")
            try await client.reset()
            #expect(await origin.wait { $0.ended })
        }
    }

    @Test("a client that ended its side still gets its answers")
    func halfClosedClient() async throws {
        try await Front.with { front in
            let client = try await front.connect()
            try await client.send(Self.get + Self.get)
            try await client.finish()
            let origin = try await front.origin.accept()
            for _ in 0..<2 {
                await origin.take(through: "\r\n\r\n")
                try await origin.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
            #expect(await client.takeAll().split(separator: "HTTP/1.1 200 ").count == 2)
        }
    }

    @Test("a reader that does not read holds the other side up, in both directions")
    func backPressure() async throws {
        let limit = 24 * 1024 * 1024
        try await Front.with(originReads: false) { front in
            let client = try await front.connect()
            try await client.send("POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: \(4 * limit)\r\n\r\n")
            let sent = Locked(0)
            let upload = Task {
                for _ in 0..<(4 * limit / 65536) {
                    try await client.send([UInt8](repeating: 120, count: 65536))
                    sent.withLock { $0 += 65536 }
                }
            }
            try await Task.sleep(for: .milliseconds(500))
            // What the kernel's four buffers hold, not what was offered.
            #expect(sent.withLock { $0 } < limit)
            client.close()
            _ = try? await upload.value
        }
        try await Front.with { front in
            let client = try await front.connect(reading: false)
            client.channel.read()
            try await client.send(Self.get)
            let origin = try await front.origin.accept()
            await origin.take(through: "\r\n\r\n")
            try await origin.send("HTTP/1.1 200 OK\r\nContent-Length: \(4 * limit)\r\n\r\n")
            let sent = Locked(0)
            let download = Task {
                for _ in 0..<(4 * limit / 65536) {
                    try await origin.send([UInt8](repeating: 120, count: 65536))
                    sent.withLock { $0 += 65536 }
                }
            }
            try await Task.sleep(for: .milliseconds(500))
            #expect(sent.withLock { $0 } < limit)
            try await client.read(true)
            #expect(await client.wait { $0.bytes.count > 4 * limit })
            try await download.value
        }
    }
}
