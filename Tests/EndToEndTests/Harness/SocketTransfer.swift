// Sending and receiving on `Socket`: all or nothing, with a time limit.
import Foundation

extension Socket {
    /// Writes all of `bytes`.
    func send(_ bytes: some Collection<UInt8>, seconds: Double = 10) throws {
        setTimeout(SO_SNDTIMEO, seconds)
        let bytes = Array(bytes)
        try bytes.withUnsafeBytes { try sendAll($0) }
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func sendAll(_ buffer: UnsafeRawBufferPointer) throws {
        var sent = 0
        while sent < buffer.count {
            let rest = UnsafeRawBufferPointer(rebasing: buffer[sent...])
            let count = Foundation.send(descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
            if count < 0 {
                if errno == EINTR { continue }
                throw failure("send", got: sent)
            }
            sent += count
        }
    }

    /// What is there, at most `limit` bytes; empty at the peer's FIN.
    func receive(_ limit: Int = 65_536, seconds: Double = 5) throws -> [UInt8] {
        setTimeout(SO_RCVTIMEO, seconds)
        var count = 0
        var failed: SocketError?
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, filled in
            repeat { count = recv(descriptor, buffer.baseAddress, limit, 0) } while count < 0 && errno == EINTR
            if count < 0 { failed = failure("recv", got: 0) }
            filled = max(0, count)
        }
        if let failed { throw failed }
        return bytes
    }

    /// Exactly `count` bytes.
    func receive(exactly count: Int, seconds: Double = 5) throws -> [UInt8] {
        var bytes: [UInt8] = []
        let deadline = Deadline(seconds)
        while bytes.count < count {
            guard !deadline.hasPassed else { throw SocketError.timedOut(got: bytes.count) }
            let part = try receive(count - bytes.count, seconds: deadline.secondsLeft)
            if part.isEmpty { throw SocketError.closedEarly(got: bytes.count) }
            bytes += part
        }
        return bytes
    }

    /// Everything up to the peer's FIN.
    func receiveToEnd(limit: Int = 16 << 20, seconds: Double = 10) throws -> [UInt8] {
        var bytes: [UInt8] = []
        let deadline = Deadline(seconds)
        while bytes.count <= limit {
            guard !deadline.hasPassed else { throw SocketError.timedOut(got: bytes.count) }
            let part = try receive(1 << 18, seconds: deadline.secondsLeft)
            if part.isEmpty { return bytes }
            bytes += part
        }
        throw HarnessError("more than \(limit) bytes came")
    }

    /// Bytes up to and with the first `mark`.
    func receive(through mark: String, seconds: Double = 5) throws -> String {
        var bytes: [UInt8] = []
        let mark = Array(mark.utf8)
        while !bytes.reversed().starts(with: mark.reversed()) {
            bytes += try receive(exactly: 1, seconds: seconds)
            guard bytes.count < 65_536 else { throw HarnessError("no end of the head in 64 KiB") }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Sends a datagram.
    func send(_ datagram: [UInt8], to endpoint: Endpoint) throws {
        let count = endpoint.withSocketAddress { address, length in
            sendto(descriptor, datagram, datagram.count, Int32(MSG_NOSIGNAL), address, length)
        }
        guard count == datagram.count else { throw SocketError.system(call: "sendto", code: errno) }
    }

    /// The next datagram and who sent it; nil when none comes in time.
    func receiveDatagram(seconds: Double = 2) -> (bytes: [UInt8], from: Endpoint)? {
        setTimeout(SO_RCVTIMEO, seconds)
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let (count, source) = Endpoint.filled { recvfrom(descriptor, &bytes, bytes.count, 0, $0, $1) }
        guard count >= 0, let source else { return nil }
        return (Array(bytes[..<count]), source)
    }

    /// What happens on the reading side at this moment, taking nothing.
    func observe() -> Observation {
        var byte: UInt8 = 0
        let count = recv(descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        if count > 0 { return .data }
        if count == 0 { return .fin }
        return errno == EAGAIN || errno == EWOULDBLOCK ? .silence : .reset
    }

    /// The first thing that happens on the reading side within `seconds`.
    func observe(for seconds: Double) -> Observation {
        let deadline = Deadline(seconds)
        while !deadline.hasPassed {
            let seen = observe()
            if seen != .silence { return seen }
            pause(0.002)
        }
        return observe()
    }

    private func failure(_ call: String, got: Int) -> SocketError {
        switch errno {
        case EAGAIN, EWOULDBLOCK: .timedOut(got: got)
        case ECONNRESET, EPIPE: .reset
        case let code: .system(call: call, code: code)
        }
    }
}
