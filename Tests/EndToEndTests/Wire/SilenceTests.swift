// Strangers, probers and replays see one behaviour (security.md 0 and 2.5).
import Foundation
import Testing

extension EndToEnd {
    @Suite struct SilenceTests {
        private static let editions = [Method.aes256, .blake3AES256]

        @Test(
            "strangers see nothing, whatever they send",
            arguments: [Method.aes128, .aes256, .chacha20, .blake3AES128, .blake3AES256])
        func strangers(_ method: Method) throws {
            try needs(Pair.underTest.server.isSilent, "resets strangers")
            try onStage { stage in
                let pair = Pair.underTest(method)
                var options = PairOptions()
                options.startsClient = false
                let running = try stage.run(pair, options)
                let lengths = Array(0...100) + [169, 180, 220, 221, 222, 402, 1400, 4096, 7168, 17_408, 1 << 20]
                var inputs = lengths.map { (name: "\($0) random bytes", bytes: Probe.random($0)) }
                inputs += [
                    ("HTTP", Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)), ("SSH", Array("SSH-2.0-x\r\n".utf8)),
                    ("SOCKS5", [5, 1, 0]), ("TLS", [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3] + Probe.random(506)),
                    ("zeros", [UInt8](repeating: 0, count: 300)),
                ]
                Probe.expectSilence(try Probe.send(inputs, to: running.serverEndpoint))
                #expect(running.server?.isRunning == true)
            }
        }

        @Test("a replayed first flight sees nothing and dials nobody", arguments: editions)
        func replay(_ method: Method) throws {
            try needs(Pair.underTest.server.isSilent, "answers replays")
            try onStage { stage in
                let target = try stage.echoOrigin()
                let server = try Ports.free()
                let tap = try stage.tap(.forward(Endpoint("127.0.0.1", server)))
                let running = try stage.run(.underTest(method), through: tap, serverPort: server)
                let socket = try SOCKSClient.tunnel(via: running.front, to: Target(target.endpoint))
                try socket.send("hello")
                #expect(try socket.receive(exactly: 5) == Array("hello".utf8))
                let flight = try tap.flight(atLeast: 60)
                let replays = (0..<5).map { (name: "replay \($0)", bytes: flight) }
                let longer = [(name: "replay and more", bytes: flight + Probe.random(50))]
                Probe.expectSilence(try Probe.send(replays + longer, to: running.serverEndpoint))
                #expect(target.accepted == 1, "only the genuine connection was dialled")
                if Pair.underTest.server.writesContractLog {
                    #expect(eventually(5) { running.server?.refusals.count == 6 })
                }
            }
        }

        @Test("a first flight played again after the server was killed dials nobody", arguments: editions)
        func killed(_ method: Method) throws {
            try needs(Pair.underTest.server.isOurs, "our memory")
            try onStage { stage in
                let target = try stage.echoOrigin()
                let server = try Ports.free()
                let tap = try stage.tap(.forward(Endpoint("127.0.0.1", server)))
                var running = try stage.run(.underTest(method), through: tap, serverPort: server)
                for round in 0..<5 {
                    let socket = try SOCKSClient.tunnel(via: running.front, to: Target(target.endpoint))
                    try socket.send("hello")
                    #expect(try socket.receive(exactly: 5) == Array("hello".utf8))
                    running.server?.kill()
                    let again = try stage.restartServer(of: running)
                    running.server = again
                    let flights = try (0...round).map { (name: "flight \($0)", bytes: try tap.flight($0, atLeast: 60)) }
                    Probe.expectSilence(try Probe.send(flights, to: running.serverEndpoint))
                    #expect(target.accepted == round + 1, "only the genuine connections were dialled")
                    #expect(eventually(5) { again.refusals.count == round + 1 })
                }
            }
        }

        @Test("a datagram sent again after the server was killed reaches nobody", arguments: editions)
        func killedDatagrams(_ method: Method) throws {
            try needs(Pair.underTest.server.isOurs, "our memory")
            try onStage { stage in
                let echo = try stage.datagramOrigin()
                let between = try Socket.datagram(Endpoint("127.0.0.1", 0))
                var options = PairOptions()
                options.serverPortSeenByClient = between.localEndpoint.port
                var running = try stage.run(.underTest(method), options)
                let association = try Association(via: running.front)
                let thief = try Socket.datagram(Endpoint("127.0.0.1", 0))
                var recorded: [[UInt8]] = []
                for round in 1...4 {
                    try association.send([1, 2, 3], to: Target(echo.endpoint))
                    let (bytes, client) = try #require(between.receiveDatagram())
                    recorded.append(bytes)
                    try between.send(bytes, to: running.serverEndpoint)
                    try between.send(try #require(between.receiveDatagram(), "round \(round)").bytes, to: client)
                    #expect(try association.receive()?.payload == [1, 2, 3], "a session goes on behind a restart")
                    running.server?.kill()
                    running.server = try stage.restartServer(of: running)
                    for datagram in recorded { try thief.send(datagram, to: running.serverEndpoint) }
                    #expect(thief.receiveDatagram(seconds: 0.3) == nil)
                    #expect(echo.received == round, "only the genuine datagrams went on")
                }
            }
        }

        @Test(
            "any flipped bit in salt or header sees nothing; the flight itself, played at last, works",
            arguments: editions)
        func flips(_ method: Method) throws {
            try needs(Pair.underTest.server.isSilent, "resets strangers")
            try onStage { stage in
                let target = try stage.echoOrigin()
                let (running, tap) = try stage.clientBefore(.swallow, pair: .underTest(method))
                let socket = try SOCKSClient.tunnel(via: running.front, to: Target(target.endpoint))
                try socket.send("hello")
                let header = Target(target.endpoint).header.count
                let flight = try tap.settledFlight(atLeast: method.saltLength + 18 + header + 16 + 5)
                // In SIP022 all of it is header, the payload too.
                let bytesOfFirstChunk = method.is2022 ? flight.count : method.saltLength + 18 + header + 16
                let flips = (0..<min(bytesOfFirstChunk, 120) * 8).map { bit in
                    var bytes = flight
                    bytes[bit / 8] ^= 1 << (bit % 8)
                    return (name: "bit \(bit % 8) of byte \(bit / 8)", bytes: bytes)
                }
                let cuts = (0..<bytesOfFirstChunk).map { (name: "cut to \($0)", bytes: Array(flight[..<$0])) }
                Probe.expectSilence(try Probe.send(flips + cuts, to: running.serverEndpoint))
                #expect(target.accepted == 0)

                let genuine = try Socket.connected(to: running.serverEndpoint)
                try genuine.send(flight)
                #expect(genuine.observe(for: 2) == .data)
                #expect(target.accepted == 1)
            }
        }

        @Test("a genuine request one byte at a time works", arguments: editions)
        func drip(_ method: Method) throws {
            try onStage { stage in
                let target = try stage.echoOrigin()
                let server = try Ports.free()
                let tap = try stage.tap(.drip(Endpoint("127.0.0.1", server)))
                let running = try stage.run(.underTest(method), through: tap, serverPort: server)
                let socket = try SOCKSClient.tunnel(via: running.front, to: Target(target.endpoint))
                let message = Pattern.bytes(300)
                try socket.send(message)
                #expect(try socket.receive(exactly: 300) == message)
            }
        }

        @Test("a server's answer played back as a request sees nothing", arguments: editions)
        func reflection(_ method: Method) throws {
            try needs(Pair.underTest.server.isSilent, "resets strangers")
            try onStage { stage in
                let target = try stage.echoOrigin()
                let (running, tap) = try stage.clientBefore(.swallow, pair: .underTest(method))
                let socket = try SOCKSClient.tunnel(via: running.front, to: Target(target.endpoint))
                try socket.send(Pattern.bytes(200))
                let first = try Socket.connected(to: running.serverEndpoint)
                try first.send(try tap.settledFlight(atLeast: 260))
                let answer = try first.receive()
                Probe.expectSilence(try Probe.send([("reflection", answer)], to: running.serverEndpoint))
                #expect(target.accepted == 1)
            }
        }

        @Test("datagrams that do not authenticate are not answered", arguments: editions + [.blake3ChaCha20])
        func datagrams(_ method: Method) throws {
            try onStage { stage in
                var options = PairOptions()
                options.startsClient = false
                let running = try stage.run(.underTest(method), options)
                let socket = try Socket.datagram(Endpoint("127.0.0.1", 0))
                for size in Array(0...100) + [221, 1400, 60_000] {
                    try socket.send(Probe.random(size), to: running.serverEndpoint)
                }
                #expect(socket.receiveDatagram(seconds: 1) == nil)
                #expect(running.server?.isRunning == true)
            }
        }

        @Test func `10,000 silent connections cost little and a genuine request is still served`() throws {
            try onStage { stage in
                let running = try stage.run(Pair.underTest)
                let server = try #require(running.server)
                let before = server.residentBytes
                let count = min(10_000, raisedDescriptorLimit - 500)
                var silent: [Socket] = []
                for index in 0..<count {
                    let socket = try Socket.connected(to: running.serverEndpoint, from: Probe.source(index))
                    if index % 2 == 0 { try socket.send(Pattern.bytes(100)) }
                    silent.append(socket)
                }
                pause(1)
                let grown = server.residentBytes - before
                let ended = silent.count { $0.observe() != .silence }
                Figures.show(
                    "\(count) silent connections",
                    "server grew \(grown >> 10) KiB (\(grown / count) bytes each); \(ended) were ended by it")
                if Pair.underTest.server.isOurs { #expect(grown < 40 << 20) }
                if Pair.underTest.server.isSilent { #expect(ended == 0) }

                let echo = try stage.echoOrigin()
                let (answer, seconds) = try timed {
                    let socket = try SOCKSClient.tunnel(via: running.front, to: Target(echo.endpoint))
                    try socket.send("x")
                    return try socket.receive(exactly: 1)
                }
                #expect(answer == Array("x".utf8))
                #expect(seconds < 1)
                silent.forEach { $0.close() }
                #expect(eventually(5) { server.descriptorCount < 100 }, "their descriptors come back")
            }
        }
    }
}

extension Stage {
    /// The pair with a tap between its halves that was started first and knows the server's port.
    func run(_ pair: Pair, through tap: Tap, serverPort: UInt16) throws -> RunningPair {
        var options = PairOptions()
        options.serverPortSeenByClient = tap.endpoint.port
        options.serverPort = serverPort
        return try run(pair, options)
    }
}
