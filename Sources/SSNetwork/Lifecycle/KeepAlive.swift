// TCP keep-alive: how a peer that vanished without a word is noticed, an absorbed prober's included.
internal import NIOCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Probes after `idle` seconds of silence, then every `interval`; after `count` without answer the connection is dead.
package struct KeepAlive: Hashable, Sendable {
    package var idle: CInt
    private static let interval = 30
    private static let count = 4

    /// `idle` of 1 second or more.
    package init(idle: CInt = 60) {
        self.idle = max(1, idle)
    }

    /// The socket options, for a listener (whose accepted sockets inherit them) or a connection.
    var options: [(ChannelOptions.Types.SocketOption, Int)] {
        #if canImport(Darwin)
            let idleOption = TCP_KEEPALIVE
        #else
            let idleOption = TCP_KEEPIDLE
        #endif
        return [
            (.init(level: .socket, name: .so_keepalive), 1),
            (.init(level: .tcp, name: .init(rawValue: idleOption)), Int(idle)),
            (.init(level: .tcp, name: .init(rawValue: TCP_KEEPINTVL)), Self.interval),
            (.init(level: .tcp, name: .init(rawValue: TCP_KEEPCNT)), Self.count),
        ]
    }
}

#if os(Linux)
    extension KeepAlive {
        /// Sets `socket` up; throws `IOError`.
        func apply(to socket: PolledSocket) throws {
            for (option, value) in options {
                try socket.setSocketOption(
                    option.optionLevel.rawValue, option.optionName.rawValue, CInt(clamping: value))
            }
        }
    }
#endif
