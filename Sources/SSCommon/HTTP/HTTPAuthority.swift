// host[:port] as it stands in a Host field, in an absolute request target and in CONNECT (RFC 3986 3.2,
// RFC 9110 4.2). Only hosts that can be dialled: a name of letters, digits, hyphens, dots and underscores, an
// IPv4 address, or an IPv6 address in brackets. Percent-escapes and zones are refused, not decoded.
package struct HTTPAuthority: Hashable, Sendable {
    /// As it was written, in lower case; an IPv6 address with its brackets.
    package let host: String
    /// Nil if none was written ("host" or "host:").
    package let port: UInt16?

    package init(_ text: ArraySlice<UInt8>) throws(HTTPFault) {
        if text.contains(UInt8(ascii: "@")) { throw .userinfo }
        let hostBytes: ArraySlice<UInt8>
        if text.first == UInt8(ascii: "[") {
            guard let close = text.firstIndex(of: UInt8(ascii: "]")) else { throw .badAuthority }
            hostBytes = text[...close]
            guard IPv6Address(String(decoding: hostBytes.dropFirst().dropLast(), as: UTF8.self)) != nil else {
                throw .badAuthority
            }
        } else {
            hostBytes = text.prefix { $0 != UInt8(ascii: ":") }
            guard (1...255).contains(hostBytes.count), hostBytes.allSatisfy(Self.isNameByte) else {
                throw .badAuthority
            }
        }
        host = String(unsafeUninitializedCapacity: hostBytes.count) { room in
            for (offset, byte) in hostBytes.enumerated() { room[offset] = byte.lowercasedASCII }
            return hostBytes.count
        }
        let rest = text[hostBytes.endIndex...]
        if rest.isEmpty {
            port = nil
            return
        }
        guard rest.first == UInt8(ascii: ":") else { throw .badAuthority }
        port = try Self.port(rest.dropFirst())
    }

    /// What to dial; nil never happens for a value of this type, but the host's own parser decides that.
    package func target(defaultPort: UInt16) -> TargetAddress? {
        TargetAddress(host: host, port: port ?? defaultPort)
    }

    /// For a Host field: without the port if it is `defaultPort`.
    package func hostField(defaultPort: UInt16) -> String {
        if let port, port != defaultPort { "\(host):\(port)" } else { host }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        byte.isDigit || byte.isLetter || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
            || byte == UInt8(ascii: "_")
    }

    /// 1...65535 in at most five digits; nil for no digits at all, which RFC 3986 allows.
    private static func port(_ digits: ArraySlice<UInt8>) throws(HTTPFault) -> UInt16? {
        if digits.isEmpty { return nil }
        guard digits.count <= 5, digits.allSatisfy(\.isDigit) else { throw .badAuthority }
        let value = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        guard (1...65535).contains(value) else { throw .badAuthority }
        return UInt16(value)
    }
}
