// The `mode` key: which of the two transports is served.

package enum RelayMode: String, CaseIterable, Sendable {
    /// Both; the default.
    case tcpAndUDP = "tcp_and_udp"
    /// Streams only.
    case tcpOnly = "tcp_only"
    /// Datagrams only.
    case udpOnly = "udp_only"

    package var hasTCP: Bool {
        switch self {
        case .tcpAndUDP, .tcpOnly: true
        case .udpOnly: false
        }
    }

    package var hasUDP: Bool {
        switch self {
        case .tcpAndUDP, .udpOnly: true
        case .tcpOnly: false
        }
    }
}
