// How streams end: each direction by itself, and with nothing lost (security.md 3.2, "close order").
import Foundation
import Synchronization
import Testing

extension EndToEnd {
    @Suite struct HalfCloseTests {
        @Test func `the client finishes first and still gets its answer`() throws {
            try needs(Pair.underTest.client.keepsHalfOpen && Pair.underTest.server.keepsHalfOpen, "half-close")
            try onStage { stage in
                let running = try stage.run(Pair.underTest)
                let origin = try stage.digestOrigin()
                for size in [0, 1, 3_000_000] {
                    let socket = try SOCKSClient.tunnel(via: running.front, to: Target(origin.endpoint))
                    try Pattern.send(size, on: socket)
                    socket.finish()
                    let answer = String(decoding: try socket.receiveToEnd(), as: UTF8.self)
                    #expect(answer == "\(size) \(Pattern.digest(size))\n", "\(size) bytes")
                }
            }
        }

        @Test func `the origin finishes first and still gets the rest`() throws {
            try needs(Pair.underTest.client.keepsHalfOpen && Pair.underTest.server.keepsHalfOpen, "half-close")
            try onStage { stage in
                let running = try stage.run(Pair.underTest)
                let result = Box()
                let origin = try stage.origin { connection in
                    try connection.send("all I have to say")
                    connection.finish()
                    let digest = Digest()
                    digest.add(try connection.receiveToEnd())
                    result.set("\(digest.count) \(digest.hex())")
                }
                let size = 3_000_000
                let socket = try SOCKSClient.tunnel(via: running.front, to: Target(origin.endpoint))
                // The first bytes a client sends may be what opens the tunnel's stream.
                try socket.send(Pattern.bytes(1))
                #expect(try socket.receiveToEnd() == Array("all I have to say".utf8))
                pause(0.3)
                try socket.send(Pattern.bytes(size).dropFirst())
                socket.finish()
                #expect(eventually { result.value != nil })
                #expect(result.value == "\(size) \(Pattern.digest(size))")
            }
        }

        @Test("what a target sent before its reset arrives", arguments: [0.0, 0.5])
        func resetAfterData(_ readerWaits: Double) throws {
            try onStage { stage in
                let running = try stage.run(Pair.underTest)
                let size = 200_000
                let origin = try stage.origin { connection in
                    _ = try connection.receive(1)
                    try Pattern.send(size, on: connection)
                    _ = eventually(2) { connection.unacknowledged == 0 }
                    connection.reset()
                }
                for _ in 0..<5 {
                    let socket = try SOCKSClient.tunnel(via: running.front, to: Target(origin.endpoint))
                    try socket.send("x")
                    pause(readerWaits)
                    let digest = Digest()
                    digest.add(try socket.receive(exactly: size))
                    #expect(digest.hex() == Pattern.digest(size))
                    #expect(socket.observe(for: 2) != .silence, "and then the connection ends")
                }
            }
        }

        @Test func `a client's reset ends the connection at the origin`() throws {
            try onStage { stage in
                let running = try stage.run(Pair.underTest)
                let echo = try stage.echoOrigin()
                let socket = try SOCKSClient.tunnel(via: running.front, to: Target(echo.endpoint))
                try socket.send("x")
                _ = try socket.receive(exactly: 1)
                socket.reset()
                #expect(eventually(3) { echo.openCount == 0 })
            }
        }

        @Test func `a server that speaks first is heard`() throws {
            try onStage { stage in
                let running = try stage.run(Pair.underTest)
                let origin = try stage.origin { connection in
                    try connection.send("220 ready\r\n")
                    _ = try connection.receive(seconds: 5)
                }
                let socket = try SOCKSClient.tunnel(via: running.front, to: Target(origin.endpoint))
                let (banner, seconds) = try timed { try socket.receive(through: "\r\n") }
                #expect(banner == "220 ready\r\n")
                #expect(seconds < 1)
            }
        }

        @Test func `small messages are not held back`() throws {
            try onStage { stage in
                let running = try stage.run(Pair.underTest)
                let echo = try stage.echoOrigin()
                let socket = try SOCKSClient.tunnel(via: running.front, to: Target(echo.endpoint))
                let message = Pattern.bytes(64)
                var times: [Double] = []
                for _ in 0..<300 {
                    let (_, seconds) = try timed {
                        try socket.send(message)
                        _ = try socket.receive(exactly: 64)
                    }
                    times.append(seconds * 1e6)
                }
                times.sort()
                Figures.show("ping-pong of 64 bytes", "median \(Int(times[150])) us, p99 \(Int(times[297])) us")
                #expect(times[150] < 10_000, "40 ms would be Nagle's algorithm waiting for a delayed ACK")
            }
        }
    }
}

/// A string one thread leaves for another.
final class Box: Sendable {
    private let content: Mutex<String?> = Mutex(nil)
    var value: String? { content.withLock { $0 } }
    func set(_ text: String) { content.withLock { $0 = text } }
}
