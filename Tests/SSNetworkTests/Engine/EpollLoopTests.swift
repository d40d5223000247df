#if os(Linux)
    import Glibc
    import struct NIOConcurrencyHelpers.NIOLockedValueBox
    import NIOCore
    import SSCommon
    import Synchronization
    import Testing

    @testable import SSNetwork

    @Suite("Our event loops", .serialized)
    struct EpollLoopTests {
        private final class Seen: Sendable {
            private let byThread = NIOLockedValueBox<[Int: [Int]]>([:])
            func add(_ number: Int, from thread: Int) {
                byThread.withLockedValue { $0[thread, default: []].append(number) }
            }
            func numbers(from thread: Int) -> [Int] { byThread.withLockedValue { $0[thread] ?? [] } }
        }

        @Test("Tasks of one thread run in order, and those of many all run")
        func tasks() async throws {
            let group = EpollLoopGroup(threads: 1)
            let loop = group.next()
            let seen = Seen()
            await withTaskGroup { tasks in
                for thread in 0..<8 {
                    tasks.addTask {
                        for number in 0..<2000 {
                            loop.execute {
                                loop.preconditionInEventLoop()
                                seen.add(number, from: thread)
                            }
                        }
                    }
                }
            }
            try await loop.submit {}.get()
            for thread in 0..<8 { #expect(seen.numbers(from: thread) == Array(0..<2000)) }
            try await group.shutdownGracefully()
        }

        @Test("Scheduled things happen when they are due, repeated ones again, cancelled ones never")
        func timers() async throws {
            let group = EpollLoopGroup(threads: 1)
            let loop = group.next()
            let start = NIODeadline.now()
            let late = loop.scheduleTask(in: .milliseconds(80)) { NIODeadline.now() }
            let never = loop.scheduleTask(in: .milliseconds(20)) { Issue.record("was cancelled") }
            never.cancel()
            #expect(try await late.futureResult.get() - start >= .milliseconds(80))
            await #expect(throws: EventLoopError.self) { try await never.futureResult.get() }
            let count = Atomic(0)
            let third = loop.makePromise(of: Void.self)
            loop.scheduleRepeatedTask(initialDelay: .milliseconds(5), delay: .milliseconds(5)) { task in
                if count.add(1, ordering: .relaxed).newValue == 3 {
                    task.cancel()
                    third.succeed()
                }
            }
            try await third.futureResult.get()
            try await Task.sleep(for: .milliseconds(50))
            #expect(count.load(ordering: .relaxed) == 3)
            try await group.shutdownGracefully()
        }

        @Test("A group that ends closes what is open, tells who waits, and takes nothing more")
        func shutdown() async throws {
            let group = EpollLoopGroup(threads: 2)
            let loops = LoopContexts(group, ledger: TrafficLedger())
            let log = EngineLog()
            let listener = try await StreamListener.bind(
                ListenAddress(Endpoint(.v4(IPv4Address(127, 0, 0, 1)), 0)), group: group, loops: loops
            ) { channel, _, _ in
                StreamSocketOptions.applyForHandshake(to: channel)
                try channel.pipeline.syncOperations.addHandler(Recorder(log))
            }.get()
            let peers = (0..<20).map { _ in Peer.connected(to: listener.address?.port ?? 0) }
            for peer in peers { peer.write([1]) }
            #expect(await log.comes { _ in log.bytes.count == 20 })
            // Asked now: a loop that has ended answers nobody.
            let waiting = group.next().scheduleTask(in: .hours(1)) {}
            let outcome = Task { try await waiting.futureResult.get() }
            try await Task.sleep(for: .milliseconds(100))
            try await group.shutdownGracefully()
            await #expect(throws: EventLoopError.self) { try await outcome.value }
            for peer in peers { #expect(peer.readToEnd().bytes.isEmpty) }
            #expect(log.all.count { $0 == .inactive } == 20)
            group.next().execute { Issue.record("the loop has ended") }
        }

        @Test("Connections are spread over the loops even if they come one by one")
        func balance() async throws {
            let group = EpollLoopGroup(threads: 2)
            let loops = LoopContexts(group, ledger: TrafficLedger())
            let places = NIOLockedValueBox<[ObjectIdentifier: Int]>([:])
            let listener = try await StreamListener.bind(
                ListenAddress(Endpoint(.v4(IPv4Address(127, 0, 0, 1)), 0)), group: group, loops: loops
            ) { channel, _, _ in places.withLockedValue { $0[ObjectIdentifier(channel.eventLoop), default: 0] += 1 } }
            .get()
            var peers: [Peer] = []
            for number in 1...40 {
                peers.append(Peer.connected(to: listener.address?.port ?? 0))
                while places.withLockedValue({ $0.values.reduce(0, +) }) < number {
                    try await Task.sleep(for: .milliseconds(5))
                }
            }
            let counts = places.withLockedValue { Array($0.values) }
            #expect(counts.count == 2 && counts.min() ?? 0 >= 12, "\(counts)")
            try await listener.close().get()
            try await group.shutdownGracefully()
        }

        @Test("A port that is taken is refused with the reason")
        func taken() async throws {
            let group = EpollLoopGroup(threads: 1)
            let loops = LoopContexts(group, ledger: TrafficLedger())
            let (holder, port) = Peer.listening()
            let bound = StreamListener.bind(
                ListenAddress(Endpoint(.v4(IPv4Address(127, 0, 0, 1)), port)), group: group, loops: loops
            ) { _, _, _ in }
            let error = await #expect(throws: IOError.self) { try await bound.get() }
            #expect(error?.errnoCode == EADDRINUSE)
            holder.close()
            try await group.shutdownGracefully()
        }
    }
#endif
