#if os(Linux)
    import Glibc
    import NIOCore
    import SSCommon
    import Synchronization
    import Testing

    @testable import SSNetwork

    @Suite("A listening socket of our engine", .serialized)
    struct ListeningSocketTests {
        private static let local = ListenAddress(Endpoint(.v4(IPv4Address(127, 0, 0, 1)), 0))

        /// How many were accepted.
        private final class Arrivals: Sendable {
            private let count = Atomic(0)
            var number: Int { count.load(ordering: .relaxed) }
            func add() { count.add(1, ordering: .relaxed) }
        }

        private func listen(
            on group: any EventLoopGroup, _ arrivals: Arrivals,
            accept: @escaping @Sendable (any Channel) throws -> Void = { _ in }
        ) async throws -> StreamListener {
            try await StreamListener.bind(
                Self.local, group: group, loops: LoopContexts(group, ledger: TrafficLedger())
            ) { channel, _, _ in
                StreamSocketOptions.applyForHandshake(to: channel)
                arrivals.add()
                try accept(channel)
            }.get()
        }

        private func processorTime() -> Double {
            var usage = rusage()
            getrusage(RUSAGE_SELF.rawValue, &usage)
            return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
                + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
        }

        @Test("Without descriptors it waits, without using up a processor, and goes on when there are some")
        func noDescriptors() async throws {
            let group = EpollLoopGroup(threads: 2)
            let arrivals = Arrivals()
            let listener = try await listen(on: group, arrivals)
            let port = listener.address?.port ?? 0
            let sockets = (0..<5).map { _ in Peer.unconnected() }
            // The system of tasks opens descriptors of its own when it first sleeps.
            try await Task.sleep(for: .milliseconds(1))
            let limits = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
            var former = rlimit()
            getrlimit(limits, &former)
            // Only the standard ones, which are in use: what an earlier test closes late makes no room.
            for descriptor in CInt(0)..<3 { #expect(fcntl(descriptor, F_GETFD) >= 0) }
            var none = former
            none.rlim_cur = 3
            setrlimit(limits, &none)
            for socket in sockets { socket.reach(port) }
            let before = processorTime()
            usleep(500_000)
            let used = processorTime() - before
            let early = arrivals.number
            setrlimit(limits, &former)
            #expect(early == 0)
            #expect(used < 0.3, "\(used) s of half a second")
            #expect(await eventually { arrivals.number == 5 })
            for socket in sockets { socket.close() }
            try await listener.close().get()
            try await group.shutdownGracefully()
        }

        @Test("A connection whose handlers cannot be put in is closed, and the next is served")
        func refusing() async throws {
            let group = EpollLoopGroup(threads: 1)
            let arrivals = Arrivals()
            let listener = try await listen(on: group, arrivals) { channel in
                if arrivals.number == 1 { throw ChannelError.operationUnsupported }
                if arrivals.number == 2 { channel.close(promise: nil) }
            }
            let port = listener.address?.port ?? 0
            for number in 1...3 {
                let peer = Peer.connected(to: port)
                #expect(await eventually { arrivals.number == number })
                if number < 3 { #expect(peer.readToEnd() == ([], .end)) }
            }
            try await listener.close().get()
            try await group.shutdownGracefully()
        }

        @Test("Loops that end under a listener leave nothing open, neither it nor what is just arriving")
        func arrivingAtTheEnd() async throws {
            // The system of tasks opens descriptors of its own when it first sleeps.
            try await Task.sleep(for: .milliseconds(1))
            let before = openDescriptors()
            for _ in 0..<20 {
                let group = EpollLoopGroup(threads: 2)
                let arrivals = Arrivals()
                let listener = try await listen(on: group, arrivals)
                let port = listener.address?.port ?? 0
                let goesOn = Atomic(true)
                let visitors = Task.detached {
                    var peers: [Peer] = []
                    while goesOn.load(ordering: .relaxed), peers.count < 200 {
                        let peer = Peer.unconnected()
                        if !peer.reach(port) { break }
                        peers.append(peer)
                    }
                    for peer in peers { peer.close() }
                }
                #expect(await eventually { arrivals.number > 5 })
                try await group.shutdownGracefully()
                goesOn.store(false, ordering: .relaxed)
                await visitors.value
                #expect(!Peer.unconnected().reach(port))
                withExtendedLifetime(listener) {}
            }
            #expect(await eventually { openDescriptors() <= before }, "\(openDescriptors()), \(before) before")
        }

        @Test("After it was closed the port refuses, and accepted connections live on")
        func closed() async throws {
            let group = EpollLoopGroup(threads: 2)
            let arrivals = Arrivals()
            let listener = try await listen(on: group, arrivals) { channel in
                try channel.pipeline.syncOperations.addHandler(
                    ScriptedHandler(EventTrace()) { moment, context in
                        if moment == .read { context.writeAndFlush(NIOAny(ByteBuffer(bytes: [9])), promise: nil) }
                    })
            }
            let port = listener.address?.port ?? 0
            let peers = (0..<4).map { _ in Peer.connected(to: port) }
            #expect(await eventually { arrivals.number == 4 })
            try await listener.close().get()
            #expect(!Peer.unconnected().reach(port))
            for peer in peers {
                peer.write([1])
                #expect(peer.read(1) == [9])
            }
            try await group.shutdownGracefully()
        }
    }
#endif
