// Reading a link in each of the forms that are about: SIP002 with Base64 (padded or not, of either alphabet) or
// percent-encoding before the @, and the older one with everything in Base64.

extension ServerLink {
    /// Reads one link. Blanks round it do not count, nor do query arguments of others.
    package init(_ text: some StringProtocol) throws(Fault) {
        // Bytes and not characters: a password may begin with a combining mark, and ":" with one is no ":" to a String.
        var rest = try Self.afterScheme(Self.trimmed(Array(text.utf8)[...]))
        var name: String?
        if let mark = rest.firstIndex(of: UInt8(ascii: "#")) {
            let tag = rest[(mark + 1)...]
            name = Self.shownName(Self.text(PercentCoding.bytes(tag)?[...] ?? tag))
            rest = rest[..<mark]
        }
        var query = LinkQuery()
        if let mark = rest.firstIndex(of: UInt8(ascii: "?")) {
            query = try LinkQuery(rest[(mark + 1)...])
            rest = rest[..<mark]
        }
        if let at = rest.lastIndex(of: UInt8(ascii: "@")) {
            let user = PercentCoding.bytes(rest[..<at])?[...] ?? rest[..<at]
            let plain = user.contains(UInt8(ascii: ":")) ? user : Self.base64(user)
            self = try Self.link(plain ?? [], rest[(at + 1)...])
        } else {
            self = try Self.older(rest)
        }
        self.name = name
        plugin = query.plugin
        prefix = query.prefix
    }

    private static func afterScheme(_ bytes: ArraySlice<UInt8>) throws(Fault) -> ArraySlice<UInt8> {
        guard bytes.count <= maximumLength else { throw Fault(description: "this is longer than any link") }
        let head = String(decoding: bytes.prefix(9), as: UTF8.self).lowercased()
        if head.hasPrefix("ssconf://") {
            throw Fault(description: "ssconf:// is where a list of servers can be had, and no link to a server itself")
        }
        guard head.hasPrefix("ss://") else { throw Fault(description: "a link begins with ss://") }
        guard bytes.count > 5 else { throw Fault(description: "there is nothing behind ss://") }
        return bytes.dropFirst(5)
    }

    /// The older form hides everything in Base64; a percent sign in there stands for itself.
    private static func older(_ rest: ArraySlice<UInt8>) throws(Fault) -> ServerLink {
        // "/" may be the last digit, or stand before the query, or both.
        let shorter = rest.last == UInt8(ascii: "/") ? rest.dropLast() : rest
        guard let plain = base64(rest) ?? base64(shorter) ?? base64(withoutSlashes(rest)) else {
            throw Fault(description: "the link has no @ and is no Base64")
        }
        guard let at = plain.lastIndex(of: UInt8(ascii: "@")) else {
            throw Fault(description: "the link names no host")
        }
        return try link(plain[..<at], plain[(at + 1)...])
    }

    private static func link(_ user: ArraySlice<UInt8>, _ place: ArraySlice<UInt8>) throws(Fault) -> ServerLink {
        guard let colon = user.firstIndex(of: UInt8(ascii: ":")) else {
            throw Fault(description: "before the @ belongs method:password")
        }
        guard colon > user.startIndex else { throw Fault(description: "the link names no method") }
        guard colon + 1 < user.endIndex else { throw Fault(description: "the link holds no key") }
        guard !user.contains(0) else { throw Fault(description: "the key of the link holds a NUL character") }
        let (host, port) = try hostPort(withoutSlashes(place))
        return ServerLink(
            method: Self.text(user[..<colon]), password: Self.text(user[(colon + 1)...]), host: host, port: port)
    }

    /// Cut at bytes: a character that draws the colon behind it to itself would hide the port from a String.
    private static func hostPort(_ bytes: ArraySlice<UInt8>) throws(Fault) -> (String, UInt16) {
        let colon = UInt8(ascii: ":")
        let bytes = PercentCoding.bytes(bytes)?[...] ?? bytes
        let bracket = bytes.lastIndex(of: UInt8(ascii: "]"))
        guard bracket != nil || bytes.count(where: { $0 == colon }) < 2 else {
            throw Fault(description: "an IPv6 address in a link belongs in brackets")
        }
        guard let mark = bytes[(bracket ?? bytes.startIndex)...].firstIndex(of: colon) else {
            return (try host(bytes), defaultPort)
        }
        guard let port = HostPort.port(text(bytes[(mark + 1)...])) else {
            throw Fault(description: "the port of the link is no number from 1 to 65535")
        }
        return (try host(bytes[..<mark]), port)
    }

    private static func host(_ bytes: ArraySlice<UInt8>) throws(Fault) -> String {
        guard !bytes.isEmpty else { throw Fault(description: "the link names no host") }
        guard let place = try? HostPort(text(bytes)), place.port == nil else {
            throw Fault(description: "the host of the link is no name and no address")
        }
        return place.hostText
    }

    // MARK: Bytes

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let isBlank = { (byte: UInt8) in byte == 0x20 || (0x09...0x0d).contains(byte) }
        var rest = bytes.drop(while: isBlank)
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        return rest
    }

    private static func withoutSlashes(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var rest = bytes
        while rest.last == UInt8(ascii: "/") { rest.removeLast() }
        return rest
    }

    /// For pieces of text cut at ASCII bytes, which are text themselves.
    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

    /// Nil if the result is no UTF-8.
    private static func base64(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let decoded = Base64.decode(text(PercentCoding.bytes(bytes)?[...] ?? bytes)) else { return nil }
        return String(validating: decoded, as: UTF8.self) == nil ? nil : decoded[...]
    }
}

/// What stands between `?` and `#`, as far as it means something here.
private struct LinkQuery {
    var plugin: ServerLink.Plugin?
    var prefix: String?

    init() {}

    /// The first of arguments of one name counts.
    init(_ bytes: ArraySlice<UInt8>) throws(ServerLink.Fault) {
        for argument in bytes.split(separator: UInt8(ascii: "&")) {
            guard let mark = argument.firstIndex(of: UInt8(ascii: "=")), mark + 1 < argument.endIndex else { continue }
            switch String(decoding: argument[..<mark], as: UTF8.self) {
            case "plugin" where plugin == nil:
                plugin = try ServerLink.Plugin(Self.value(argument[(mark + 1)...], "plugin"))
            case "prefix" where prefix == nil:
                let text = try Self.value(argument[(mark + 1)...], "prefix")
                guard text.unicodeScalars.allSatisfy({ $0.value <= 0xff }) else {
                    throw ServerLink.Fault(description: "the prefix of the link has a character that is no byte")
                }
                prefix = text
            default: continue
            }
        }
    }

    private static func value(_ bytes: ArraySlice<UInt8>, _ name: String) throws(ServerLink.Fault) -> String {
        guard let decoded = PercentCoding.bytes(bytes) else {
            throw ServerLink.Fault(description: "the \(name) of the link is not percent-encoded text")
        }
        return String(decoding: decoded, as: UTF8.self)
    }
}

extension ServerLink.Plugin {
    /// `name;key=value;…` (SIP002); a semicolon behind a backslash separates nothing.
    package init(_ text: String) throws(ServerLink.Fault) {
        let bytes = Array(text.utf8)
        var end = 0
        while end < bytes.count, bytes[end] != UInt8(ascii: ";") { end += bytes[end] == UInt8(ascii: "\\") ? 2 : 1 }
        end = min(end, bytes.count)
        guard end > 0, !bytes.contains(0) else {
            throw ServerLink.Fault(description: "the plugin of the link has no name")
        }
        let options = String(decoding: bytes.dropFirst(end + 1), as: UTF8.self)
        self.init(name: String(decoding: bytes[..<end], as: UTF8.self), options: options.isEmpty ? nil : options)
    }
}
