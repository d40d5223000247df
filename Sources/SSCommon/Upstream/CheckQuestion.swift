// What a check says to a target, so that it answers and the answer proves the server: a Shadowsocks server seals nothing of
// its own, only what a target says. The target is one that the user's own traffic reached a short while ago; what it is asked
// depends on what that traffic began with. Nobody between laptop and server sees any of this.

package enum CheckQuestion: Hashable, Sendable {
    /// A TLS handshake's first message.
    case tls
    /// HEAD, in HTTP/1.1.
    case http
    /// Nothing: such a target speaks first.
    case wait

    /// What traffic that began with these bytes shows about its target; nil if that would not be answered for sure.
    package init?(firstBytes bytes: RawSpan) {
        func starts(_ text: StaticString) -> Bool {
            guard bytes.byteCount >= text.utf8CodeUnitCount else { return false }
            return text.withUTF8Buffer { expected in
                expected.indices.allSatisfy {
                    bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self) == expected[$0]
                }
            }
        }
        // A handshake record of TLS 1.0 or later with a ClientHello in it.
        if bytes.byteCount > 5, starts("\u{16}\u{3}"), bytes.unsafeLoad(fromByteOffset: 5, as: UInt8.self) == 1 {
            self = .tls
        } else if starts("GET /") || starts("HEAD /") || starts("POST /") {
            self = .http
        } else if starts("SSH-2.0-") {
            self = .wait
        } else {
            return nil
        }
    }

    /// What to send to `target`.
    package func bytes(for target: TargetAddress, random: inout some RandomNumberGenerator) -> [UInt8] {
        switch self {
        case .tls: ClientHello.record(for: target.host, &random)
        case .http: Array("HEAD / HTTP/1.1\r\nHost: \(Self.authority(target))\r\nConnection: close\r\n\r\n".utf8)
        case .wait: []
        }
    }

    /// Names with bytes that do not belong there never get this far; see `RecentTargets`.
    private static func authority(_ target: TargetAddress) -> String {
        let text = target.description
        return target.port == 80 ? String(text.dropLast(3)) : text
    }
}

/// RFC 8446 4.1.2: what every client sends, with no session to resume and keys that nobody keeps.
private enum ClientHello {
    static func record(for host: TargetAddress.Host, _ random: inout some RandomNumberGenerator) -> [UInt8] {
        var bytes: [UInt8] = [3, 3] + fresh(32, &random)
        bytes += [32] + fresh(32, &random)
        bytes += sized(suites.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] })
        bytes += [1, 0]
        bytes += sized(extensions(host, &random))
        let message = [1, 0, UInt8(bytes.count >> 8), UInt8(bytes.count & 255)] + bytes
        return [0x16, 3, 1] + sized(message)
    }

    private static let suites: [UInt16] = [
        0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8,
    ]

    private static func extensions(
        _ host: TargetAddress.Host, _ random: inout some RandomNumberGenerator
    ) -> [UInt8] {
        var result: [UInt8] = []
        if case .name(let name) = host { result += one(0, sized([0] + sized(name.bytes))) }
        result += one(10, sized([0, 29, 0, 23]))
        result += one(11, [1, 0])
        result += one(13, sized([4, 3, 8, 4, 4, 1, 5, 3, 8, 5, 5, 1, 8, 6, 6, 1]))
        result += one(43, [4, 3, 4, 3, 3])
        result += one(45, [1, 1])
        // Every 32 bytes are a public key of X25519 (RFC 7748 5).
        result += one(51, sized([0, 29] + sized(fresh(32, &random))))
        return result
    }

    private static func one(_ number: UInt8, _ content: [UInt8]) -> [UInt8] { [0, number] + sized(content) }

    private static func sized(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8(bytes.count >> 8), UInt8(bytes.count & 255)] + bytes
    }

    private static func fresh(_ count: Int, _ random: inout some RandomNumberGenerator) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    }
}
