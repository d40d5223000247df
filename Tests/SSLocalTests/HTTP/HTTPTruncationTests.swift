import NIOCore
import SSNetwork
import Testing

@testable import sslocal

private enum Text {
    static let http11 = "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"
    static let http10 = "GET http://a/ HTTP/1.0\r\n\r\n"
    static let untilClose = "HTTP/1.1 200 OK\r\n\r\nhalf of"
    static let counted = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of"
    static let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nhalf of\r\n"
}

/// A response that broke off must not look whole to the client (RFC 9112 8).
@Suite struct HTTPTruncationTests {
    /// How the tunnel or the origin fails.
    enum Failure: String, CaseIterable, Sendable {
        /// Bytes of the tunnel were altered or cut.
        case tunnel
        /// The connection to the server is reset.
        case reset
        /// The connection is closed from here, as when the program stops.
        case stop
        /// The origin falls silent.
        case silence
    }

    /// Sends the request, the beginning of the response, and then fails.
    private func breakOff(
        _ request: String, _ answer: String, _ failure: Failure, _ check: (Wire) async throws -> Void
    ) async throws {
        try await Front.with(configure: { if failure == .silence { $0.limits.responseIdle = .milliseconds(200) } }) {
            front in
            let client = try await front.connect()
            try await client.send(request)
            let origin = try await front.origin.accept()
            await origin.take(through: "\r\n\r\n")
            try await origin.send(answer)
            #expect(await client.wait { String(decoding: $0.bytes, as: UTF8.self).contains("half of") })
            let channel = try #require(front.dialer.channels.first)
            switch failure {
            case .tunnel:
                channel.pipeline.fireUserInboundEventTriggered(StreamBroken())
                channel.close(promise: nil)
            case .reset: try await origin.reset()
            case .stop: channel.close(promise: nil)
            case .silence: break
            }
            #expect(await client.wait { $0.closed || $0.ended })
            try await check(client)
        }
    }

    @Test("a body that the close ends is ended by a reset", arguments: Failure.allCases, [Text.http11, Text.http10])
    func untilClose(failure: Failure, request: String) async throws {
        try await breakOff(request, Text.untilClose, failure) { client in
            #expect(await client.wait { $0.wasReset })
        }
    }

    @Test("chunks that an HTTP/1.0 client gets as a body that the close ends, too", arguments: Failure.allCases)
    func chunkedToOldClient(failure: Failure) async throws {
        try await breakOff(Text.http10, Text.chunked, failure) { client in
            #expect(await client.wait { $0.wasReset })
        }
    }

    @Test(
        "a counted body stays short, and chunks get no last one", arguments: Failure.allCases,
        [Text.counted, Text.chunked])
    func framed(failure: Failure, answer: String) async throws {
        try await breakOff(Text.http11, answer, failure) { client in
            #expect(await client.wait { $0.ended })
            let text = client.text
            #expect(text.hasSuffix(answer == Text.counted ? "half of" : "7\r\nhalf of\r\n"))
            #expect(
                text.contains(answer == Text.counted ? "Content-Length: 100\r\n" : "Transfer-Encoding: chunked\r\n"))
        }
    }

    @Test(
        "what an HTTP/1.0 client gets of chunks that end early or are malformed is ended by a reset",
        arguments: ["", "5\r\nab", "x\r\n", "0\r\nTrailer: cut"])
    func oldClient(rest: String) async throws {
        try await Front.with { front in
            let client = try await front.connect()
            try await client.send(Text.http10)
            let origin = try await front.origin.accept()
            await origin.take(through: "\r\n\r\n")
            try await origin.send(Text.chunked + rest)
            try await origin.finish()
            #expect(await client.wait { $0.wasReset })
        }
    }

    @Test(
        "a body that the close ends and that is whole is ended in good order",
        arguments: [Text.untilClose, Text.chunked])
    func whole(answer: String) async throws {
        try await Front.with { front in
            let client = try await front.connect()
            try await client.send(Text.http10)
            let origin = try await front.origin.accept()
            await origin.take(through: "\r\n\r\n")
            try await origin.send(answer == Text.chunked ? answer + "0\r\n\r\n" : answer)
            try await origin.finish()
            #expect(await client.takeAll().hasSuffix("\r\n\r\nhalf of"))
            #expect(!client.now.wasReset)
        }
    }

    @Test("a whole body that a slow client still waits for survives a later failure of the origin's connection")
    func brokenAfterTheEnd() async throws {
        let count = 32 << 20
        try await Front.with { front in
            let client = try await front.connect(reading: false)
            try await client.send(Text.http11)
            let origin = try await front.origin.accept()
            await origin.take(through: "\r\n\r\n")
            let download = Task {
                try await origin.send("HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "x", count: count))
                try await origin.finish()
            }
            try await client.read(true)
            try await download.value
            #expect(await client.wait { $0.ended })
            let body = client.now.bytes.count { $0 == UInt8(ascii: "x") }
            #expect(body == count)
            #expect(!client.now.wasReset)
        }
    }

    @Test("a program that stops resets a client whose body only the close would end", arguments: [true, false])
    func stopped(isDelimitedByClose: Bool) async throws {
        let accepted = Locked<(any Channel)?>(nil)
        try await Front.with(accepting: { channel in accepted.withLock { $0 = channel } }) { front in
            let client = try await front.connect()
            try await client.send(Text.http11)
            let origin = try await front.origin.accept()
            await origin.take(through: "\r\n\r\n")
            try await origin.send(isDelimitedByClose ? Text.untilClose : Text.counted)
            await client.take(through: "half of")
            try await accepted.withLock { $0 }?.close().get()
            #expect(await client.wait { $0.closed || $0.ended })
            #expect(client.now.wasReset == isDelimitedByClose)
            #expect(await origin.wait { $0.ended })
        }
    }
}
