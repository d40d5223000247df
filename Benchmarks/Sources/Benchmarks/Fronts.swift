import SSCommon

/// What a program says to the laptop's port before its bytes flow, by each protocol of the port.
func benchmarkSOCKS(_ watch: Stopwatch) {
    let name = Array("www.example.com".utf8)
    let request: [UInt8] = [5, 1, 0, 3, UInt8(name.count)] + name + [1, 187]
    let open = FrontUsers()
    handshake(watch, "SOCKS5 greeting, request", [5, 2, 0, 1] + request, open)
    let users = FrontUsers([FrontUser(name: "user", password: "correct horse")])
    let login: [UInt8] = [1, 4] + Array("user".utf8) + [13] + Array("correct horse".utf8)
    handshake(watch, "SOCKS5 greeting, password, request", [5, 2, 0, 2] + login + request, users)
    let socks4: [UInt8] = [4, 1, 1, 187, 0, 0, 0, 1] + Array("user".utf8) + [0] + name + [0]
    watch.report("SOCKS4a request", bytes: socks4.count) {
        guard case .request = SOCKS4Request.next(socks4.span.bytes, users: open) else { fatalError("refused") }
    }
    let datagram: [UInt8] = [0, 0, 0, 1, 192, 0, 2, 1, 0, 53] + [UInt8](repeating: 7, count: 512)
    watch.report("SOCKS5 UDP header read, 512 B behind it") {
        guard (try? SOCKSUDPHeader.read(datagram.span.bytes)) != nil else { fatalError("refused") }
    }
    let header = SOCKSUDPHeader(target: TargetAddress(host: "192.0.2.1", port: 53)!)
    watch.report("SOCKS5 UDP header written") {
        guard header.encoded.count == 10 else { fatalError("another length") }
    }
}

/// The messages of one handshake, arrived together.
private func handshake(_ watch: Stopwatch, _ name: String, _ messages: [UInt8], _ users: FrontUsers) {
    watch.report(name, bytes: messages.count) {
        var machine = SOCKS5Handshake(users: users)
        var consumed = 0
        while true {
            switch machine.next(messages.span.bytes.extracting(droppingFirst: consumed)) {
            case .send(_, let count): consumed += count
            case .request: return
            case .needMore, .refuse: fatalError("refused")
            }
        }
    }
}

/// Heads as browsers and web servers write them, and a body in chunks.
func benchmarkHTTP(_ watch: Stopwatch) {
    let connect = Array(HTTPMessages.connect.utf8)
    let browser = Array(HTTPMessages.request.utf8)
    let router = HTTPRouter(users: FrontUsers(), via: "sslocal", ownAddress: nil)
    watch.report("HTTP CONNECT head, \(connect.count) B", bytes: connect.count) {
        guard case .tunnel = router.route(parsed(request: connect)) else { fatalError("no tunnel") }
    }
    watch.report("HTTP request head, \(browser.count) B", bytes: browser.count) { _ = parsed(request: browser) }
    watch.report("HTTP request head, forwarded", bytes: browser.count) {
        let request = parsed(request: browser)
        guard case .forward(let authority, let path, _) = router.route(request) else { fatalError("not forwarded") }
        _ = ForwardedRequest.encode(request, authority: authority, path: path, via: "sslocal")
    }
    let request = parsed(request: browser)
    let answer = Array(HTTPMessages.response.utf8)
    watch.report("HTTP response head, \(answer.count) B, forwarded", bytes: answer.count) {
        var parser = HTTPHeadParser(.response)
        guard let (head, _) = try? parser.parse(answer.span.bytes),
            let response = try? HTTPResponse(head, toHEAD: false),
            let forwarded = try? ForwardedResponse(
                response, to: request, via: "sslocal", date: "Sun, 06 Nov 1994 08:49:37 GMT", mayPersist: true)
        else { fatalError("no response") }
        precondition(forwarded.persists)
    }
    for size in [512, 8192] { benchmarkChunks(watch, size: size) }
}

private func parsed(request bytes: [UInt8]) -> HTTPRequest {
    var parser = HTTPHeadParser(.request)
    guard let (head, _) = try? parser.parse(bytes.span.bytes), let request = try? HTTPRequest(head) else {
        fatalError("no request")
    }
    return request
}

/// 64 KiB of body in chunks of `size` bytes, all of it arrived.
private func benchmarkChunks(_ watch: Stopwatch, size: Int) {
    var wire: [UInt8] = []
    for _ in 0..<65_536 / size {
        wire += Array("\(String(size, radix: 16))\r\n".utf8) + [UInt8](repeating: 7, count: size) + Array("\r\n".utf8)
    }
    wire += Array("0\r\n\r\n".utf8)
    watch.report("HTTP chunked body 65536 B, chunks of \(size) B", bytes: wire.count) {
        var reader = HTTPBodyReader(.chunked, tolerant: true)
        var consumed = 0
        var body = 0
        while true {
            guard let piece = try? reader.next(wire.span.bytes.extracting(droppingFirst: consumed)) else {
                fatalError("no chunks")
            }
            switch piece {
            case .needMore: fatalError("cut short")
            case .framing(let count): consumed += count
            case .data(let count):
                consumed += count
                body += count
            case .end:
                precondition(body == 65_536)
                return
            }
        }
    }
}

private enum HTTPMessages {
    static let agent =
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
    static let connect = lines([
        "CONNECT www.example.com:443 HTTP/1.1", "Host: www.example.com:443", "Proxy-Connection: keep-alive",
        "User-Agent: \(agent)",
    ])
    static let request = lines([
        "GET http://www.example.com/articles/2026/11/index.html?page=2&sort=date HTTP/1.1", "Host: www.example.com",
        "Proxy-Connection: keep-alive", "Upgrade-Insecure-Requests: 1", "User-Agent: \(agent)",
        "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
        "Referer: http://www.example.com/articles/", "Accept-Encoding: gzip, deflate",
        "Accept-Language: en-GB,en;q=0.9,de;q=0.8",
        "Cookie: session=4f3c2b1a09f8e7d6c5b4a39281706f5e; theme=dark; consent=yes",
        "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT",
    ])
    static let response = lines([
        "HTTP/1.1 200 OK", "Server: nginx", "Date: Sun, 06 Nov 1994 08:49:37 GMT",
        "Content-Type: text/html; charset=utf-8", "Transfer-Encoding: chunked", "Connection: keep-alive",
        "Keep-Alive: timeout=15", "Vary: Accept-Encoding, Cookie", "Cache-Control: max-age=300, must-revalidate",
        "ETag: W/\"65f1c2d3-1f2e\"", "Last-Modified: Sun, 06 Nov 1994 08:00:00 GMT", "X-Frame-Options: SAMEORIGIN",
        "X-Content-Type-Options: nosniff", "Referrer-Policy: strict-origin-when-cross-origin",
        "Content-Security-Policy: default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'",
        "Set-Cookie: session=4f3c2b1a09f8e7d6c5b4a39281706f5e; Path=/; HttpOnly; SameSite=Lax",
        "Content-Encoding: gzip",
    ])

    private static func lines(_ lines: [String]) -> String { lines.joined(separator: "\r\n") + "\r\n\r\n" }
}
