// The head a client gets to see: the origin's, without what belonged to the origin's hop, framed anew for the
// client's version of HTTP (RFC 9112 6, 9; RFC 9110 7.6).

package struct ForwardedResponse {
    package enum Body {
        /// Nothing follows the head.
        case none
        /// As many bytes as Content-Length says.
        case counted
        /// Chunks, then trailers.
        case chunked
        /// Bytes until we close.
        case untilClose
    }

    package let bytes: [UInt8]
    package let body: Body
    /// Whether the client's connection lives on after the message.
    package let persists: Bool

    /// A final response. `date` is the time of receipt for a response without one; `mayPersist` is false where the
    /// request was not read to its end. Throws for a coded body no HTTP/1.0 client can be given.
    /// `more` are whole lines.
    package init(
        _ response: HTTPResponse, to request: HTTPRequest, via: String?, date: String, mayPersist: Bool,
        more: [UInt8] = []
    ) throws(HTTPFault) {
        if response.isForeignCoded, request.minorVersion == 0 { throw .codingUnsupported }
        switch response.framing {
        case .none: body = .none
        case .length: body = .counted
        case .chunked: body = request.minorVersion >= 1 ? .chunked : .untilClose
        case .untilClose: body = .untilClose
        }
        persists = mayPersist && request.persists && body != .untilClose
        var writer = Self.begin(response, via: via)
        if !response.head.fields.contains(where: { $0.kind == .date }) { writer.line("Date", date) }
        if body == .chunked {
            for value in response.head.values(.trailer) { writer.line("Trailer", value) }
        }
        writer.raw(more)
        Self.writeFraming(response, body: body, to: request, writer: &writer)
        if !persists {
            writer.line("Connection", "close")
        } else if request.minorVersion == 0 {
            writer.line("Connection", "keep-alive")
        }
        writer.end()
        bytes = writer.bytes
    }

    /// A 1xx response other than 101, for a client that speaks HTTP/1.1.
    package static func interim(_ response: HTTPResponse, via: String?) -> [UInt8] {
        var writer = begin(response, via: via)
        writer.end()
        return writer.bytes
    }

    /// A 101 (Switching Protocols); what follows is no HTTP any more.
    package static func switching(_ response: HTTPResponse, via: String?) -> [UInt8] {
        var writer = begin(response, via: via)
        writer.line("Connection", "Upgrade")
        for value in response.head.values(.upgrade) { writer.line("Upgrade", value) }
        writer.end()
        return writer.bytes
    }

    private static func begin(_ response: HTTPResponse, via: String?) -> HTTPHeadWriter {
        var writer = HTTPHeadWriter(capacity: response.head.bytes.count + 128)
        writer.text("HTTP/1.1 \(response.status) ")
        writer.raw(response.reason)
        writer.text("\r\n")
        for field in response.head.fields where passes(field, of: response) { writer.copy(field, of: response.head) }
        if let via { writer.line("Via", "1.\(response.minorVersion) \(via)") }
        return writer
    }

    /// Whether a field goes on to whoever the response is for.
    package static func passes(_ field: HTTPField, of response: HTTPResponse) -> Bool {
        if response.connection.removes(field, of: response.head) { return false }
        switch field.kind {
        case .contentLength, .transferEncoding, .connection, .keepAlive, .proxyConnection, .te, .upgrade, .trailer,
            .proxyAuthenticate, .proxyAuthorization, .proxyAuthenticationInfo:
            return false
        case .host, .via, .maxForwards, .expect, .date, .other: return true
        }
    }

    private static func writeFraming(
        _ response: HTTPResponse, body: Body, to request: HTTPRequest, writer: inout HTTPHeadWriter
    ) {
        switch response.framing {
        case .length(let length): writer.line("Content-Length", String(length))
        case .chunked:
            if body == .chunked { writer.line("Transfer-Encoding", "chunked") }
        case .untilClose:
            for value in response.head.values(.transferEncoding) { writer.line("Transfer-Encoding", value) }
        case .none:
            // A length that describes what GET would have got is kept; one beside 204 would be a lie.
            if response.status == 204 { return }
            let values = response.head.values(.contentLength)
            if let value = values.first, values.count == 1, let length = try? HTTPFraming.decimal(value) {
                writer.line("Content-Length", String(length))
            } else if !request.isMethod("HEAD"), response.status != 304 {
                writer.line("Content-Length", "0")
            }
        }
    }
}
