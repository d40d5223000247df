// One port serves three protocols; the first byte a client sends tells them apart: 5 opens SOCKS5 (RFC 1928
// section 3), 4 opens SOCKS4 and 4a, a letter opens an HTTP method (RFC 9112 section 3).
import SSCommon

/// What a client speaks.
enum FrontProtocol: Hashable, Sendable, CaseIterable {
    /// RFC 1928.
    case socks5
    /// SOCKS4, 4a.
    case socks4
    /// RFC 9112, as a proxy.
    case http

    /// Nil for a byte none of the three can begin with (a TLS hello, a newline, noise).
    init?(firstByte: UInt8) {
        if firstByte == 5 {
            self = .socks5
        } else if firstByte == 4 {
            self = .socks4
        } else if firstByte.isLetter {
            self = .http
        } else {
            return nil
        }
    }
}
