// The far ends of a relay under test: blocking sockets on loopback, as a program without our code would have them.
import NIOCore
import SSCommon

@testable import SSNetwork

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A TCP socket of the test's own. Nothing waits longer than 20 seconds.
final class Peer {
    /// How the other side's sending came to its end.
    enum Ending: Equatable {
        /// FIN.
        case end
        /// RST.
        case reset
        /// Neither in time.
        case silence
    }

    private var descriptor: CInt

    init(_ descriptor: CInt) {
        self.descriptor = descriptor
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close() }

    /// A listening socket on loopback; `accept` it.
    static func listening(backlog: CInt = 8) -> (peer: Peer, port: UInt16) {
        let peer = Peer(socket(AF_INET, streamType, 0))
        let isBound = SocketAddress(loopback(0)).withSockAddr { bind(peer.descriptor, $0, socklen_t($1)) }
        precondition(isBound == 0 && listen(peer.descriptor, backlog) == 0)
        var name = sockaddr()
        var length = socklen_t(MemoryLayout<sockaddr>.size)
        getsockname(peer.descriptor, &name, &length)
        return (peer, Endpoint(&name)?.port ?? 0)
    }

    /// Connects; a `receiveBuffer` keeps what the kernel takes on this side small.
    static func connected(to port: UInt16, receiveBuffer: CInt? = nil) -> Peer {
        let peer = Peer(socket(AF_INET, streamType, 0))
        if var receiveBuffer {
            setsockopt(
                peer.descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, socklen_t(MemoryLayout<CInt>.size))
        }
        let isConnected = SocketAddress(loopback(port)).withSockAddr { connect(peer.descriptor, $0, socklen_t($1)) }
        precondition(isConnected == 0)
        return peer
    }

    /// A connection that nobody may ever accept; does not wait for it.
    static func connecting(to port: UInt16) -> Peer {
        let peer = Peer(socket(AF_INET, streamType, 0))
        _ = fcntl(peer.descriptor, F_SETFL, fcntl(peer.descriptor, F_GETFL) | O_NONBLOCK)
        _ = SocketAddress(loopback(port)).withSockAddr { connect(peer.descriptor, $0, socklen_t($1)) }
        return peer
    }

    /// A socket for `reach`.
    static func unconnected() -> Peer { Peer(socket(AF_INET, streamType, 0)) }

    /// Connects; false if that is refused.
    @discardableResult
    func reach(_ port: UInt16) -> Bool {
        SocketAddress(Self.loopback(port)).withSockAddr { connect(descriptor, $0, socklen_t($1)) } == 0
    }

    func accepted() -> Peer { Peer(accept(descriptor, nil, nil)) }

    func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, noSignal) }
            if count <= 0 { return }
            rest = rest.dropFirst(count)
        }
    }

    /// One byte out of band, as telnet interrupts.
    func writeUrgent(_ byte: UInt8) {
        var byte = byte
        _ = send(descriptor, &byte, 1, noSignal | outOfBand)
    }

    /// Writes as much as is taken at once, in all at most `limit`; gives up after half a second without room.
    func writeUntilFull(limit: Int) -> Int {
        let block = [UInt8](repeating: 7, count: 64 * 1024)
        var total = 0
        var pauses = 0
        while total < limit, pauses < 10 {
            let count = block.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, noSignal | dontWait) }
            if count > 0 {
                total += count
                pauses = 0
            } else {
                pauses += 1
                usleep(50_000)
            }
        }
        return total
    }

    /// At most `limit` bytes of what is there or comes; empty at the end.
    func read(_ limit: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, limit, 0) }
        return Array(bytes.prefix(max(0, count)))
    }

    func read(exactly count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let more = read(count - bytes.count)
            if more.isEmpty { break }
            bytes += more
        }
        return bytes
    }

    /// Everything until the end; `pause` microseconds after every `step` bytes.
    func readToEnd(step: Int = 256 * 1024, pause: UInt32 = 0) -> (bytes: [UInt8], ending: Ending) {
        var all: [UInt8] = []
        var bytes = [UInt8](repeating: 0, count: step)
        while true {
            let count = bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, step, 0) }
            let code = errno
            if count == 0 { return (all, .end) }
            if count < 0 { return (all, code == ECONNRESET ? .reset : .silence) }
            all += bytes.prefix(count)
            if pause > 0 { usleep(pause) }
        }
    }

    /// How many bytes come, up to `limit`.
    func count(upTo limit: Int) -> Int {
        var bytes = [UInt8](repeating: 0, count: 256 * 1024)
        var total = 0
        while total < limit {
            let wanted = min(bytes.count, limit - total)
            let count = bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, wanted, 0) }
            if count <= 0 { break }
            total += count
        }
        return total
    }

    func endWriting() { shutdown(descriptor, CInt(shutWrite)) }

    func close() {
        #if canImport(Glibc)
            if descriptor >= 0 { _ = Glibc.close(descriptor) }
        #else
            if descriptor >= 0 { _ = Darwin.close(descriptor) }
        #endif
        descriptor = -1
    }

    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    private static func loopback(_ port: UInt16) -> Endpoint { Endpoint(.v4(IPv4Address(127, 0, 0, 1)), port) }
}

#if canImport(Glibc)
    private let streamType = CInt(SOCK_STREAM.rawValue)
    private let noSignal = CInt(MSG_NOSIGNAL)
    private let dontWait = CInt(MSG_DONTWAIT)
    private let outOfBand = CInt(MSG_OOB)
    private let shutWrite = SHUT_WR
#else
    private let streamType = SOCK_STREAM
    private let noSignal: CInt = 0
    private let dontWait = MSG_DONTWAIT
    private let outOfBand = MSG_OOB
    private let shutWrite = SHUT_WR
#endif
