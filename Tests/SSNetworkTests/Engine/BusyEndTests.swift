#if os(Linux)
    import Glibc
    import NIOCore
    import SSCommon
    import Synchronization
    import Testing

    @testable import SSNetwork

    @Suite("The end of busy event loops", .serialized)
    struct BusyEndTests {
        private static let local = Endpoint(.v4(IPv4Address(127, 0, 0, 1)), 0)

        @Test("Tasks that come of the last tasks are run too, however long the chain")
        func chain() async throws {
            let group = EpollLoopGroup(threads: 1)
            let loop = group.next()
            let links = Atomic(0)
            @Sendable func link() {
                if links.add(1, ordering: .relaxed).newValue < 50 { loop.execute { link() } }
            }
            // Told of when the loop ends.
            loop.scheduleTask(in: .hours(1)) {}.futureResult.whenFailure { _ in loop.execute { link() } }
            try await group.shutdownGracefully()
            #expect(links.load(ordering: .relaxed) == 50)
        }

        @Test("Everybody who asks for the end is told, before, during and after", .timeLimit(.minutes(1)))
        func severalEnds() async throws {
            for _ in 0..<50 {
                let group = EpollLoopGroup(threads: 2)
                await withTaskGroup { tasks in
                    for _ in 0..<8 { tasks.addTask { try? await group.shutdownGracefully() } }
                }
                try await group.shutdownGracefully()
            }
        }

        @Test("The end meets channels in every state, timers and tasks of other threads, and leaves nothing behind")
        func everything() async throws {
            // The system of tasks opens descriptors of its own when it first sleeps.
            try await Task.sleep(for: .milliseconds(1))
            let before = openDescriptors()
            for round in 0..<10 { try await endInTheMiddle(isIdle: round % 2 == 0) }
            #expect(await eventually { openDescriptors() <= before }, "\(openDescriptors()), \(before) before")
        }

        private func endInTheMiddle(isIdle: Bool) async throws {
            let group = EpollLoopGroup(threads: 2)
            let trace = EventTrace()
            let listener = try await StreamListener.bind(
                ListenAddress(Self.local), group: group, loops: LoopContexts(group, ledger: TrafficLedger())
            ) { channel, _, _ in
                StreamSocketOptions.applyForHandshake(to: channel)
                let handler = ScriptedHandler(trace) { moment, context in
                    guard moment == .read else { return }
                    context.writeAndFlush(NIOAny(ByteBuffer(repeating: 1, count: 3_000_000)), promise: nil)
                }
                try channel.pipeline.syncOperations.addHandler(handler)
            }.get()
            let peers = (0..<12).map { _ in Peer.connected(to: listener.address?.port ?? 0) }
            for peer in peers.prefix(4) { peer.write([1]) }
            for peer in peers.suffix(4) { peer.endWriting() }
            #expect(await eventually { trace.all.count { $0 == "active" } == 12 })
            // A listening socket whose queue is full answers nobody.
            let (full, port) = Peer.listening(backlog: 0)
            let fillers = (0..<3).map { _ in Peer.connecting(to: port) }
            let outcomes = Counter()
            let loops = Array(group.makeIterator())
            for loop in loops {
                RacingDialer.connect(
                    to: Endpoint(.v4(IPv4Address(127, 0, 0, 1)), port), on: loop, timeout: .seconds(20),
                    configure: { _ in }
                ).whenComplete { _ in outcomes.add() }
                for delay in 0..<50 { loop.scheduleTask(in: .milliseconds(Int64(delay))) {} }
            }
            let goesOn = Atomic(true)
            let noise = Task.detached {
                while goesOn.load(ordering: .relaxed) {
                    for loop in loops { loop.execute { loop.scheduleTask(in: .milliseconds(1)) {}.cancel() } }
                    // Not faster than the loops are.
                    usleep(20)
                }
            }
            if isIdle { try await Task.sleep(for: .milliseconds(20)) }
            try await listener.close().get()
            try await group.shutdownGracefully()
            goesOn.store(false, ordering: .relaxed)
            await noise.value
            #expect(trace.all.count { $0 == "inactive" } == 12)
            #expect(outcomes.number == 2)
            for peer in peers + fillers + [full] { peer.close() }
        }

        private final class Counter: Sendable {
            private let count = Atomic(0)
            var number: Int { count.load(ordering: .relaxed) }
            func add() { count.add(1, ordering: .relaxed) }
        }
    }
#endif
