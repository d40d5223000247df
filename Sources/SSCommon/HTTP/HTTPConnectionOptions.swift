// The Connection field (RFC 9110 7.6.1): whether the connection persists, and which fields belong to this hop
// alone. Proxy-Connection counts as Connection, because old clients send it to proxies and mean that.

package struct HTTPConnectionOptions: Sendable {
    /// Most members read; a longer list is an attack on whoever compares them all.
    package static let maximumMembers = 64

    package private(set) var close = false
    package private(set) var keepAlive = false
    package private(set) var upgrade = false
    /// Every other name in the list.
    package private(set) var names: [ArraySlice<UInt8>] = []

    package init(_ head: HTTPHead) throws(HTTPFault) {
        // Most heads have neither.
        guard head.fields.contains(where: { $0.kind == .connection || $0.kind == .proxyConnection }) else { return }
        let members = head.list(.connection) + head.list(.proxyConnection)
        if members.count > Self.maximumMembers { throw .tooManyFields }
        for member in members {
            if equalIgnoringCase(member, "close") {
                close = true
            } else if equalIgnoringCase(member, "keep-alive") {
                keepAlive = true
            } else if equalIgnoringCase(member, "upgrade") {
                upgrade = true
            } else {
                names.append(member)
            }
        }
    }

    /// Whether the sender lets the connection live after this message (RFC 9112 9.3).
    package func persists(minorVersion: Int) -> Bool {
        !close && (minorVersion >= 1 || keepAlive)
    }

    /// Whether `field` ends at this hop. Framing, Host and Via cannot be removed by naming them: taking those
    /// away would change what the message is or hide a loop, which no sender may ask for.
    package func removes(_ field: HTTPField, of head: HTTPHead) -> Bool {
        switch field.kind {
        case .connection, .keepAlive, .proxyConnection, .proxyAuthenticate, .proxyAuthorization,
            .proxyAuthenticationInfo, .te, .upgrade:
            true
        case .host, .contentLength, .transferEncoding, .via:
            false
        case .trailer, .maxForwards, .expect, .date, .other:
            names.contains { equalIgnoringCase($0, head.name(field)) }
        }
    }
}
