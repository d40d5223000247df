// Ours with the programs of others, as client and as server, every method both know (protocol.md 1.2).
import Foundation
import Testing

enum Interop {
    static let pairs: [Pair] = Method.allCases.flatMap { method in
        (method.is2022 ? [Program.singbox] : [.libev, .singbox]).flatMap { peer in
            [
                Pair(client: .ours, server: peer, method: method),
                Pair(client: peer, server: .ours, method: method),
            ]
        }
    }

    /// 1 MB down by address, 1 MB up by name, digests compared.
    static func exerciseStreams(_ stage: Stage, _ running: RunningPair) throws {
        let size = 1_000_000
        let source = try stage.sourceOrigin(size)
        let down = try SOCKSClient.tunnel(via: running.front, to: Target(source.endpoint))
        let digest = Digest()
        digest.add(try down.receive(exactly: size, seconds: 20))
        #expect(digest.hex() == Pattern.digest(size))
        down.close()

        let echo = try stage.echoOrigin()
        let up = try SOCKSClient.tunnel(via: running.front, to: .name("localhost", echo.endpoint.port))
        startThread { try? Pattern.send(size, on: up) }
        let returned = Digest()
        returned.add(try up.receive(exactly: size, seconds: 20))
        #expect(returned.hex() == Pattern.digest(size))
        up.close()
    }

    /// Datagrams of several sizes to an address and to a name.
    static func exerciseDatagrams(_ stage: Stage, _ running: RunningPair) throws {
        let echo = try stage.datagramOrigin()
        let association = try Association(via: running.front)
        for target in [Target(echo.endpoint), .name("localhost", echo.endpoint.port)] {
            for size in [1, 64, 512, 1300] {
                let payload = Pattern.bytes(size)
                try association.send(payload, to: target)
                let answer = try #require(try association.receive(), "\(size) bytes to \(target)")
                #expect(answer.payload == payload)
                #expect(answer.from == echo.endpoint)
            }
        }
    }
}

extension EndToEnd {
    @Suite struct InteropTests {
        @Test("1 MB each way and datagrams with another program", arguments: Interop.pairs)
        func interop(_ pair: Pair) throws {
            try onStage { stage in
                let running = try stage.run(pair)
                try Interop.exerciseStreams(stage, running)
                try Interop.exerciseDatagrams(stage, running)
            }
        }

        @Test(
            "1 MB each way and datagrams of a user of a port",
            arguments: Method.allCases.filter(\.hasUsers).flatMap { method in
                [(Program.ours, Program.ours), (.ours, .singbox), (.singbox, .ours)].map { client, server in
                    Pair(client: client, server: server, method: method)
                }
            })
        func users(_ pair: Pair) throws {
            try onStage { stage in
                var options = PairOptions()
                options.hasUser = true
                let running = try stage.run(pair, options)
                try Interop.exerciseStreams(stage, running)
                try Interop.exerciseDatagrams(stage, running)
            }
        }

        @Test("our client with our server", arguments: Method.allCases)
        func ours(_ method: Method) throws {
            try onStage { stage in
                var pair = Pair.underTest
                pair.method = method
                let running = try stage.run(pair)
                try Interop.exerciseStreams(stage, running)
                try Interop.exerciseDatagrams(stage, running)
            }
        }
    }
}
