// The tests' own tests: the same harness over programs that are known to work, so that a failure elsewhere
// is the fault of ours. Nothing of ours runs here.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct HarnessTests {
        @Test(
            "a pair of peers carries TCP and UDP",
            arguments: [
                Pair(client: .libev, server: .libev), Pair(client: .singbox, server: .singbox),
                Pair(client: .libev, server: .singbox), Pair(client: .singbox, server: .libev),
            ])
        func peers(_ pair: Pair) throws {
            try onStage { stage in
                let running = try stage.run(pair)
                try Interop.exerciseStreams(stage, running)
                try Interop.exerciseDatagrams(stage, running)
            }
        }

        @Test func `the digest of the pattern is the digest of its bytes`() {
            let digest = Digest()
            digest.add(Pattern.bytes(3_000_000))
            #expect(digest.hex() == Pattern.digest(3_000_000))
            let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
            #expect(Pattern.digest(0) == empty)
        }

        @Test func `a process that ends says how, and its group ends when it is killed`() throws {
            try onStage { stage in
                #expect(try stage.run("/bin/sh", ["-c", "echo out; echo err >&2; exit 7"]).exit == .status(7))
                let sleeper = try stage.start("/bin/sh", ["-c", "sleep 600 & wait"])
                #expect(sleeper.isRunning)
                sleeper.kill()
                #expect(sleeper.wait(seconds: 0) == .signal(SIGKILL))
            }
        }

        @Test func `half-close reaches an origin and its answer comes back`() throws {
            try onStage { stage in
                let origin = try stage.digestOrigin()
                let tap = try stage.tap(.forward(origin.endpoint))
                for endpoint in [origin.endpoint, tap.endpoint] {
                    let socket = try Socket.connected(to: endpoint)
                    try Pattern.send(3_000_000, on: socket)
                    socket.finish()
                    let answer = String(decoding: try socket.receiveToEnd(), as: UTF8.self)
                    #expect(answer == "3000000 \(Pattern.digest(3_000_000))\n")
                }
            }
        }

        @Test func `silence, data, FIN and RST are told apart`() throws {
            try onStage { stage in
                let origin = try stage.origin { connection in
                    switch try connection.receive(1) {
                    case [1]: try connection.send("x")
                    case [2]: connection.finish()
                    case [3]: connection.reset()
                    default: break
                    }
                    _ = try? connection.receive(seconds: 5)
                }
                let seen = try [UInt8](0...3).map { order in
                    let socket = try Socket.connected(to: origin.endpoint)
                    if order > 0 { try socket.send([order]) }
                    return socket.observe(for: 0.2)
                }
                #expect(seen == [.silence, .data, .fin, .reset])
            }
        }

        @Test func `one write is one segment and two are two`() throws {
            try onStage { stage in
                let tap = try stage.tap(.swallow)
                let socket = try Socket.connected(to: tap.endpoint)
                try socket.send(Pattern.bytes(3000))
                _ = try tap.flight(atLeast: 3000)
                #expect(tap.recorded[0].last?.segments == 1)
                try socket.send([1])
                _ = try tap.flight(atLeast: 3001)
                #expect(tap.recorded[0].last?.segments == 2)
            }
        }
    }
}
