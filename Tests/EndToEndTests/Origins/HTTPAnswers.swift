// What the origin has to offer, by path.
import Foundation

enum HTTPAnswers {
    /// Answers `request`; false when the connection is done with.
    static func answer(_ request: OriginRequest, on connection: Socket) throws -> Bool {
        let parts = request.path.split(separator: "/").map(String.init)
        switch parts.first {
        case "bytes":
            try sendPattern(Int(parts.last ?? "") ?? 0, on: connection)
        case "digest":
            try sendText("\(request.bodyLength) \(request.bodyDigest)\n", on: connection)
        case "headers":
            let lines = request.fields.map { "\($0.name): \($0.value)" }
            try sendText(([request.method] + lines).joined(separator: "\n") + "\n", on: connection)
        case "chunked":
            try sendChunked(on: connection)
        case "close":
            try connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end\n")
            return false
        case "rest":
            try connection.send("HTTP/1.1 200 OK\r\n\r\n")
            try Pattern.send(Int(parts.last ?? "") ?? 0, on: connection)
            return false
        case "endless":
            try sendEndlessly(on: connection)
        case "slow":
            try sendSlowly(on: connection)
        case "upgrade":
            return try upgrade(request, on: connection)
        case "page":
            try sendText(page, type: "text/html; charset=utf-8", on: connection)
        case "app.js":
            try sendText(script, type: "text/javascript", on: connection)
        case "nothing":
            try connection.send("HTTP/1.1 204 No Content\r\n\r\n")
        default:
            try sendText("hello\n", on: connection, withBody: request.method != "HEAD")
        }
        return request.version == "HTTP/1.1" && !request.values("Connection").contains("close")
    }

    static func sendText(
        _ text: String, type: String = "text/plain", on connection: Socket, withBody: Bool = true
    ) throws {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: \(type)\r\nContent-Length: \(text.utf8.count)\r\n\r\n"
        try connection.send(withBody ? head + text : head)
    }

    private static func sendPattern(_ count: Int, on connection: Socket) throws {
        try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(count)\r\n\r\n")
        try Pattern.send(count, on: connection)
    }

    private static func sendChunked(on connection: Socket) throws {
        try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Check\r\n\r\n")
        for word in ["one ", "two ", "three\n"] {
            try connection.send(String(word.utf8.count, radix: 16) + "\r\n" + word + "\r\n")
            pause(0.02)
        }
        try connection.send("0\r\nX-Check: done\r\n\r\n")
    }

    private static func sendSlowly(on connection: Socket) throws {
        try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n")
        for _ in 0..<20 {
            try connection.send(".")
            pause(0.1)
        }
    }

    /// Only the close would end it; half a minute stands for ever.
    private static func sendEndlessly(on connection: Socket) throws {
        try connection.send("HTTP/1.1 200 OK\r\n\r\n")
        for _ in 0..<600 {
            try connection.send(".")
            pause(0.05)
        }
    }

    /// RFC 9110 section 7.8: afterwards the connection is an echo.
    private static func upgrade(_ request: OriginRequest, on connection: Socket) throws -> Bool {
        guard let name = request.values("Upgrade").first else {
            try connection.send("HTTP/1.1 426 Upgrade Required\r\nUpgrade: echo\r\nContent-Length: 0\r\n\r\n")
            return true
        }
        try connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: \(name)\r\n\r\n")
        while true {
            let bytes = try connection.receive(seconds: 20)
            if bytes.isEmpty { return false }
            try connection.send(bytes)
        }
    }

    private static let page = """
        <!DOCTYPE html><title>local page</title><body><p id="static">static text</p>
        <script src="/app.js"></script></body>
        """

    private static let script = """
        document.body.insertAdjacentHTML('beforeend', '<p id="made">made by ' + (40 + 2) + '</p>');
        """
}
