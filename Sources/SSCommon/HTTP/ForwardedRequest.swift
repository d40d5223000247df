// The head an origin gets to see: the client's, without what belonged to the client's hop, with a Host that says
// the same as the target (RFC 9112 3.2.2), its own framing, and a Via (RFC 9110 7.6). Always HTTP/1.1.

package enum ForwardedRequest {
    /// `path` is sent as it is; `authority` becomes the Host; `via` is this proxy's pseudonym; nil to
    /// leave no trace. `more` are whole lines; fields called as one of `without` are
    /// left out.
    package static func encode(
        _ request: HTTPRequest, authority: HTTPAuthority, path: [UInt8], via: String?, more: [UInt8] = [],
        without: [StaticString] = []
    ) -> [UInt8] {
        var writer = HTTPHeadWriter(capacity: request.head.bytes.count + 128)
        writer.raw(request.method)
        writer.text(" ")
        writer.raw(path)
        writer.text(" HTTP/1.1\r\n")
        writer.line("Host", authority.hostField(defaultPort: 80))
        for field in request.head.fields where passes(field, of: request) {
            let name = request.head.name(field)
            if without.contains(where: { equalIgnoringCase(name, $0) }) { continue }
            writer.copy(field, of: request.head)
        }
        if let hops = request.maxForwards { writer.line("Max-Forwards", String(hops - min(hops, 1))) }
        if let via { writer.line("Via", "1.\(request.minorVersion) \(via)") }
        writer.raw(more)
        writeConnection(request, to: &writer)
        writeFraming(request, to: &writer)
        writer.end()
        return writer.bytes
    }

    private static func passes(_ field: HTTPField, of request: HTTPRequest) -> Bool {
        if request.connection.removes(field, of: request.head) { return false }
        switch field.kind {
        case .host, .contentLength, .transferEncoding, .connection, .keepAlive, .proxyConnection, .te, .upgrade,
            .proxyAuthenticate, .proxyAuthorization, .proxyAuthenticationInfo:
            return false
        case .maxForwards: return request.maxForwards == nil
        // A 1.0 client cannot be told 100 (Continue), so its expectation is void (RFC 9110 10.1.1).
        case .expect: return request.minorVersion >= 1
        case .trailer: return request.framing == .chunked
        case .via, .date, .other: return true
        }
    }

    private static func writeConnection(_ request: HTTPRequest, to writer: inout HTTPHeadWriter) {
        var options: [String] = []
        if request.acceptsTrailers {
            writer.line("TE", "trailers")
            options.append("TE")
        }
        if let protocols = request.wantsUpgrade {
            writer.line("Upgrade", Array(protocols.joined(separator: [UInt8](", ".utf8)))[...])
            options.append("Upgrade")
        }
        // Nobody else uses the connection, so the origin need not keep it either.
        if !request.persists { options.append("close") }
        if !options.isEmpty { writer.line("Connection", options.joined(separator: ", ")) }
    }

    private static func writeFraming(_ request: HTTPRequest, to writer: inout HTTPHeadWriter) {
        switch request.framing {
        case .length(let length): writer.line("Content-Length", String(length))
        case .chunked: writer.line("Transfer-Encoding", "chunked")
        case .none, .untilClose:
            if request.head.fields.contains(where: { $0.kind == .contentLength }) { writer.line("Content-Length", "0") }
        }
    }
}
