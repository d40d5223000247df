// `HOST[:PORT]` as flags and configurations write it: a name, an IPv4 address, an IPv6 address bare or in
// brackets. With a port, an IPv6 address must have the brackets (RFC 3986 3.2.2); the fault for a missing
// pair says so, since every reading of `2001:db8::1:8388` is a guess.

/// A host with or without a port.
package struct HostPort: Hashable, Sendable {
    package var host: TargetAddress.Host
    package var port: UInt16?

    package init(_ host: TargetAddress.Host, port: UInt16? = nil) {
        self.host = host
        self.port = port
    }

    package enum Fault: Error, Hashable, Sendable {
        /// Nothing where a host should be.
        case empty
        /// Not a name and not an address.
        case badHost(String)
        /// Digits and dots, and yet no IPv4 address.
        case badIPv4(String)
        /// Colons, and yet no IPv6 address.
        case badIPv6(String)
        /// An IPv6 address and a port run together; what was likely meant.
        case missingBrackets(suggestion: String)
        /// Not 1...65535.
        case badPort(String)
        /// A whole URL or `ss://` link.
        case link
    }

    package init(_ text: some StringProtocol) throws(Fault) {
        let text = Substring(text)
        if text.isEmpty { throw .empty }
        if text.contains("://") { throw .link }
        if text.first == "[" {
            self = try Self.bracketed(text)
            return
        }
        if let address = IPAddress(text) {
            self.init(.ip(address))
            return
        }
        guard let colon = text.lastIndex(of: ":") else {
            self.init(try Self.host(text))
            return
        }
        let head = text[..<colon]
        let tail = text[text.index(after: colon)...]
        if head.contains(":") {
            if IPv6Address(head) != nil, let port = Self.port(tail) {
                throw .missingBrackets(suggestion: "[\(head)]:\(port)")
            }
            throw .badIPv6(String(text))
        }
        if head.isEmpty { throw .empty }
        guard let port = Self.port(tail) else { throw .badPort(String(tail)) }
        self.init(try Self.host(head), port: port)
    }

    private static func bracketed(_ text: Substring) throws(Fault) -> HostPort {
        guard let end = text.firstIndex(of: "]") else { throw .badIPv6(String(text)) }
        let inner = text[text.index(after: text.startIndex)..<end]
        let rest = text[text.index(after: end)...]
        // shadowsocks-libev's own examples put IPv4 addresses in brackets too.
        guard let address = IPAddress(inner) else { throw .badIPv6(String(inner)) }
        if rest.isEmpty { return HostPort(.ip(address)) }
        guard rest.first == ":" else { throw .badHost(String(text)) }
        guard let port = port(rest.dropFirst()) else { throw .badPort(String(rest.dropFirst())) }
        return HostPort(.ip(address), port: port)
    }

    /// A port in decimal digits.
    package static func port(_ text: some StringProtocol) -> UInt16? {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy(JSONParser.isDigit), let port = UInt16(text),
            port > 0
        else { return nil }
        return port
    }

    private static func host(_ text: Substring) throws(Fault) -> TargetAddress.Host {
        if let address = IPv4Address(text) { return .ip(.v4(address)) }
        let labels = (text.last == "." ? text.dropLast() : text).utf8
            .split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        if let last = labels.last, !last.isEmpty, last.allSatisfy(JSONParser.isDigit) { throw .badIPv4(String(text)) }
        guard text.utf8.count <= 253, labels.allSatisfy({ (1...63).contains($0.count) && isLabel($0) }),
            let name = HostName(text)
        else { throw .badHost(String(text)) }
        return .name(name)
    }

    /// Letters, digits, `-` and `_`; what lies beyond ASCII is left to the resolver.
    private static func isLabel(_ label: some Sequence<UInt8>) -> Bool {
        label.allSatisfy { byte in
            byte >= 0x80 || JSONParser.isDigit(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }
    }
}

extension HostPort {
    /// `[2001:db8::1]:8388` where this was read from `2001:db8::1:8388`, which is an address too.
    var withBrackets: String? {
        guard case .ip(.v6) = host, port == nil else { return nil }
        let text = description
        guard let colon = text.lastIndex(of: ":"), IPv6Address(text[..<colon]) != nil,
            let port = Self.port(text[colon...].dropFirst())
        else { return nil }
        return "[\(text[..<colon])]:\(port)"
    }
}

extension HostPort {
    /// The host alone: an address in its canonical form without brackets, or the name as it was written.
    package var hostText: String {
        switch host {
        case .ip(let address): address.description
        case .name(let name): name.text ?? name.description
        }
    }
}

extension HostPort: CustomStringConvertible {
    package var description: String {
        if let port { return TargetAddress(host, port: port).description }
        switch host {
        case .ip(let address): return address.description
        case .name(let name): return name.description
        }
    }
}

extension HostPort.Fault {
    /// For `Diagnostic.message`.
    package var message: String {
        switch self {
        case .empty: "no host"
        case .badHost(let text): "\(TerminalText.quote(text)) is no host name or address"
        case .badIPv4(let text): "\(TerminalText.quote(text)) is no IPv4 address"
        case .badIPv6(let text): "\(TerminalText.quote(text)) is no IPv6 address"
        case .missingBrackets: "an IPv6 address and a port run together"
        case .badPort: "port out of range"
        case .link: "a link where a host belongs"
        }
    }

    /// For `Diagnostic.label`.
    package var label: String {
        switch self {
        case .badPort: "the port must be 1…65535"
        case .empty: "a name or an IP address belongs here"
        case .badHost, .badIPv4, .badIPv6, .missingBrackets, .link: ""
        }
    }

    /// For `Diagnostic.help`.
    package var help: String? {
        switch self {
        case .missingBrackets(let suggestion): "did you forget the brackets? write \(suggestion)"
        case .badIPv4: "an IPv4 address is four numbers of 0…255 with dots between them"
        case .badIPv6: "with a port, write it as [2001:db8::1]:8388"
        case .link: "write HOST or HOST:PORT"
        case .empty, .badHost, .badPort: nil
        }
    }
}
