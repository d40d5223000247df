// The field names a proxy has to act on, found once while parsing, so that every later rule is a switch and
// never a comparison of strings. Names are case-insensitive (RFC 9110 5.1).

/// What a field is to a proxy.
package enum HTTPFieldKind: UInt8, Sendable {
    /// End-to-end, of no concern here (unless Connection names it).
    case other
    /// RFC 9110 7.2.
    case host
    /// RFC 9110 8.6.
    case contentLength
    /// RFC 9112 6.1.
    case transferEncoding
    /// RFC 9110 7.6.1.
    case connection
    /// RFC 9112 C.2.2; hop-by-hop.
    case keepAlive
    /// Never standardised, widely sent; means Connection to a proxy.
    case proxyConnection
    /// RFC 9110 11.7.1.
    case proxyAuthenticate
    /// RFC 9110 11.7.2.
    case proxyAuthorization
    /// RFC 9110 11.7.3.
    case proxyAuthenticationInfo
    /// RFC 9110 10.1.4.
    case te
    /// RFC 9110 6.6.2.
    case trailer
    /// RFC 9110 7.8.
    case upgrade
    /// RFC 9110 7.6.3.
    case via
    /// RFC 9110 7.6.2.
    case maxForwards
    /// RFC 9110 10.1.1.
    case expect
    /// RFC 9110 6.6.1.
    case date

    /// The kind of the name at `range`.
    package init(_ input: RawSpan, name range: Range<Int>) {
        for (name, kind) in Self.table where name.utf8CodeUnitCount == range.count {
            if range.allSatisfy({ input.octet($0).lowercasedASCII == name.utf8Start[$0 - range.lowerBound] }) {
                self = kind
                return
            }
        }
        self = .other
    }

    private static let table: [(name: StaticString, kind: HTTPFieldKind)] = [
        ("host", .host), ("content-length", .contentLength), ("transfer-encoding", .transferEncoding),
        ("connection", .connection), ("keep-alive", .keepAlive), ("proxy-connection", .proxyConnection),
        ("proxy-authenticate", .proxyAuthenticate), ("proxy-authorization", .proxyAuthorization),
        ("proxy-authentication-info", .proxyAuthenticationInfo), ("te", .te), ("trailer", .trailer),
        ("upgrade", .upgrade), ("via", .via), ("max-forwards", .maxForwards), ("expect", .expect), ("date", .date),
    ]
}

/// Compares ASCII without regard to case; other bytes must be equal.
package func equalIgnoringCase(_ a: ArraySlice<UInt8>, _ b: ArraySlice<UInt8>) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { $0.lowercasedASCII == $1.lowercasedASCII }
}

/// Compares a slice of a message with a word of ours, without regard to case.
package func equalIgnoringCase(_ a: ArraySlice<UInt8>, _ word: StaticString) -> Bool {
    a.count == word.utf8CodeUnitCount
        && word.withUTF8Buffer { word in zip(a, word).allSatisfy { $0.lowercasedASCII == $1.lowercasedASCII } }
}
