// A response head from an origin, understood as far as a proxy has to (RFC 9112 4, 6).

package struct HTTPResponse: Sendable {
    package let head: HTTPHead
    package let status: Int
    package let reason: ArraySlice<UInt8>
    package let minorVersion: Int
    package let framing: HTTPFraming
    package let connection: HTTPConnectionOptions
    /// Whether the origin's connection may carry another request once this message is over.
    package let leavesConnectionUsable: Bool
    /// Transfer codings other than chunked: the body is passed on as it is, with the field that names them.
    package let isForeignCoded: Bool

    package init(_ head: HTTPHead, toHEAD: Bool) throws(HTTPFault) {
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
    package var isInterim: Bool { status < 200 && status != 101 }
}
