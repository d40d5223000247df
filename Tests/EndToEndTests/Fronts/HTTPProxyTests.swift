// The HTTP front as a proxy (RFC 9110 section 7, RFC 9112): what an origin sees of a request and a client of
// an answer, and what must never reach an origin (security.md 6.5).
import Foundation
import Testing

extension EndToEnd {
    @Suite struct HTTPProxyTests {
        @Test func `one client connection serves two hosts in turn`() throws {
            try onStage { stage in
                let running = try stage.runUnderTest(with: .http)
                let (first, second) = (try stage.httpOrigin(), try stage.httpOrigin())
                let urls = [
                    first.url("/hello"), second.url("/chunked", host: "localhost"), first.url("/bytes/10"),
                    second.url("/nothing"),
                ]
                let outputs = urls.flatMap { ["-o", "/dev/null", "-w", "%{http_code} %{num_connects}\\n", $0] }
                let result = try stage.curl(CurlFront.http.arguments(running.front) + outputs)
                #expect(result.status == 0, "\(result.errors)")
                #expect(result.output == "200 1\n200 0\n200 0\n204 0\n")
                #expect(first.requests.map(\.path) == ["/hello", "/bytes/10"])
                #expect(second.requests.map(\.path) == ["/chunked", "/nothing"])
            }
        }

        @Test func `chunks and trailers pass downwards`() throws {
            try onStage { stage in
                let running = try stage.runUnderTest(with: .http)
                let origin = try stage.httpOrigin()
                let socket = try Socket.connected(to: running.front)
                try socket.send(
                    "GET \(origin.url("/chunked")) HTTP/1.1\r\nHost: \(origin.endpoint)\r\nTE: trailers\r\n\r\n")
                let head = try socket.receive(through: "\r\n\r\n")
                #expect(head.hasPrefix("HTTP/1.1 200"))
                #expect(head.lowercased().contains("transfer-encoding: chunked"))
                let body = try socket.receive(through: "0\r\n") + (try socket.receive(through: "\r\n\r\n"))
                #expect(body.contains("three\n"))
                #expect(body.contains("X-Check: done") || body.lowercased().contains("x-check: done"))
            }
        }

        @Test func `chunks and trailers pass upwards`() throws {
            try onStage { stage in
                let running = try stage.runUnderTest(with: .http)
                let origin = try stage.httpOrigin()
                let socket = try Socket.connected(to: running.front)
                try socket.send(
                    "POST \(origin.url("/digest")) HTTP/1.1\r\nHost: \(origin.endpoint)\r\n"
                        + "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
                for part in ["5\r\nhello\r\n", "6;ext=1\r\n world\r\n", "0\r\nX-Sum: 11\r\n\r\n"] {
                    try socket.send(part)
                    pause(0.02)
                }
                #expect(try socket.receive(through: "\r\n\r\n").hasPrefix("HTTP/1.1 200"))
                #expect(try socket.receive(through: "\n").hasPrefix("11 "))
                let request = try #require(origin.requests.first)
                #expect(request.trailers == ["X-Sum: 11"] || request.trailers.isEmpty)
            }
        }

        @Test func `hop-by-hop fields stay between the hops and the target becomes a path`() throws {
            try onStage { stage in
                let running = try stage.runUnderTest(with: .http)
                let origin = try stage.httpOrigin()
                let result = try stage.curl(
                    CurlFront.http.arguments(running.front) + [
                        "-H", "Connection: X-Private", "-H", "X-Private: 1", "-H", "Keep-Alive: timeout=5",
                        "-H", "Proxy-Connection: keep-alive", "-H", "X-Public: 2", "-H", "Host: elsewhere.example",
                        origin.url("/headers?a=b%2Fc"),
                    ])
                #expect(result.status == 0, "\(result.errors)")
                let request = try #require(origin.requests.first)
                #expect(request.path == "/headers?a=b%2Fc")
                #expect(request.values("X-Public") == ["2"])
                #expect(request.values("Host") == ["\(origin.endpoint)"], "the request line wins over Host")
                for name in ["X-Private", "Keep-Alive", "Proxy-Connection"] {
                    #expect(request.values(name) == [], "\(name)")
                }
            }
        }

        @Test func `an upgrade turns the connection into a tunnel`() throws {
            try onStage { stage in
                let running = try stage.runUnderTest(with: .http)
                let origin = try stage.httpOrigin()
                let socket = try Socket.connected(to: running.front)
                try socket.send(
                    "GET \(origin.url("/upgrade")) HTTP/1.1\r\nHost: \(origin.endpoint)\r\n"
                        + "Connection: Upgrade\r\nUpgrade: echo\r\n\r\n")
                let head = try socket.receive(through: "\r\n\r\n")
                #expect(head.hasPrefix("HTTP/1.1 101"))
                #expect(head.lowercased().contains("upgrade: echo"))
                for size in [1, 70_000] {
                    let bytes = Pattern.bytes(size)
                    try socket.send(bytes)
                    #expect(try socket.receive(exactly: size) == bytes)
                }
            }
        }

        @Test func `an HTTP/1.0 client gets an answer that ends with the connection`() throws {
            try onStage { stage in
                let running = try stage.runUnderTest(with: .http)
                let origin = try stage.httpOrigin()
                for path in ["/hello", "/close", "/chunked"] {
                    let socket = try Socket.connected(to: running.front)
                    try socket.send("GET \(origin.url(path)) HTTP/1.0\r\n\r\n")
                    let answer = String(decoding: try socket.receiveToEnd(), as: UTF8.self)
                    #expect(answer.hasPrefix("HTTP/1."), "\(path): \(answer)")
                    #expect(answer.contains("200"), "\(path)")
                    #expect(!answer.lowercased().contains("transfer-encoding"), "\(path): HTTP/1.0 has no chunks")
                }
            }
        }

        @Test func `HEAD has no body and the connection goes on`() throws {
            try onStage { stage in
                let running = try stage.runUnderTest(with: .http)
                let origin = try stage.httpOrigin()
                let socket = try Socket.connected(to: running.front)
                for _ in 0..<2 {
                    try socket.send("HEAD \(origin.url("/hello")) HTTP/1.1\r\nHost: \(origin.endpoint)\r\n\r\n")
                    #expect(try socket.receive(through: "\r\n\r\n").lowercased().contains("content-length: 6"))
                }
                try socket.send("GET \(origin.url("/hello")) HTTP/1.1\r\nHost: \(origin.endpoint)\r\n\r\n")
                _ = try socket.receive(through: "\r\n\r\n")
                #expect(try socket.receive(exactly: 6) == Array("hello\n".utf8))
            }
        }

        @Test func `a browser that visits the port gets a short help page`() throws {
            try needs(Pair.underTest.client.isOurs, "only ours has a help page")
            try onStage { stage in
                let running = try stage.runUnderTest(with: .http)
                let result = try stage.curl(["-i", "http://\(running.front)/"])
                #expect(result.status == 0, "\(result.errors)")
                #expect(result.output.lowercased().contains("content-type: text/html"))
                #expect(result.output.lowercased().contains("proxy"))
                #expect(result.output.contains("\(running.localPort)"))
            }
        }
    }
}
