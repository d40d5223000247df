// How a person names what is kept: a URL, or many by a pattern.
internal import SSCommon

package struct CachePattern: Sendable {
    private enum Meaning {
        /// A host and what is below it, whatever is asked of it.
        case host([UInt8])
        /// `host[:port]/path` with stars for anything.
        case text([UInt8])
    }

    private let meaning: Meaning

    /// `example.net`, `http://example.net/pool/*`, `*.deb`. Nil for what can fit nothing.
    package init?(_ text: String) {
        var bytes = Array(text.utf8)[...]
        let hasScheme = bytes.count >= 7 && equalIgnoringCase(bytes.prefix(7), "http://")
        if hasScheme { bytes = bytes.dropFirst(7) }
        guard !bytes.isEmpty, bytes.allSatisfy({ $0 > 0x20 && $0 != 0x7f }),
            bytes.first != UInt8(ascii: "/"), !Self.hasScheme(bytes)
        else { return nil }
        let host = bytes.prefix { $0 != UInt8(ascii: "/") }.map(\.lowercasedASCII)
        let path = bytes.dropFirst(host.count)
        if path.isEmpty, !host.contains(UInt8(ascii: "*")) {
            meaning = .host(host)
        } else {
            meaning = .text(host + path)
        }
    }

    /// https:// and the like, of which nothing is ever kept; behind a slash it may be anything.
    private static func hasScheme(_ bytes: ArraySlice<UInt8>) -> Bool {
        let name = bytes.prefix { $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "/") }
        return bytes[name.endIndex...].starts(with: "://".utf8)
    }

    /// The key that a name is kept under, where the pattern is one URL; nil for patterns, and for addresses.
    package var key: CacheKey? {
        guard case .text(let text) = meaning, !text.contains(UInt8(ascii: "*")) else { return nil }
        let host = text.prefix { $0 != UInt8(ascii: "/") }
        let port: [UInt8] = host.contains(UInt8(ascii: ":")) ? [] : Array(":80".utf8)
        return CacheKey(bytes: Array(host) + port + text.dropFirst(host.count))
    }

    package func matches(_ key: CacheKey) -> Bool {
        let (host, port, path) = Self.parts(key.shown)
        switch meaning {
        case .host(let wanted):
            if wanted.elementsEqual(host) || wanted.elementsEqual(host + [UInt8(ascii: ":")] + port) { return true }
            return host.count > wanted.count && host.suffix(wanted.count).elementsEqual(wanted)
                && host[host.endIndex - wanted.count - 1] == UInt8(ascii: ".")
        case .text(let pattern):
            if Self.fits(pattern[...], Array(host + path)[...]) { return true }
            return Self.fits(pattern[...], Array(host + [UInt8(ascii: ":")] + port + path)[...])
        }
    }

    /// Of `host:port/path` or `@address host:port/path`; there the host is what Host said.
    private static func parts(
        _ key: ArraySlice<UInt8>
    ) -> (host: ArraySlice<UInt8>, port: ArraySlice<UInt8>, path: ArraySlice<UInt8>) {
        var rest = key
        if rest.first == UInt8(ascii: "@"), let space = rest.firstIndex(of: 0x20) { rest = rest[(space + 1)...] }
        let slash = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
        let authority = rest[..<slash]
        let colon = authority.lastIndex(of: UInt8(ascii: ":")) ?? authority.endIndex
        var host = authority[..<colon]
        let port = authority[min(colon + 1, authority.endIndex)...]
        // An address' Host may have its own port in it.
        if let own = host.lastIndex(of: UInt8(ascii: ":")), host[(own + 1)...].elementsEqual(port),
            host.first != UInt8(ascii: "[") || host[own - 1] == UInt8(ascii: "]")
        {
            host = host[..<own]
        }
        return (host, port, rest[slash...])
    }

    /// With stars for any number of bytes; in time of the product of both lengths at most.
    private static func fits(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
        var pattern = pattern
        var text = text
        var retry: (pattern: ArraySlice<UInt8>, text: ArraySlice<UInt8>)?
        while true {
            if pattern.first == UInt8(ascii: "*") {
                pattern = pattern.dropFirst()
                retry = (pattern, text)
            } else if let byte = text.first, pattern.first == byte {
                pattern = pattern.dropFirst()
                text = text.dropFirst()
            } else if pattern.isEmpty, text.isEmpty {
                return true
            } else if let (stars, rest) = retry, !rest.isEmpty {
                pattern = stars
                text = rest.dropFirst()
                retry = (stars, text)
            } else {
                return false
            }
        }
    }
}

extension StoredTerms {
    /// What the lifetime goes by, with the clause that says so.
    package var reason: String {
        switch source {
        case .targeted: "a field for caches like this one (RFC 9213 section 2.2)"
        case .sharedMaxAge: "s-maxage (RFC 9111 section 5.2.2.10)"
        case .maxAge: "max-age (RFC 9111 section 5.2.2.1)"
        case .expires: "Expires (RFC 9111 section 5.3)"
        case .ttlHeader: "the field that cache.ttl_header names"
        case .heuristic: "a tenth of the time since its last change (RFC 9111 section 4.2.2)"
        case .configured: "cache.default_ttl, since the origin says nothing (RFC 9111 section 4.2.2)"
        case .none: "nothing says how long it is good, so the origin is asked each time (RFC 9111 section 4.2)"
        }
    }
}
