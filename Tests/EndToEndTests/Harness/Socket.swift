// A blocking socket whose every wait is bounded. Plain system calls, so that a test sees exactly what the
// kernel saw: a FIN and an RST, one segment and two, are different things here.
import Foundation
import Synchronization

enum SocketError: Error, Equatable {
    case timedOut(got: Int)
    case reset
    case refused
    case closedEarly(got: Int)
    case system(call: String, code: Int32)
}

final class Socket: Sendable {
    /// What a silent wait saw.
    enum Observation: Hashable, Sendable {
        case silence
        case data
        case fin
        case reset
    }

    let descriptor: Int32
    private let isOpen: Mutex<Bool> = Mutex(true)

    init(owning descriptor: Int32) { self.descriptor = descriptor }

    deinit { close() }

    func close() {
        isOpen.withLock { open in
            if open { _ = Foundation.close(descriptor) }
            open = false
        }
    }

    // MARK: Opening

    static func connected(to endpoint: Endpoint, from source: String? = nil, seconds: Double = 5) throws -> Socket {
        let socket = try made(endpoint.family, SOCK_STREAM)
        if let source { try socket.bind(Endpoint(source, 0)) }
        socket.setTimeout(SO_SNDTIMEO, seconds)
        let result = endpoint.withSocketAddress { connect(socket.descriptor, $0, $1) }
        if result != 0 {
            switch errno {
            case ECONNREFUSED: throw SocketError.refused
            case EINPROGRESS, EAGAIN, ETIMEDOUT: throw SocketError.timedOut(got: 0)
            case ECONNRESET: throw SocketError.reset
            case let code: throw SocketError.system(call: "connect", code: code)
            }
        }
        socket.setOption(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        return socket
    }

    static func listening(_ endpoint: Endpoint, backlog: Int32 = 4096) throws -> Socket {
        let socket = try made(endpoint.family, SOCK_STREAM)
        socket.setOption(SOL_SOCKET, SO_REUSEADDR, 1)
        try socket.bind(endpoint)
        guard listen(socket.descriptor, backlog) == 0 else { throw SocketError.system(call: "listen", code: errno) }
        _ = fcntl(socket.descriptor, F_SETFL, O_NONBLOCK)
        return socket
    }

    static func datagram(_ endpoint: Endpoint) throws -> Socket {
        let socket = try made(endpoint.family, SOCK_DGRAM)
        socket.setOption(SOL_SOCKET, SO_RCVBUF, 1 << 20)
        try socket.bind(endpoint)
        return socket
    }

    /// The next connection; nil once the listener has been woken.
    func accepted() -> Socket? {
        while true {
            var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&ready, 1, -1) >= 0 || errno == EINTR else { return nil }
            var failure: Int32 = 0
            let connection = SpawnPlan.inheritance.withLock { _ in
                let made = accept(descriptor, nil, nil)
                failure = errno
                if made >= 0 { _ = fcntl(made, F_SETFD, FD_CLOEXEC) }
                return made
            }
            if connection >= 0 {
                let socket = Socket(owning: connection)
                socket.setOption(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
                return socket
            }
            guard failure == EAGAIN || failure == ECONNABORTED || failure == EINTR else { return nil }
        }
    }

    private static func made(_ family: Int32, _ type: __socket_type) throws -> Socket {
        let descriptor = socket(family, Int32(type.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SocketError.system(call: "socket", code: errno) }
        return Socket(owning: descriptor)
    }

    private func bind(_ endpoint: Endpoint) throws {
        let result = endpoint.withSocketAddress { Foundation.bind(descriptor, $0, $1) }
        guard result == 0 else { throw SocketError.system(call: "bind", code: errno) }
    }

    // MARK: Facts

    var localEndpoint: Endpoint {
        Endpoint.filled { Int(getsockname(descriptor, $0, $1)) }.endpoint ?? Endpoint("0.0.0.0", 0)
    }

    var peerEndpoint: Endpoint {
        Endpoint.filled { Int(getpeername(descriptor, $0, $1)) }.endpoint ?? Endpoint("0.0.0.0", 0)
    }

    /// Segments with data the peer has sent so far (`tcpi_data_segs_in`): one write on loopback is one segment.
    var dataSegmentsReceived: Int {
        let offsetOfDataSegmentsIn = 152
        var info = [UInt8](repeating: 0, count: 256)
        var length = socklen_t(info.count)
        guard getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_INFO, &info, &length) == 0 else { return -1 }
        guard length >= offsetOfDataSegmentsIn + 4 else { return -1 }
        return info.withUnsafeBytes { Int($0.loadUnaligned(fromByteOffset: offsetOfDataSegmentsIn, as: UInt32.self)) }
    }

    /// Bytes written here that the peer's kernel has not acknowledged (SIOCOUTQ).
    var unacknowledged: Int {
        let siocoutq: UInt = 0x5411
        var count: Int32 = 0
        return ioctl(descriptor, siocoutq, &count) == 0 ? Int(count) : -1
    }

    // MARK: Options

    func setTimeout(_ option: Int32, _ seconds: Double) {
        var value = timeval(tv_sec: Int(seconds), tv_usec: Int((seconds - seconds.rounded(.down)) * 1_000_000))
        if value.tv_sec == 0, value.tv_usec == 0 { value.tv_usec = 1000 }
        setsockopt(descriptor, SOL_SOCKET, option, &value, socklen_t(MemoryLayout<timeval>.size))
    }

    func setOption(_ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    // MARK: Ending

    /// Sends FIN.
    func finish() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    /// Wakes whoever waits in this socket.
    func wake() { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// Sends RST.
    func reset() {
        var value = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
        close()
    }
}
