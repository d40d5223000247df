// Where a stream or a datagram is to go, in the form both SOCKS5 (RFC 1928 section 5) and Shadowsocks use:
// ATYP(1) | ADDR | PORT(2, big-endian). Names travel as they are; nobody on the laptop resolves them.

/// A host name as the peer sent it: 1...255 bytes, no NUL. The bytes are foreign: escape them before they
/// reach a log or a page (`description` does).
package struct HostName: Hashable, Sendable {
    package let bytes: [UInt8]

    /// Nil for an empty name, one over 255 bytes, or one with a NUL byte.
    package init?(_ bytes: [UInt8]) {
        guard (1...255).contains(bytes.count), !bytes.contains(0) else { return nil }
        self.bytes = bytes
    }

    package init?(_ text: some StringProtocol) {
        self.init([UInt8](text.utf8))
    }

    /// False if the name is certainly no IP literal: those end in a digit or hold a colon.
    var mayBeLiteral: Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[bytes.count - 1]) || bytes.contains(UInt8(ascii: ":"))
    }

    /// The name if it is valid UTF-8, unescaped.
    package var text: String? { String(validating: bytes, as: UTF8.self) }
}

extension HostName: CustomStringConvertible {
    /// Printable ASCII as it is; every other byte and the backslash as `\xNN`.
    package var description: String {
        var text = ""
        for byte in bytes {
            if (0x21...0x7e).contains(byte), byte != UInt8(ascii: "\\") {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let hex = String(byte, radix: 16)
                text += hex.utf8.count == 1 ? "\\x0" + hex : "\\x" + hex
            }
        }
        return text
    }
}

/// A host and a port.
package struct TargetAddress: Hashable, Sendable {
    package enum Host: Hashable, Sendable {
        /// ATYP 1 and 4.
        case ip(IPAddress)
        /// ATYP 3; never an IP literal, those are `ip`.
        case name(HostName)
    }

    package var host: Host
    package var port: UInt16

    package init(_ host: Host, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// A host in text: an IP literal (IPv6 with or without brackets) or else a name. Nil if it can be neither.
    package init?(host text: some StringProtocol, port: UInt16) {
        var bare = Substring(text)
        if bare.first == "[", bare.last == "]" {
            bare = bare.dropFirst().dropLast()
            guard let address = IPv6Address(bare) else { return nil }
            self.init(.ip(.v6(address)), port: port)
        } else if let address = IPAddress(bare) {
            self.init(.ip(address), port: port)
        } else {
            guard let name = HostName(bare) else { return nil }
            self.init(.name(name), port: port)
        }
    }
}

extension TargetAddress: CustomStringConvertible {
    /// `host:port` for a log; IPv6 in brackets, foreign bytes escaped.
    package var description: String {
        switch host {
        case .ip(let address): Endpoint(address, port).description
        case .name(let name): "\(name):\(port)"
        }
    }
}
