// The `nameserver` key (shadowsocks-libev's spelling; `dns` in shadowsocks-rust, `dns_server` in python):
// whom to ask instead of the system's resolver. Takes what those three take, but for DNS over TLS and HTTPS.

/// One name server.
package struct Nameserver: Hashable, Sendable {
    package enum Transport: Hashable, Sendable {
        /// UDP first, TCP where an answer does not fit.
        case udp
        /// TCP only.
        case tcp
    }

    package var endpoint: Endpoint
    package var transport: Transport

    package init(_ endpoint: Endpoint, _ transport: Transport = .udp) {
        self.endpoint = endpoint
        self.transport = transport
    }

    /// What is wrong with a `nameserver` value; `text` is the part at fault.
    package enum Fault: Error, Hashable, Sendable {
        /// Nothing between two commas, or an empty value.
        case empty
        /// Neither an IP address nor one of the known names; a name server must be given by address.
        case notAnAddress(text: String)
        /// The port is no number of 1...65535.
        case badPort(text: String)
        /// A scheme that is not `udp` or `tcp`.
        case unsupportedScheme(text: String)
        /// More than `limit` servers.
        case tooMany
    }

    /// At most this many servers in one value.
    package static let limit = 16

    /// Parses one or more servers separated by commas: `1.1.1.1`, `1.1.1.1:5353`, `[::1]:53`, `::1`, each with
    /// `udp://` or `tcp://` before it if wanted (a scheme holds for those after it too, as in shadowsocks-rust);
    /// or `google`, `cloudflare`, `quad9`.
    package static func list(_ text: some StringProtocol) throws(Fault) -> [Nameserver] {
        var servers: [Nameserver] = []
        var transport = Transport.udp
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            var rest = Substring(part)
            while rest.first == " " { rest.removeFirst() }
            while rest.last == " " { rest.removeLast() }
            if let scheme = Self.scheme(of: rest) {
                switch scheme.lowercased() {
                case "udp": transport = .udp
                case "tcp": transport = .tcp
                default: throw .unsupportedScheme(text: String(scheme))
                }
                rest = rest[scheme.endIndex...].dropFirst(3)
            }
            if rest.isEmpty { throw .empty }
            if let known = wellKnown[rest.lowercased()] {
                servers += known.compactMap { IPAddress($0) }.map { Nameserver(Endpoint($0, 53), transport) }
            } else {
                servers.append(Nameserver(try endpoint(rest), transport))
            }
            if servers.count > limit { throw .tooMany }
        }
        return servers
    }

    private static let wellKnown = [
        "google": ["8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "2001:4860:4860::8844"],
        "cloudflare": ["1.1.1.1", "1.0.0.1", "2606:4700:4700::1111", "2606:4700:4700::1001"],
        "quad9": ["9.9.9.9", "149.112.112.112", "2620:fe::fe", "2620:fe::9"],
    ]

    private static func scheme(of text: Substring) -> Substring? {
        guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else { return nil }
        return text[..<colon]
    }

    private static func endpoint(_ text: Substring) throws(Fault) -> Endpoint {
        if let address = IPAddress(text) { return Endpoint(address, 53) }
        var host = text
        var port: Substring?
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { throw .notAnAddress(text: String(text)) }
            host = text[text.index(after: text.startIndex)..<end]
            let rest = text[end...].dropFirst()
            guard rest.isEmpty || rest.first == ":", let address = IPv6Address(host) else {
                throw .notAnAddress(text: String(text))
            }
            return Endpoint(.v6(address), rest.isEmpty ? 53 : try Self.port(rest.dropFirst()))
        }
        if let colon = text.lastIndex(of: ":") {
            host = text[..<colon]
            port = text[colon...].dropFirst()
        }
        guard let address = IPv4Address(host) else { throw .notAnAddress(text: String(text)) }
        return Endpoint(.v4(address), try port.map(Self.port) ?? 53)
    }

    private static func port(_ text: Substring) throws(Fault) -> UInt16 {
        guard text.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }), let port = UInt16(text),
            port > 0
        else { throw .badPort(text: String(text)) }
        return port
    }
}
