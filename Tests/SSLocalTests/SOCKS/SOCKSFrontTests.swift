import NIOCore
import NIOPosix
import SSCommon
import SSNetwork
import Testing

@testable import sslocal

private let connectExample = join([5, 1, 0, 5, 1, 0, 3, 11], ascii("example.com"), [1, 187])
private let granted: [UInt8] = [5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0]

@Suite struct SOCKSFrontTests {
    @Test("greeting, request and early data in one segment reach the target, and bytes flow both ways")
    func pipelined() async throws {
        try await Front.with { front in
            let client = try await front.connect()
            try await client.send(join(connectExample, ascii("early")))
            let target = try await front.origin.accept()
            await target.take(through: "early")
            #expect(await client.wait { $0.bytes == granted })
            try await target.send("down")
            await client.take(through: "down")
            try await client.send("up")
            await target.take(through: "up")
            #expect(front.dialer.targets == [TargetAddress(host: "example.com", port: 443)!])
            client.close()
            #expect(await target.wait { $0.ended })
        }
    }

    @Test("a request that comes byte by byte works")
    func drip() async throws {
        try await Front.with { front in
            let client = try await front.connect()
            for byte in connectExample { try await client.send([byte]) }
            #expect(await client.wait { $0.bytes == granted })
        }
    }

    @Test("SOCKS4a and SOCKS4 work")
    func socks4() async throws {
        try await Front.with { front in
            let client = try await front.connect()
            try await client.send(join([4, 1, 1, 187, 0, 0, 0, 1, 0], ascii("example.com"), [0], ascii("early")))
            #expect(await client.wait { $0.bytes == [0, 90, 0, 0, 0, 0, 0, 0] })
            await (try front.origin.accept()).take(through: "early")
            #expect(front.dialer.targets == [TargetAddress(host: "example.com", port: 443)!])
        }
    }

    @Test("a user with the right password gets through")
    func password() async throws {
        try await Front.with(configure: { $0.users = FrontUsers([FrontUser(name: "a", password: "b")]) }) { front in
            let client = try await front.connect()
            try await client.send(join([5, 1, 2, 1, 1, 97, 1, 98], Array(connectExample[3...])))
            #expect(await client.wait { $0.bytes == join([5, 2, 1, 0], Array(granted[2...])) })
        }
    }

    @Test(
        "a failed dial is told with its code, then the connection ends",
        arguments: [
            (.refused, 5), (.unreachable, 4), (.nameNotFound, 4), (.timedOut, 6), (.notAllowed, 2), (.exhausted, 1),
            (.failed("x"), 1),
        ] as [(DialError, UInt8)])
    func dialFailure(error: DialError, code: UInt8) async throws {
        try await Front.with(failing: error) { front in
            let client = try await front.connect()
            // Early data that nobody reads must not turn the answer into a reset.
            try await client.send(join(connectExample, ascii("early")))
            #expect(await client.wait { $0.ended && $0.bytes == [5, 0, 5, code, 0, 1, 0, 0, 0, 0, 0, 0] })
            let old = try await front.connect()
            try await old.send([4, 1, 0, 80, 192, 0, 2, 1, 0])
            #expect(await old.wait { $0.ended && $0.bytes == [0, 91, 0, 0, 0, 0, 0, 0] })
        }
    }

    @Test("nothing is told and little is read before the dial has succeeded")
    func waitsForDial() async throws {
        let gate = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: Void.self)
        try await Front.with(gate: gate) { front in
            let client = try await front.connect()
            try await client.send(connectExample)
            let written = Locked(0)
            let flood = Task {
                for _ in 0..<512 {
                    try await client.send([UInt8](repeating: 7, count: 64 * 1024))
                    written.withLock { $0 += 1 }
                }
            }
            #expect(await client.wait { $0.bytes == [5, 0] })
            try await Task.sleep(for: .milliseconds(300))
            #expect(client.now.bytes == [5, 0])
            // 32 MiB are offered; what the kernel's buffers take is far less, and the rest waits.
            #expect(written.withLock { $0 } < 256)
            gate.succeed()
            #expect(await client.wait { $0.bytes == granted })
            let target = try await front.origin.accept()
            #expect(await target.wait { $0.bytes.count == 512 * 64 * 1024 })
            try await flood.value
        }
    }

    @Test("a client that ends its side while dialling still gets its bytes through, and the end too")
    func halfCloseWhileDialling() async throws {
        let gate = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: Void.self)
        try await Front.with(gate: gate) { front in
            let client = try await front.connect()
            try await client.send(join(connectExample, ascii("all")))
            try await client.finish()
            try await Task.sleep(for: .milliseconds(50))
            gate.succeed()
            let target = try await front.origin.accept()
            #expect(await target.takeAll() == "all")
            try await target.send("answer")
            await client.take(through: "answer")
        }
    }

    @Test("a client that is gone when the dial succeeds leaves no stream behind")
    func goneWhileDialling() async throws {
        let gate = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: Void.self)
        try await Front.with(gate: gate) { front in
            let client = try await front.connect()
            try await client.send(connectExample)
            #expect(await client.wait { !$0.bytes.isEmpty })
            try await client.reset()
            try await Task.sleep(for: .milliseconds(50))
            gate.succeed()
            let target = try await front.origin.accept()
            #expect(await target.wait { $0.ended })
        }
    }

    @Test(
        "noise, and protocols the port does not speak, are closed",
        arguments: [[22, 3, 1], [0], [255], [10]] as [[UInt8]])
    func noise(bytes: [UInt8]) async throws {
        try await Front.with { front in
            let client = try await front.connect()
            try await client.send(bytes)
            #expect(await client.wait { $0.ended && $0.bytes.isEmpty })
        }
        try await Front.with(configure: { $0.mode = .http }) { front in
            let client = try await front.connect()
            try await client.send(connectExample)
            #expect(await client.wait { $0.ended && $0.bytes.isEmpty })
        }
        try await Front.with(configure: { $0.mode = .socks }) { front in
            let client = try await front.connect()
            try await client.send("GET / HTTP/1.1\r\n\r\n")
            #expect(await client.wait { $0.ended && $0.bytes.isEmpty })
        }
    }

    @Test("UDP ASSOCIATE is answered with the bound address and dies with its connection")
    func associate() async throws {
        let died = Locked(false)
        let hints = Locked<[TargetAddress]>([])
        try await Front.with(configure: { configuration in
            configuration.openAssociation = { client, hint in
                hints.withLock { $0.append(hint) }
                client.closeFuture.whenComplete { _ in died.withLock { $0 = true } }
                return client.eventLoop.makeSucceededFuture(Endpoint(.v4(IPv4Address(127, 0, 0, 1)), 4242))
            }
        }) { front in
            let client = try await front.connect()
            try await client.send([5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, 0, 9])
            #expect(await client.wait { $0.bytes == [5, 0, 5, 0, 0, 1, 127, 0, 0, 1, 0x10, 0x92] })
            #expect(hints.withLock { $0 } == [TargetAddress(host: "0.0.0.0", port: 9)!])
            try await client.send("ignored")
            try await Task.sleep(for: .milliseconds(50))
            #expect(!died.withLock { $0 })
            try await client.finish()
            #expect(await client.wait { _ in died.withLock { $0 } })
            #expect(front.dialer.targets.isEmpty)
        }
    }

    @Test("UDP ASSOCIATE where UDP is not served is command not supported")
    func noUDP() async throws {
        try await Front.with { front in
            let client = try await front.connect()
            try await client.send([5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0])
            #expect(await client.wait { $0.ended && $0.bytes == [5, 0, 5, 7, 0, 1, 0, 0, 0, 0, 0, 0] })
        }
    }

    @Test("a failed association has its code")
    func failedAssociation() async throws {
        try await Front.with(configure: {
            $0.openAssociation = { client, _ in client.eventLoop.makeFailedFuture(DialError.exhausted) }
        }) { front in
            let client = try await front.connect()
            try await client.send([5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0])
            #expect(await client.wait { $0.ended && $0.bytes == [5, 0, 5, 1, 0, 1, 0, 0, 0, 0, 0, 0] })
        }
    }
}
