// A server in one line: `ss://method:password@host:port#name` (SIP002), the two with Base64 or percent-encoded, or all of
// it in Base64 (the older form). Errors never repeat the link: it is a key.

package struct ServerLink: Hashable, Sendable {
    package var method: String
    package var password: String
    /// IPv6 without brackets.
    package var host: String
    package var port: UInt16
    /// What stands behind `#`.
    package var name: String?

    /// Why a link is none, in words for a person.
    package struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// The port of a link that names none.
    private static let defaultPort: UInt16 = 8388

    package init(_ text: some StringProtocol) throws(Fault) {
        // Bytes and not characters: a password may begin with a combining mark, and ":" with one is no ":" to a String.
        var rest = Array(text.utf8)[...]
        let prefix = "ss://"
        guard rest.count > prefix.utf8.count, Self.text(rest.prefix(prefix.utf8.count)).lowercased() == prefix else {
            throw Fault(description: "a link begins with ss://")
        }
        rest = rest.dropFirst(prefix.utf8.count)
        if let mark = rest.firstIndex(of: UInt8(ascii: "#")) {
            name = Self.percentDecoded(rest[(mark + 1)...]).map(Self.text)
            rest = rest[..<mark]
        }
        if let mark = rest.firstIndex(of: UInt8(ascii: "?")) {
            let settings = rest[(mark + 1)...].split(separator: UInt8(ascii: "&"))
            if settings.contains(where: { $0.starts(with: "plugin=".utf8) && $0.count > "plugin=".utf8.count }) {
                throw Fault(description: "the link asks for a plugin, which this version does not run")
            }
            rest = rest[..<mark]
        }
        while rest.last == UInt8(ascii: "/") { rest.removeLast() }
        if let at = rest.lastIndex(of: UInt8(ascii: "@")) {
            let user = Self.percentDecoded(rest[..<at]) ?? rest[..<at]
            let plain = user.contains(UInt8(ascii: ":")) ? user : Self.base64(user)
            (method, password) = try Self.credentials(plain ?? [])
            (host, port) = try Self.hostPort(rest[(at + 1)...])
        } else {
            // The older form hides everything in Base64; a percent sign in there stands for itself.
            guard let plain = Self.base64(rest) else {
                throw Fault(description: "the link has no @ and is no Base64")
            }
            guard let at = plain.lastIndex(of: UInt8(ascii: "@")) else {
                throw Fault(description: "the link names no host")
            }
            (method, password) = try Self.credentials(plain[..<at])
            (host, port) = try Self.hostPort(plain[(at + 1)...])
        }
    }

    /// `text` without what stands behind the first `ss://` in it, which holds a key.
    package static func covered(_ text: String) -> String {
        let mark = Array("ss://".utf8)
        let bytes = Array(text.utf8)
        var start = 0
        while start + mark.count < bytes.count {
            let candidate = bytes[start..<start + mark.count].map { $0 < 0x40 ? $0 : $0 | 0x20 }
            if candidate == mark { return String(decoding: bytes[..<start], as: UTF8.self) + "ss://••••••••" }
            start += 1
        }
        return text
    }

    private static func credentials(_ plain: ArraySlice<UInt8>) throws(Fault) -> (String, String) {
        guard let colon = plain.firstIndex(of: UInt8(ascii: ":")) else {
            throw Fault(description: "before the @ belongs method:password")
        }
        return (text(plain[..<colon]), text(plain[(colon + 1)...]))
    }

    private static func hostPort(_ bytes: ArraySlice<UInt8>) throws(Fault) -> (String, UInt16) {
        var host = bytes
        var port = defaultPort
        let afterBracket = bytes.lastIndex(of: UInt8(ascii: "]")) ?? bytes.startIndex
        if let colon = bytes[afterBracket...].lastIndex(of: UInt8(ascii: ":")) {
            guard let number = HostPort.port(text(bytes[(colon + 1)...])) else {
                throw Fault(description: "the port of the link is no number from 1 to 65535")
            }
            port = number
            host = bytes[..<colon]
        }
        if host.count > 1, host.first == UInt8(ascii: "["), host.last == UInt8(ascii: "]") {
            host = host.dropFirst().dropLast()
        }
        guard !host.isEmpty else { throw Fault(description: "the link names no host") }
        return (text(host), port)
    }

    /// For pieces of text cut at ASCII bytes, which are text themselves.
    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

    /// Nil if the result is no UTF-8.
    private static func base64(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let decoded = Base64.decode(text(percentDecoded(bytes) ?? bytes)) else { return nil }
        return String(validating: decoded, as: UTF8.self) == nil ? nil : decoded[...]
    }

    /// RFC 3986 2.1; nil if a percent sign is not followed by two digits or the result is no UTF-8.
    private static func percentDecoded(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        var bytes: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexValue), let low = rest.popFirst().flatMap(hexValue) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self) == nil ? nil : bytes[...]
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        Character(Unicode.Scalar(byte)).hexDigitValue.map(UInt8.init)
    }
}

extension ServerLink: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "ss://***" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(reflecting: description) }
}
