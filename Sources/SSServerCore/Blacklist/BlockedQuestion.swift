// What somebody wants to know about: a host, perhaps with a port, or a URL.
internal import SSCommon

package struct BlockedQuestion: Hashable, Sendable {
    package let host: RequestHost
    package let port: UInt16
    /// Normalised; of plain HTTP only, where it can be seen.
    package let path: [UInt8]?
    /// A URL of HTTPS has a path that nobody sees.
    package let hasHiddenPath: Bool
    package let shown: String

    /// Nil for what is none.
    package init?(_ text: String) {
        var rest = text.withoutOuterBlanks
        let trimmed = String(rest)
        var scheme = ""
        if let colon = rest.range(of: "://") {
            scheme = rest[..<colon.lowerBound].lowercased()
            rest = rest[colon.upperBound...]
        }
        guard ["", "http", "https", "ws", "wss"].contains(scheme) else { return nil }
        let end = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
        var authority = rest[..<end]
        if let at = authority.lastIndex(of: "@") { authority = authority[authority.index(after: at)...] }
        let isSecret = scheme == "https" || scheme == "wss"
        guard let (name, named) = Self.place(authority) else { return nil }
        port = named ?? (isSecret || scheme.isEmpty ? 443 : 80)
        switch TargetAddress(name, port: port).canonical.host {
        case .ip(let address): host = .address(address.folded)
        case .name(let name):
            guard let name = try? DomainName(name) else { return nil }
            host = .name(name)
        }
        let tail = rest[end...].prefix { $0 != "#" }
        let path = RequestPath.normalised((tail.isEmpty ? "/" : tail).utf8)
        self.path = isSecret ? nil : path
        hasHiddenPath = isSecret && tail.count > 1
        shown = trimmed
    }

    /// `a.com:80`, `[2001:db8::1]:80`, or without a port; a bare IPv6 address has none.
    private static func place(_ text: Substring) -> (TargetAddress.Host, UInt16?)? {
        if let address = IPAddress(String(text)) { return (.ip(address), nil) }
        var host = text
        var port: UInt16?
        if let colon = text.lastIndex(of: ":"), !text[colon...].contains("]") {
            port = UInt16(text[text.index(after: colon)...])
            guard let port, port > 0 else { return nil }
            host = text[..<colon]
        }
        if host.first == "[", host.last == "]" {
            return IPAddress(String(host.dropFirst().dropLast())).map { (.ip($0), port) }
        }
        return HostName(host).map { (.name($0), port) }
    }
}

extension Substring {
    /// Where `text` first stands.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
