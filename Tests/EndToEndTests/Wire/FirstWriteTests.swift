// Salt, header and first payload leave in one write (security.md 3.1), seen as segments by the kernel of a
// stand-in server that has no key.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct FirstWriteTests {
        private static let lengthChunk = 2 + 16
        private static let tag = 16

        /// The least a first flight can be: one chunk, or the header in a chunk of its own.
        private static func flightSizes(_ header: Int, _ payload: Int) -> [Int] {
            let salt = Pair.underTest.method.saltLength
            let together = salt + lengthChunk + header + payload + tag
            return [together, together + lengthChunk + tag]
        }

        @Test("payload that is there at once leaves with the header", arguments: [0.0, 0.003])
        func together(_ payloadWaits: Double) throws {
            try needs(Pair.underTest.client.joinsFirstWrite, "sends the header alone")
            try needs(Pair.underTest.client != .libev || payloadWaits == 0, "waits for nothing")
            try onStage { stage in
                let (running, tap) = try stage.clientBefore(.swallow)
                for round in 0..<20 {
                    let target = Target.name("example.com", 443)
                    let payload = Pattern.bytes(100 + round * 7)
                    let socket = try SOCKSClient.tunnel(via: running.front, to: target)
                    pause(payloadWaits)
                    try socket.send(payload)
                    let sizes = Self.flightSizes(target.header.count, payload.count)
                    _ = try tap.flight(round, atLeast: sizes[0])
                    pause(0.03)
                    let readings = tap.recorded[round]
                    #expect(readings.count == 1)
                    #expect(readings.last?.segments == 1, "one segment")
                    #expect(sizes.contains(readings.first?.bytes.count ?? 0), "\(readings.map(\.bytes.count))")
                }
            }
        }

        @Test("a request through the HTTP front leaves with the header", arguments: [CurlFront.http, .connect])
        func http(_ front: CurlFront) throws {
            try needs(Pair.underTest.client.joinsFirstWrite, "sends the header alone")
            try needs(Pair.underTest.client.fronts.contains(.http), "no HTTP front")
            try onStage { stage in
                let (running, tap) = try stage.clientBefore(.swallow)
                let arguments = front.arguments(running.front) + ["http://example.com/a/path"]
                _ = try stage.curl(arguments, seconds: 0.6)
                let first = try #require(tap.recorded.first?.first)
                #expect(first.segments == 1)
                let shortestRequest = "GET /a/path HTTP/1.1\r\nHost: example.com\r\n\r\n".utf8.count
                let header = Target.name("example.com", 80).header.count
                #expect(first.bytes.count >= Self.flightSizes(header, shortestRequest)[0])
            }
        }

        @Test func `a client that stays silent still gets its header sent, soon and alone`() throws {
            try needs(Pair.underTest.client.isOurs, "our waiting time")
            try onStage { stage in
                let (running, tap) = try stage.clientBefore(.swallow)
                let target = Target.name("example.com", 22)
                let socket = try SOCKSClient.tunnel(via: running.front, to: target)
                let size = Self.flightSizes(target.header.count, 0)[0]
                #expect(try tap.flight(atLeast: size, seconds: 2).count == size)
                let first = try #require(tap.recorded[0].first)
                Figures.show("header alone", "\(Int(first.at * 1000)) ms after the connection")
                #expect(first.at < 0.15)
                socket.close()
            }
        }

        @Test func `names go to the server as names and addresses as addresses`() throws {
            try onStage { stage in
                let (running, tap) = try stage.clientBefore(.swallow)
                let targets: [Target] = [
                    .name("no-such-host.invalid", 80), Target(Endpoint("192.0.2.1", 80)),
                    Target(Endpoint("2001:db8::1", 80)),
                ]
                for (index, target) in targets.enumerated() {
                    let socket = try SOCKSClient.tunnel(via: running.front, to: target)
                    try socket.send(Pattern.bytes(50))
                    let sizes = Self.flightSizes(target.header.count, 50)
                    let flight = try tap.flight(index, atLeast: sizes[0])
                    if Pair.underTest.client.joinsFirstWrite {
                        #expect(sizes.contains(flight.count), "\(target): \(flight.count)")
                    }
                }
            }
        }

        @Test func `first flights never repeat a salt`() throws {
            try onStage { stage in
                let (running, tap) = try stage.clientBefore(.swallow)
                var salts: Set<[UInt8]> = []
                for index in 0..<50 {
                    let socket = try SOCKSClient.tunnel(via: running.front, to: .name("example.com", 443))
                    try socket.send("x")
                    salts.insert(Array(try tap.flight(index, atLeast: 60).prefix(Pair.underTest.method.saltLength)))
                }
                #expect(salts.count == 50)
            }
        }

        @Test func `the server's salt leaves with its first payload`() throws {
            try onStage { stage in
                let (running, tap) = try stage.clientBefore(.swallow)
                let echo = try stage.echoOrigin()
                let socket = try SOCKSClient.tunnel(via: running.front, to: Target(echo.endpoint))
                try socket.send(Pattern.bytes(100))
                let size = Self.flightSizes(Target(echo.endpoint).header.count, 100)[0]
                let flight = try tap.flight(atLeast: size)
                let direct = try Socket.connected(to: running.serverEndpoint)
                try direct.send(flight)
                let answer = try direct.receive(seconds: 3)
                #expect(answer.count == Pair.underTest.method.saltLength + Self.lengthChunk + 100 + Self.tag)
                #expect(direct.dataSegmentsReceived == 1)
            }
        }
    }
}

extension Stage {
    /// The pair under test with a tap where the client believes its server is.
    func clientBefore(
        _ mode: Tap.Mode, startsServer: Bool = true, pair: Pair = .underTest
    ) throws -> (RunningPair, Tap) {
        let tap = try tap(mode)
        var options = PairOptions()
        options.serverPortSeenByClient = tap.endpoint.port
        options.startsServer = startsServer
        return (try run(pair, options), tap)
    }
}
