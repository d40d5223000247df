// A client and a server that make a tunnel together, whichever programs they are: the same test bodies run
// over ours, over shadowsocks-libev, over sing-box and over every mixture.
import Foundation
import Testing

enum Program: String, Sendable, CaseIterable {
    case ours, libev, singbox
}

enum Front: String, Sendable, CaseIterable {
    case socks5, socks4, http
}

enum Method: String, Sendable, CaseIterable, CustomTestStringConvertible {
    case aes128 = "aes-128-gcm"
    case aes192 = "aes-192-gcm"
    case aes256 = "aes-256-gcm"
    case chacha20 = "chacha20-ietf-poly1305"
    case xchacha20 = "xchacha20-ietf-poly1305"
    case blake3AES128 = "2022-blake3-aes-128-gcm"
    case blake3AES256 = "2022-blake3-aes-256-gcm"
    case blake3ChaCha20 = "2022-blake3-chacha20-poly1305"

    var keyLength: Int {
        switch self {
        case .aes128, .blake3AES128: 16
        case .aes192: 24
        case .aes256, .chacha20, .xchacha20, .blake3AES256, .blake3ChaCha20: 32
        }
    }

    var is2022: Bool {
        switch self {
        case .aes128, .aes192, .aes256, .chacha20, .xchacha20: false
        case .blake3AES128, .blake3AES256, .blake3ChaCha20: true
        }
    }

    /// Whether a port may have users by SIP023.
    var hasUsers: Bool { self == .blake3AES128 || self == .blake3AES256 }

    /// The key of every test, worth nothing.
    var key: String { is2022 ? Self.key(7, keyLength) : RunningPair.key }

    /// Of a user.
    var userKey: String { Self.key(9, keyLength) }

    static func key(_ byte: UInt8, _ count: Int) -> String {
        Data(repeating: byte, count: count).base64EncodedString()
    }

    var saltLength: Int { keyLength }
    var testDescription: String { rawValue }
}

struct Pair: Sendable, Hashable, CustomTestStringConvertible {
    var client: Program
    var server: Program
    var method: Method = .aes256

    /// The pair most tests are about: ours, unless SS_E2E_CLIENT and SS_E2E_SERVER name peers to prove the
    /// tests themselves with.
    static let underTest = Pair(client: program("SS_E2E_CLIENT"), server: program("SS_E2E_SERVER"))

    /// The pair under test with `method`.
    static func underTest(_ method: Method) -> Pair {
        var pair = underTest
        pair.method = method
        return pair
    }

    var testDescription: String { "\(client.rawValue) to \(server.rawValue), \(method.rawValue)" }

    private static func program(_ variable: String) -> Program {
        ProcessInfo.processInfo.environment[variable].flatMap(Program.init(rawValue:)) ?? .ours
    }
}

/// What the peers cannot do, so that a test over a mixture asks only for what both ends promise.
extension Program {
    var fronts: Set<Front> {
        switch self {
        case .libev: [.socks5]
        case .ours, .singbox: [.socks5, .socks4, .http]
        }
    }

    /// Passes a FIN on without closing the other direction.
    var keepsHalfOpen: Bool { self == .ours }
    /// Datagrams above an Ethernet frame.
    var carriesLargeDatagrams: Bool { self == .ours }
    /// Has `users` on its local port.
    var checksUsers: Bool { self != .libev }
    /// Follows RFC 1928 section 7: the association ends with its TCP connection.
    var endsAssociationWithStream: Bool { self != .libev }
    /// UDP ASSOCIATE takes datagrams from the TCP peer's address only.
    var checksAssociationSource: Bool { self == .ours }
    /// Says nothing to strangers (sing-box resets them).
    var isSilent: Bool { self != .singbox }
    var writesContractLog: Bool { self == .ours }
    /// Sends salt, header and payload in one write.
    var joinsFirstWrite: Bool { self != .singbox }
    /// Keeps back-pressure tight enough to be measured in megabytes.
    var isOurs: Bool { self == .ours }
}

/// Skips a test that the programs it is run over (here: not ours) cannot pass.
func needs(_ condition: Bool, _ what: String) throws {
    if !condition { try Test.cancel(Comment(rawValue: "not for this pair: \(what)")) }
}
