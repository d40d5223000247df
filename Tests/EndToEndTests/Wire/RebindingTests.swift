// A name server that lies: every name is a permitted address one time and this machine the next, or both at once. What is
// connected to is what was judged, so nothing but the permitted address is ever reached.
import Foundation
import Synchronization
import Testing

/// Answers by UDP, with what `answers` says for the number in the name's first label and how often it was asked before.
private final class LyingResolver: Sendable {
    let endpoint: Endpoint
    private let socket: Socket
    private let state = Mutex((asked: [[UInt8]: Int](), count: 0, isStopped: false))

    init(_ answers: @escaping @Sendable (_ number: Int, _ before: Int, _ isIPv6: Bool) -> [[UInt8]]) throws {
        endpoint = Endpoint("127.0.0.1", try Ports.free())
        socket = try Socket.datagram(endpoint)
        startThread { [self] in
            while !state.withLock({ $0.isStopped }) {
                guard let (query, sender) = socket.receiveDatagram(seconds: 0.25) else { continue }
                guard let reply = answer(query, answers) else { continue }
                try? socket.send(reply, to: sender)
            }
        }
    }

    var count: Int { state.withLock { $0.count } }
    func stop() { state.withLock { $0.isStopped = true } }

    /// RFC 1035 4: the question again, and an answer of ttl 0 for each address; nil for what is no query.
    private func answer(
        _ query: [UInt8], _ answers: (_ number: Int, _ before: Int, _ isIPv6: Bool) -> [[UInt8]]
    ) -> [UInt8]? {
        guard query.count > 16, let end = query[12...].firstIndex(of: 0), query.count >= end + 5 else { return nil }
        let question = Array(query[12..<end + 5])
        let type = UInt16(query[end + 1]) << 8 | UInt16(query[end + 2])
        let label = query[13..<13 + Int(query[12])]
        guard type == 1 || type == 28, let number = Int(String(decoding: label, as: UTF8.self).dropFirst()) else {
            return Array(query[0..<2]) + [0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0] + question
        }
        let before = state.withLock { state in
            state.count += 1
            defer { state.asked[question, default: 0] += 1 }
            return state.asked[question] ?? 0
        }
        let addresses = answers(number, before, type == 28)
        var reply = Array(query[0..<2]) + [0x81, 0x80, 0, 1, 0, UInt8(addresses.count), 0, 0, 0, 0] + question
        for address in addresses {
            reply += [0xc0, 12] + type.bigEndianBytes + [0, 1, 0, 0, 0, 0, 0, UInt8(address.count)] + address
        }
        return reply
    }
}

extension EndToEnd {
    @Suite struct RebindingTests {
        private static let permitted: [UInt8] = [127, 0, 0, 2]
        private static let forbidden: [[UInt8]] = [[127, 0, 0, 1], [0, 0, 0, 0], [169, 254, 169, 254]]
        private static let forbiddenIPv6 = ["::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "::"].map {
            Endpoint($0, 0).addressBytes
        }
        private static let names = 1000

        /// Every way to lie: turn about, in one answer, in either order, in the other family.
        private static func lie(_ number: Int, _ before: Int, _ isIPv6: Bool) -> [[UInt8]] {
            let bad = forbidden[number % forbidden.count]
            if isIPv6 { return number % 2 == 0 ? [forbiddenIPv6[number % forbiddenIPv6.count]] : [] }
            switch number % 5 {
            case 0: return [before % 2 == 0 ? permitted : bad]
            case 1: return [before % 2 == 0 ? bad : permitted]
            case 2: return [permitted, bad]
            case 3: return [bad, permitted]
            default: return [bad]
            }
        }

        @Test func `a thousand names of a lying name server reach nothing that is forbidden`() throws {
            try needs(Pair.underTest.server.isOurs, "no such policy")
            try onStage { stage in
                let resolver = try LyingResolver(Self.lie)
                stage.atEnd { resolver.stop() }
                let server = try UserServer(
                    stage,
                    keys: [
                        "nameserver": "\(resolver.endpoint)", "egress": ["allow_private": ["127.0.0.2/32"]],
                    ])
                let client = try server.client(server.key)
                let port = try Ports.free()
                let open = try stage.origin("127.0.0.2", port: port) { connection in try connection.send("x") }
                let closed = try ["127.0.0.1", "::1"].map { host in
                    try stage.origin(host, port: port) { connection in try connection.send("x") }
                }
                let datagrams = try DatagramTrap(port)
                stage.atEnd { datagrams.stop() }
                var reached = 0
                let association = try Association(via: client.front)
                for number in 0..<Self.names {
                    let name = Target.name("n\(number).rebinding.test", port)
                    // Twice, so that each turn is seen.
                    for _ in 0..<2 {
                        let tunnel = try SOCKSClient.tunnel(via: client.front, to: name)
                        if (try? tunnel.receive(exactly: 1)) == [0x78] { reached += 1 }
                        tunnel.close()
                        try association.send([1], to: name)
                    }
                }
                #expect(closed.map(\.accepted) == [0, 0], "of \(Self.names) names")
                #expect(eventually(3) { datagrams.permitted > 0 })
                #expect(datagrams.forbidden == 0, "of \(Self.names) names")
                // The lies were told, and what is permitted was reached: not everything was refused.
                #expect(resolver.count >= Self.names)
                #expect(reached == open.accepted && reached >= Self.names / 2, "\(reached)")
            }
        }
    }
}

/// UDP sockets at one port: of the permitted address, and of the forbidden ones.
private final class DatagramTrap: Sendable {
    private let state = Mutex((permitted: 0, forbidden: 0, isStopped: false))

    init(_ port: UInt16) throws {
        for host in ["127.0.0.2", "127.0.0.1", "::1"] {
            let socket = try Socket.datagram(Endpoint(host, port))
            startThread { [self] in
                while !state.withLock({ $0.isStopped }) {
                    guard socket.receiveDatagram(seconds: 0.25) != nil else { continue }
                    state.withLock { if host == "127.0.0.2" { $0.permitted += 1 } else { $0.forbidden += 1 } }
                }
            }
        }
    }

    var permitted: Int { state.withLock { $0.permitted } }
    var forbidden: Int { state.withLock { $0.forbidden } }
    func stop() { state.withLock { $0.isStopped = true } }
}
