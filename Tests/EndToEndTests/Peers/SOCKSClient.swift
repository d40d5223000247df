// A SOCKS5 client (RFC 1928) small enough to misbehave on purpose.
import Foundation

enum Target: Sendable, CustomStringConvertible {
    case address(Endpoint)
    case name(String, UInt16)

    init(_ endpoint: Endpoint) { self = .address(endpoint) }

    /// ATYP, address and port.
    var header: [UInt8] {
        switch self {
        case .address(let endpoint):
            [endpoint.isIPv6 ? 4 : 1] + endpoint.addressBytes + endpoint.port.bigEndianBytes
        case .name(let name, let port):
            [3, UInt8(name.utf8.count)] + Array(name.utf8) + port.bigEndianBytes
        }
    }

    var description: String {
        switch self {
        case .address(let endpoint): "\(endpoint)"
        case .name(let name, let port): "\(name):\(port)"
        }
    }
}

extension UInt16 {
    var bigEndianBytes: [UInt8] { [UInt8(self >> 8), UInt8(self & 0xff)] }
}

/// The proxy's answer to a request: the code of RFC 1928 section 6 and the bound address.
struct SOCKSReply {
    let code: UInt8
    let bound: Endpoint
}

enum SOCKSClient {
    static let greeting: [UInt8] = [5, 1, 0]

    /// A tunnel to `target` through the proxy; fails when the proxy does not answer "succeeded".
    static func tunnel(
        via proxy: Endpoint, to target: Target, early: [UInt8] = [], seconds: Double = 5
    ) throws -> Socket {
        let socket = try Socket.connected(to: proxy)
        try socket.send(greeting)
        guard try socket.receive(exactly: 2, seconds: seconds) == [5, 0] else {
            throw HarnessError("the proxy did not take the no-authentication method")
        }
        let reply = try request(1, target, on: socket, early: early, seconds: seconds)
        guard reply.code == 0 else { throw HarnessError("the proxy answered code \(reply.code) for \(target)") }
        return socket
    }

    /// Sends a request on a greeted connection and reads the answer.
    static func request(
        _ command: UInt8, _ target: Target, on socket: Socket, early: [UInt8] = [], seconds: Double = 5
    ) throws -> SOCKSReply {
        try socket.send([5, command, 0] + target.header + early)
        return try reply(on: socket, seconds: seconds)
    }

    static func reply(on socket: Socket, seconds: Double = 5) throws -> SOCKSReply {
        let head = try socket.receive(exactly: 4, seconds: seconds)
        guard head[0] == 5, head[3] == 1 || head[3] == 4 else { throw HarnessError("not a SOCKS5 reply: \(head)") }
        let rest = try socket.receive(exactly: head[3] == 1 ? 6 : 18, seconds: seconds)
        let port = UInt16(rest[rest.count - 2]) << 8 | UInt16(rest[rest.count - 1])
        return SOCKSReply(code: head[1], bound: Endpoint(text(of: Array(rest.dropLast(2))), port))
    }

    /// The literal of 4 or 16 address bytes.
    static func text(of address: [UInt8]) -> String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        inet_ntop(address.count == 4 ? AF_INET : AF_INET6, address, &text, socklen_t(text.count))
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

/// A UDP association (RFC 1928 section 7) and the datagram socket that uses it.
final class Association: Sendable {
    let stream: Socket
    let relay: Endpoint
    let socket: Socket

    init(via proxy: Endpoint) throws {
        stream = try Socket.connected(to: proxy)
        try stream.send(SOCKSClient.greeting)
        guard try stream.receive(exactly: 2) == [5, 0] else { throw HarnessError("no-authentication was refused") }
        let reply = try SOCKSClient.request(3, Target(Endpoint("0.0.0.0", 0)), on: stream)
        guard reply.code == 0 else { throw HarnessError("UDP ASSOCIATE was answered with code \(reply.code)") }
        relay = reply.bound.host == "0.0.0.0" ? Endpoint(proxy.host, reply.bound.port) : reply.bound
        socket = try Socket.datagram(Endpoint("127.0.0.1", 0))
    }

    func send(_ payload: [UInt8], to target: Target, fragment: UInt8 = 0) throws {
        try socket.send([0, 0, fragment] + target.header + payload, to: relay)
    }

    /// The next datagram: its payload and the address in its header.
    func receive(seconds: Double = 2) throws -> (payload: [UInt8], from: Endpoint)? {
        guard let (bytes, sender) = socket.receiveDatagram(seconds: seconds) else { return nil }
        guard sender == relay else { throw HarnessError("a datagram from \(sender), not from the relay \(relay)") }
        return try Self.parse(bytes)
    }

    static func parse(_ bytes: [UInt8]) throws -> (payload: [UInt8], from: Endpoint) {
        guard bytes.count >= 10, bytes[2] == 0, bytes[3] == 1 || bytes[3] == 4 else {
            throw HarnessError("not a SOCKS5 datagram: \(bytes.prefix(24))")
        }
        let end = bytes[3] == 1 ? 8 : 20
        guard bytes.count >= end + 2 else { throw HarnessError("a SOCKS5 datagram cut short") }
        let port = UInt16(bytes[end]) << 8 | UInt16(bytes[end + 1])
        return (Array(bytes[(end + 2)...]), Endpoint(SOCKSClient.text(of: Array(bytes[4..<end])), port))
    }
}
