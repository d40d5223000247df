// The four forms of a request target (RFC 9112 3.2) and which of them a proxy is asked with.

package enum HTTPTarget: Hashable, Sendable {
    /// http://host[:port]/path: a request to be forwarded. The path begins with "/" and holds the query; it is
    /// passed on byte by byte.
    case absolute(HTTPAuthority, path: [UInt8])
    /// host:port of CONNECT.
    case authority(HTTPAuthority)
    /// /path: somebody talks to us as if we were an origin.
    case origin([UInt8])
    /// "*" of OPTIONS.
    case asterisk

    package init(method: ArraySlice<UInt8>, target: ArraySlice<UInt8>) throws(HTTPFault) {
        if target.contains(UInt8(ascii: "#")) { throw .fragment }
        if method.elementsEqual("CONNECT".utf8) {
            let authority = try HTTPAuthority(target)
            if authority.port == nil { throw .badAuthority }
            self = .authority(authority)
        } else if target.first == UInt8(ascii: "/") {
            self = .origin(Array(target))
        } else if target.elementsEqual("*".utf8) {
            self = .asterisk
        } else {
            self = try Self.absolute(method: method, target: target)
        }
    }

    private static func absolute(
        method: ArraySlice<UInt8>, target: ArraySlice<UInt8>
    ) throws(HTTPFault) -> HTTPTarget {
        let scheme = target.prefix { $0 != UInt8(ascii: ":") }
        guard let first = scheme.first, first.isLetter, scheme.count < target.count,
            target[scheme.endIndex...].starts(with: "://".utf8)
        else { throw .badTarget }
        guard equalIgnoringCase(scheme, "http") else { throw .schemeUnsupported }
        let rest = target[scheme.endIndex...].dropFirst(3)
        let authority = rest.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        // RFC 9112 3.2.4: OPTIONS for a whole server has no path in the absolute form and becomes "*".
        var path = Array(rest[authority.endIndex...])
        if path.isEmpty, method.elementsEqual("OPTIONS".utf8) {
            path = [UInt8(ascii: "*")]
        } else if path.first != UInt8(ascii: "/") {
            path.insert(UInt8(ascii: "/"), at: 0)
        }
        return .absolute(try HTTPAuthority(authority), path: path)
    }
}
