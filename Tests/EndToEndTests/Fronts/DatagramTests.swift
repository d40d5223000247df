// UDP through SOCKS5 (RFC 1928 section 7) and through a fixed tunnel; full cone (RFC 4787 section 4.1, 5).
import Foundation
import Testing

extension EndToEnd {
    @Suite struct DatagramTests {
        @Test func `one association reaches several targets and any host may answer it`() throws {
            try onStage { stage in
                let running = try stage.run(Pair.underTest)
                let targets = [
                    try stage.datagramOrigin(), try stage.datagramOrigin(), try stage.datagramOrigin(),
                ]
                let association = try Association(via: running.front)
                for (index, target) in targets.enumerated() {
                    try association.send([UInt8(index)], to: Target(target.endpoint))
                    let answer = try #require(try association.receive())
                    #expect(answer.payload == [UInt8(index)])
                    #expect(answer.from == target.endpoint)
                }
                let senders = Set(targets.compactMap(\.lastSender))
                #expect(senders.count == 1, "one socket at the server for all targets: \(senders)")

                let stranger = try Socket.datagram(Endpoint("127.0.0.1", 0))
                try stranger.send(Array("hi".utf8), to: try #require(senders.first))
                let unasked = try #require(try association.receive(), "full cone: a stranger's datagram arrives")
                #expect(unasked.payload == Array("hi".utf8))
                #expect(unasked.from == stranger.localEndpoint)
            }
        }

        @Test func `datagrams of every size from 1 to 1400 bytes come back whole`() throws {
            try onStage { stage in
                let running = try stage.run(Pair.underTest)
                let echo = try stage.datagramOrigin()
                let association = try Association(via: running.front)
                let all = Pattern.bytes(1400)
                let largest = Pair.underTest.client == .libev || Pair.underTest.server == .libev ? 1300 : 1400
                for size in 1...largest {
                    try association.send(Array(all[..<size]), to: Target(echo.endpoint))
                    let answer = try #require(try association.receive(), "\(size) bytes")
                    #expect(answer.payload.elementsEqual(all[..<size]), "\(size) bytes")
                }
            }
        }

        @Test func `datagrams near the largest possible come back whole`() throws {
            let pair = Pair.underTest
            try needs(pair.client.carriesLargeDatagrams && pair.server.carriesLargeDatagrams, "small buffers")
            try onStage { stage in
                let running = try stage.run(pair)
                let echo = try stage.datagramOrigin()
                let association = try Association(via: running.front)
                // 65,507 is UDP's own limit; salt, tag and address take up to 32 + 16 + 19 of it.
                for size in [1500, 9000, 32_768, 60_000, 65_507 - 32 - 16 - 19] {
                    let payload = Pattern.bytes(size)
                    try association.send(payload, to: Target(echo.endpoint))
                    let answer = try #require(try association.receive(), "\(size) bytes")
                    #expect(answer.payload == payload, "\(size) bytes")
                }
            }
        }

        @Test func `fragments and malformed datagrams are dropped`() throws {
            try onStage { stage in
                let running = try stage.run(Pair.underTest)
                let echo = try stage.datagramOrigin()
                let association = try Association(via: running.front)
                for fragment: UInt8 in [1, 127, 128, 255] {
                    try association.send([9], to: Target(echo.endpoint), fragment: fragment)
                }
                let header = Target(echo.endpoint).header
                for size in 0..<(3 + header.count) {
                    try association.socket.send(Array(([0, 0, 0] + header)[..<size]), to: association.relay)
                }
                try association.socket.send([0, 0, 0, 9] + header.dropFirst() + [1], to: association.relay)
                #expect(try association.receive(seconds: 0.5) == nil)
                #expect(echo.received == 0)
                try association.send([7], to: Target(echo.endpoint))
                #expect(try association.receive()?.payload == [7], "the association still works")
            }
        }

        @Test func `an association ends with its stream`() throws {
            try needs(Pair.underTest.client.endsAssociationWithStream, "keeps it")
            try onStage { stage in
                let running = try stage.run(Pair.underTest)
                let echo = try stage.datagramOrigin()
                let association = try Association(via: running.front)
                try association.send([1], to: Target(echo.endpoint))
                #expect(try association.receive() != nil)
                association.stream.close()
                pause(0.5)
                let before = echo.received
                try? association.send([2], to: Target(echo.endpoint))
                #expect(try association.receive(seconds: 0.5) == nil)
                #expect(echo.received == before)
            }
        }

        @Test func `an association serves the address of its stream only`() throws {
            try needs(Pair.underTest.client.checksAssociationSource, "takes all")
            try onStage { stage in
                let running = try stage.run(Pair.underTest)
                let echo = try stage.datagramOrigin()
                let association = try Association(via: running.front)
                let other = try Socket.datagram(Endpoint("127.0.0.2", 0))
                let datagram: [UInt8] = [0, 0, 0] + Target(echo.endpoint).header + [1]
                try other.send(datagram, to: association.relay)
                #expect(other.receiveDatagram(seconds: 0.5) == nil)
                #expect(echo.received == 0)
                try association.send([2], to: Target(echo.endpoint))
                #expect(try association.receive()?.payload == [2])
                try other.send(datagram, to: association.relay)
                #expect(other.receiveDatagram(seconds: 0.5) == nil)
                #expect(echo.received == 1)
            }
        }

        @Test func `a target that refuses does not end the association`() throws {
            try onStage { stage in
                let running = try stage.run(Pair.underTest)
                let echo = try stage.datagramOrigin()
                let closed = Endpoint("127.0.0.1", try Ports.free())
                let association = try Association(via: running.front)
                for round in 0..<5 {
                    try association.send([1], to: Target(closed))
                    try association.send([UInt8(round)], to: Target(echo.endpoint))
                    #expect(try association.receive()?.payload == [UInt8(round)])
                }
            }
        }
    }

    @Suite struct TunnelTests {
        @Test func `a fixed tunnel carries streams`() throws {
            try onStage { stage in
                let digest = try stage.digestOrigin()
                var options = PairOptions()
                options.tunnelTarget = digest.endpoint
                let running = try stage.run(Pair.underTest, options)
                try needs(Pair.underTest.client.keepsHalfOpen, "half-close")
                let socket = try Socket.connected(to: running.tunnel)
                try Pattern.send(1_000_000, on: socket)
                socket.finish()
                let answer = String(decoding: try socket.receiveToEnd(), as: UTF8.self)
                #expect(answer == "1000000 \(Pattern.digest(1_000_000))\n")
            }
        }

        @Test func `a fixed tunnel carries datagrams of several clients`() throws {
            try onStage { stage in
                let echo = try stage.datagramOrigin()
                var options = PairOptions()
                options.tunnelTarget = echo.endpoint
                let running = try stage.run(Pair.underTest, options)
                for round: UInt8 in 0..<2 {
                    for client: UInt8 in 0..<3 {
                        let socket = try Socket.datagram(Endpoint("127.0.0.1", 0))
                        let payload = [round, client] + Pattern.bytes(500)
                        try socket.send(payload, to: running.tunnel)
                        let answer = try #require(socket.receiveDatagram())
                        #expect(answer.bytes == payload)
                        #expect(answer.from == running.tunnel)
                    }
                }
            }
        }
    }
}
