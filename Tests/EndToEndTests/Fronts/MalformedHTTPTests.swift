// Requests that must be answered 400 and reach no origin (security.md 6.5).
import Foundation
import Testing

struct MalformedRequest: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// ORIGIN stands for the origin's host and port.
    let text: String
    var statuses: [String] = ["400"]

    static let all: [MalformedRequest] = [
        post("both lengths", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        post("chunked is not the last coding", "Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
        post("a coding that only looks like chunked", "Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
        post("a vertical tab in the coding", "Transfer-Encoding: chunked\u{0b}\r\n", "0\r\n\r\n"),
        post("two lengths that differ", "Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"),
        post("a signed length", "Content-Length: +5\r\n", "hello"),
        post("a list of unequal lengths", "Content-Length: 5, 6\r\n", "hello!"),
        post("a chunk size that overflows", "Transfer-Encoding: chunked\r\n", "10000000000000000\r\nx"),
        get("a space before the colon", "X-A : 1\r\n"),
        get("a folded line", "X-A: 1\r\n 2\r\n"),
        get("a bare CR in a value", "X-A: 1\r2\r\n"),
        get("a bare LF at a line's end", "X-A: 1\nX-B: 2\r\n"),
        get("a NUL in a value", "X-A: 1\u{0}\r\n"),
        get("a name that is no token", "X(A): 1\r\n"),
        MalformedRequest(
            testDescription: "HTTP/1.0 with a coding",
            text: "POST http://ORIGIN/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        MalformedRequest(testDescription: "HTTP/0.9", text: "GET http://ORIGIN/\r\n\r\n"),
        MalformedRequest(
            testDescription: "CONNECT without a port", text: "CONNECT localhost HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        MalformedRequest(
            testDescription: "CONNECT to a URL", text: "CONNECT http://ORIGIN/ HTTP/1.1\r\nHost: ORIGIN\r\n\r\n"),
        MalformedRequest(
            testDescription: "a field of 40 KiB",
            text:
                "GET http://ORIGIN/ HTTP/1.1\r\nHost: ORIGIN\r\nX-A: \(String(repeating: "a", count: 40_960))\r\n\r\n",
            statuses: ["431", "400"]),
        MalformedRequest(
            testDescription: "a request line of 10 KiB",
            text: "GET http://ORIGIN/\(String(repeating: "a", count: 10_240)) HTTP/1.1\r\nHost: ORIGIN\r\n\r\n",
            statuses: ["414", "431", "400"]),
    ]

    private static func get(_ name: String, _ fields: String) -> MalformedRequest {
        MalformedRequest(testDescription: name, text: "GET http://ORIGIN/ HTTP/1.1\r\nHost: ORIGIN\r\n\(fields)\r\n")
    }

    private static func post(_ name: String, _ fields: String, _ body: String) -> MalformedRequest {
        MalformedRequest(
            testDescription: name, text: "POST http://ORIGIN/ HTTP/1.1\r\nHost: ORIGIN\r\n\(fields)\r\n\(body)")
    }
}

extension EndToEnd {
    @Suite struct MalformedHTTPTests {
        @Test func `malformed requests are refused and reach no origin`() throws {
            try needs(Pair.underTest.client.isOurs, "only ours promises this")
            try onStage { stage in
                let running = try stage.run(Pair.underTest)
                let origin = try stage.httpOrigin()
                for request in MalformedRequest.all {
                    try Self.refuse(request, running, origin)
                }
                #expect(running.client?.isRunning == true)
                let after = try stage.curl(CurlFront.http.arguments(running.front) + [origin.url("/hello")])
                #expect(after.output == "hello\n", "the proxy still serves")
            }
        }

        private static func refuse(_ request: MalformedRequest, _ running: RunningPair, _ origin: HTTPOrigin) throws {
            let before = origin.requests.count
            let socket = try Socket.connected(to: running.front)
            try socket.send(request.text.replacingOccurrences(of: "ORIGIN", with: "\(origin.endpoint)"))
            let answer = (try? socket.receive(seconds: 2)) ?? []
            let line = String(decoding: answer.prefix { $0 != 13 }, as: UTF8.self)
            let status = line.split(separator: " ").dropFirst().first.map(String.init) ?? ""
            #expect(request.statuses.contains(status), "\(request.testDescription): \(line)")
            #expect(origin.requests.count == before, "\(request.testDescription) reached the origin")
        }

        @Test func `nonsense in the first byte, and half a greeting, harm nobody`() throws {
            try needs(Pair.underTest.client.isOurs, "only ours promises this")
            try onStage { stage in
                let running = try stage.run(Pair.underTest)
                let origin = try stage.httpOrigin()
                let openings: [[UInt8]] = [
                    [0], [6, 1, 0], [0xff], [22, 3, 1, 2, 0, 1], [5], [4, 1], [5, 255], [4, 9, 0, 80],
                ]
                for opening in openings {
                    let socket = try Socket.connected(to: running.front)
                    try socket.send(opening + Pattern.bytes(3000))
                    socket.finish()
                    _ = try? socket.receiveToEnd(seconds: 2)
                }
                #expect(running.client?.isRunning == true)
                let after = try stage.curl(CurlFront.socks5h.arguments(running.front) + [origin.url("/hello")])
                #expect(after.output == "hello\n", "\(after.errors)")
            }
        }
    }
}
