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
        let prefix = "ss://"
        guard text.utf8.count > prefix.utf8.count, text.prefix(prefix.count).lowercased() == prefix else {
            throw Fault(description: "a link begins with ss://")
        }
        var rest = String(text.dropFirst(prefix.count))
        if let mark = rest.firstIndex(of: "#") {
            name = Self.percentDecoded(rest[rest.index(after: mark)...])
            rest = String(rest[..<mark])
        }
        if let mark = rest.firstIndex(of: "?") {
            let query = rest[rest.index(after: mark)...]
            if query.split(separator: "&").contains(where: { $0.hasPrefix("plugin=") && $0 != "plugin=" }) {
                throw Fault(description: "the link asks for a plugin, which this version does not run")
            }
            rest = String(rest[..<mark])
        }
        while rest.hasSuffix("/") { rest.removeLast() }
        if !rest.contains("@") {
            // The older form hides everything in Base64.
            guard let plain = Self.base64Text(rest) else {
                throw Fault(description: "the link has no @ and is no Base64")
            }
            rest = plain
        }
        guard let at = rest.lastIndex(of: "@") else { throw Fault(description: "the link names no host") }
        let user = String(rest[..<at])
        (method, password) = try Self.credentials(user)
        (host, port) = try Self.hostPort(String(rest[rest.index(after: at)...]))
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

    private static func credentials(_ user: String) throws(Fault) -> (String, String) {
        let decoded = percentDecoded(user[...]) ?? user
        let plain = decoded.contains(":") ? decoded : base64Text(decoded)
        guard let plain, let colon = plain.firstIndex(of: ":") else {
            throw Fault(description: "before the @ belongs method:password")
        }
        return (String(plain[..<colon]), String(plain[plain.index(after: colon)...]))
    }

    private static func hostPort(_ text: String) throws(Fault) -> (String, UInt16) {
        var host = text[...]
        var port = defaultPort
        let afterBracket = text.lastIndex(of: "]") ?? text.startIndex
        if let colon = text[afterBracket...].lastIndex(of: ":") {
            guard let number = UInt16(text[text.index(after: colon)...]), number > 0 else {
                throw Fault(description: "the port of the link is no number from 1 to 65535")
            }
            port = number
            host = text[..<colon]
        }
        if host.first == "[", host.last == "]" { host = host.dropFirst().dropLast() }
        guard !host.isEmpty else { throw Fault(description: "the link names no host") }
        return (String(host), port)
    }

    private static func base64Text(_ text: String) -> String? {
        let decoded = percentDecoded(text[...]) ?? text
        return Base64.decode(decoded).flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// RFC 3986 2.1; nil if a percent sign is not followed by two digits or the result is no UTF-8.
    private static func percentDecoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                return nil
            }
            rest = rest.dropFirst(2)
            bytes.append(value)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

extension ServerLink: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "ss://***" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(reflecting: description) }
}
