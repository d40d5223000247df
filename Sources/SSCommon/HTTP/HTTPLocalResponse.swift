// A whole response made here. The fields make the page harmless: no script, no guessing of types, no storing.
package struct HTTPLocalResponse: Equatable {
    package var status: Int
    package var html: String
    /// Whole lines' worth of further fields, name and value.
    package var fields: [(name: String, value: String)]

    /// The program that made it, as Proxy-Status names it.
    private let program: Program

    package init(_ program: Program, status: Int, html: String, fields: [(name: String, value: String)] = []) {
        self.program = program
        self.status = status
        self.html = html
        self.fields = fields
    }

    package static func == (a: Self, b: Self) -> Bool {
        a.status == b.status && a.html == b.html && a.fields.elementsEqual(b.fields, by: ==)
    }

    /// The bytes; without a body for HEAD. `persists` says what Connection tells the client.
    package func encode(to request: HTTPRequest?, persists: Bool, date: String) -> [UInt8] {
        let content = Array(html.utf8)
        var writer = HTTPHeadWriter(capacity: content.count + 512)
        writer.text("HTTP/1.1 \(status) \(Self.reason(status))\r\n")
        writer.line("Date", date)
        if !content.isEmpty {
            writer.line("Content-Type", "text/html; charset=utf-8")
            writer.line("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
            writer.line("X-Content-Type-Options", "nosniff")
        }
        writer.line("Cache-Control", "no-store")
        // RFC 9209: whoever reads it knows that this is no answer of the target's.
        if status >= 400 { writer.line("Proxy-Status", "\(program.rawValue); error=\(Self.proxyError(status))") }
        for (name, value) in fields { writer.line(name, value) }
        writer.line("Content-Length", String(content.count))
        if !persists {
            writer.line("Connection", "close")
        } else if request?.minorVersion == 0 {
            writer.line("Connection", "keep-alive")
        }
        writer.end()
        if request?.isMethod("HEAD") != true { writer.raw(content) }
        return writer.bytes
    }

    /// RFC 9209 2.3: the error's type.
    private static func proxyError(_ status: Int) -> String {
        switch status {
        case 403: "http_request_denied"
        case 502, 503: "destination_unavailable"
        case 504: "connection_timeout"
        case 508: "proxy_loop_detected"
        default: "http_request_error"
        }
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 400: "Bad Request"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 407: "Proxy Authentication Required"
        case 408: "Request Timeout"
        case 414: "URI Too Long"
        case 431: "Request Header Fields Too Large"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        case 508: "Loop Detected"
        default: "Error"
        }
    }
}
