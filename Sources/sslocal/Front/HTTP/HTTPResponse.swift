// A response head from an origin, understood as far as a proxy has to (RFC 9112 4, 6).

struct HTTPResponse: Sendable {
    let head: HTTPHead
    let status: Int
    let reason: ArraySlice<UInt8>
    let minorVersion: Int
    let framing: HTTPFraming
    let connection: HTTPConnectionOptions
    /// Whether the origin's connection may carry another request once this message is over.
    let leavesConnectionUsable: Bool
    /// Transfer codings other than chunked: the body is passed on as it is, with the field that names them.
    let isForeignCoded: Bool

    init(_ head: HTTPHead, toHEAD: Bool) throws(HTTPFault) {
        let line = try HTTPStatusLine(head.bytes[head.startLine])
        self.head = head
        status = line.status
        reason = line.reason
        minorVersion = line.minorVersion
        connection = try HTTPConnectionOptions(head)
        let (framing, trusted) = try HTTPFraming.response(
            head, status: line.status, minorVersion: line.minorVersion, toHEAD: toHEAD)
        self.framing = framing
        isForeignCoded = framing == .untilClose && head.fields.contains { $0.kind == .transferEncoding }
        leavesConnectionUsable =
            trusted && framing != .untilClose && connection.persists(minorVersion: line.minorVersion)
    }

    /// 1xx other than 101: more is to come.
    var isInterim: Bool { status < 200 && status != 101 }
}
