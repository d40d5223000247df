#if os(Linux)
    import Glibc
    import NIOConcurrencyHelpers
    import NIOCore
    import SSCommon
    import Testing

    @testable import SSNetwork

    @Suite("Connecting on our engine", .serialized)
    struct ConnectingTests {
        private static func loopback(_ port: UInt16) -> Endpoint { Endpoint(.v4(IPv4Address(127, 0, 0, 1)), port) }

        @Test("A refusal is told to the caller and to no handler", arguments: EngineKind.allCases)
        func refused(_ kind: EngineKind) async throws {
            let group = kind.makeGroup()
            let (listening, port) = Peer.listening()
            listening.close()
            let trace = EventTrace()
            let loop = group.next()
            await #expect(throws: DialError.refused) {
                try await RacingDialer.connect(to: Self.loopback(port), on: loop, timeout: .seconds(5)) { channel in
                    try channel.pipeline.syncOperations.addHandler(ScriptedHandler(trace))
                }.get()
            }
            try await loop.submit {}.get()
            #expect(trace.all.isEmpty)
            try await group.shutdownGracefully()
        }

        @Test("A channel that cannot be set up, or closes meanwhile, fails and leaves no descriptor")
        func configured() async throws {
            let group = EpollLoopGroup(threads: 1)
            let loop = group.next()
            let (listening, port) = Peer.listening()
            // The system of tasks opens descriptors of its own when it first sleeps.
            try await Task.sleep(for: .milliseconds(1))
            let before = openDescriptors()
            await #expect(throws: DialError.notAllowed) {
                try await RacingDialer.connect(to: Self.loopback(port), on: loop, timeout: .seconds(5)) { _ in
                    throw DialError.notAllowed
                }.get()
            }
            await #expect(throws: DialError.self) {
                try await RacingDialer.connect(to: Self.loopback(port), on: loop, timeout: .seconds(5)) { channel in
                    channel.close(promise: nil)
                }.get()
            }
            // Closed in the moment it becomes active.
            let trace = EventTrace()
            await #expect(throws: DialError.self) {
                try await RacingDialer.connect(to: Self.loopback(port), on: loop, timeout: .seconds(5)) { channel in
                    try channel.pipeline.syncOperations.addHandler(
                        ScriptedHandler(trace) { moment, context in
                            if moment == .active { context.close(promise: nil) }
                        })
                }.get()
            }
            #expect(await eventually { trace.all == ["active", "inactive"] })
            #expect(await eventually { openDescriptors() <= before })
            listening.close()
            try await group.shutdownGracefully()
        }

        @Test("Many that wait, of which some are closed, some too slow: each is told once, in its time")
        func many() async throws {
            let group = EpollLoopGroup(threads: 1)
            let loop = group.next()
            // A listening socket whose queue is full answers nobody.
            let (full, port) = Peer.listening(backlog: 0)
            let fillers = (0..<4).map { _ in Peer.connecting(to: port) }
            try await Task.sleep(for: .milliseconds(100))
            let channels = NIOLockedValueBox<[any Channel]>([])
            let futures = (0..<60).map { number in
                RacingDialer.connect(
                    to: Self.loopback(port), on: loop, timeout: number % 3 == 0 ? .milliseconds(50) : .minutes(5)
                ) { channel in channels.withLockedValue { $0.append(channel) } }
            }
            for number in stride(from: 0, to: 60, by: 3) {
                await #expect(throws: DialError.timedOut) { try await futures[number].get() }
            }
            let made = channels.withLockedValue { $0 }
            try #require(made.count == 60)
            for number in stride(from: 1, to: 60, by: 3) { try await made[number].close() }
            // The end of the loop closes the rest. Asked now: a loop that has ended answers nobody.
            let ends = futures.enumerated().filter { $0.offset % 3 > 0 }.map { end in
                Task { try await end.element.get() }
            }
            try await Task.sleep(for: .milliseconds(200))
            try await group.shutdownGracefully()
            for end in ends { await #expect(throws: DialError.self) { try await end.value } }
            for filler in fillers { filler.close() }
            full.close()
        }

        @Test("A peer that takes the connection, speaks and ends at once is heard whole")
        func endsAtOnce() async throws {
            let group = EpollLoopGroup(threads: 1)
            let loop = group.next()
            let (listening, port) = Peer.listening()
            for _ in 0..<50 {
                let trace = EventTrace()
                let dialled = RacingDialer.connect(to: Self.loopback(port), on: loop, timeout: .seconds(5)) { channel in
                    try channel.pipeline.syncOperations.addHandler(ScriptedHandler(trace))
                }
                let server = listening.accepted()
                server.write([1, 2, 3])
                server.close()
                let channel = try await dialled.get()
                #expect(await eventually { trace.all.last == "inputClosed" })
                #expect(trace.received == [1, 2, 3])
                try await channel.close()
            }
            listening.close()
            try await group.shutdownGracefully()
        }

        @Test("A closed channel and its handlers are let go of")
        func nothingKept() async throws {
            weak var channel: (any Channel)?
            weak var failed: (any Channel)?
            let group = EpollLoopGroup(threads: 1)
            let loop = group.next()
            let (listening, port) = Peer.listening()
            do {
                let made = try await RacingDialer.connect(
                    to: Self.loopback(port), on: loop, timeout: .seconds(5), configure: { _ in }
                ).get()
                channel = made
                try await made.close()
            }
            listening.close()
            let born = NIOLockedValueBox<(any Channel)?>(nil)
            await #expect(throws: DialError.refused) {
                try await RacingDialer.connect(to: Self.loopback(port), on: loop, timeout: .seconds(5)) { channel in
                    born.withLockedValue { $0 = channel }
                }.get()
            }
            failed = born.withLockedValue { $0.take() }
            #expect(await eventually { channel == nil && failed == nil })
            try await group.shutdownGracefully()
        }
    }
#endif
