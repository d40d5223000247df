// An origin that has heard enough of an upload says so before the end of it (RFC 9110 section 15.5.14, RFC 9112 section 9.3).
import Foundation
import Testing

extension EndToEnd {
    @Suite struct CacheUploadTests {
        /// What the origin does once it has answered.
        enum Farewell: String, CaseIterable, Sendable {
            /// It reads on, to the end.
            case drains
            /// It reads no more, and waits.
            case waits
            /// It takes no leave at all: what it said is there to be read all the same.
            case resets
        }

        private static let size = 64 << 20

        @Test("who uploads too much is told so before the end of it", arguments: Farewell.allCases)
        func early(_ farewell: Farewell) throws {
            try onStage { stage in
                let gate = Gate()
                let origin = try stage.origin { connection in
                    _ = try connection.receive(through: "\r\n\r\n")
                    _ = try connection.receive(exactly: 10_000)
                    let text = "no more than that\n"
                    try connection.send(
                        "HTTP/1.1 413 Content Too Large\r\nContent-Length: \(text.utf8.count)\r\n"
                            + "Connection: close\r\n\r\n\(text)")
                    if farewell == .resets { return connection.reset() }
                    connection.finish()
                    if farewell == .waits { gate.wait() }
                    while try !connection.receive(1 << 18, seconds: 20).isEmpty {}
                }
                let running = try stage.runCache([origin.endpoint.port])
                let file = stage.workspace.unusedPath("upload")
                try Data(Pattern.bytes(Self.size)).write(to: URL(fileURLWithPath: file))
                let url = "http://localhost:\(origin.endpoint.port)/a"
                for coding in [[], ["-H", "Transfer-Encoding: chunked"]] {
                    let upload = ["-H", "Expect:", "--data-binary", "@\(file)", "-w", "%{http_code}"]
                    let result = try stage.curl(CurlFront.socks5h.arguments(running.front) + coding + upload + [url])
                    #expect(result.output == "no more than that\n413", "\(coding): \(result)")
                }
                let tunnel = try CachePair.tunnel(via: running.front, to: origin.endpoint)
                try tunnel.send("POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(Self.size)\r\n\r\n")
                let socket = tunnel.socket
                startThread { try? Pattern.send(Self.size, on: socket) }
                let answer = try tunnel.answer(to: "POST")
                #expect(answer.status == 413 && answer.isWhole && answer.text == "no more than that\n")
                #expect(answer["Connection"].lowercased() == "close", "no request can follow")
                gate.open()
                socket.wake()
                #expect(eventually(15) { origin.openCount == 0 }, "the origin is let go")
            }
        }
    }
}
