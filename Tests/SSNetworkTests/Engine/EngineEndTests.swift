// How loops and what lives on them come to their end, and what handlers may count on.
#if os(Linux)
    import Dispatch
    import Glibc
    import struct NIOConcurrencyHelpers.NIOLockedValueBox
    import NIOCore
    import NIOPosix
    import SSCommon
    import Synchronization
    import Testing

    @testable import SSNetwork

    @Suite("The end of our event loops", .serialized)
    struct EngineEndTests {
        private static let local = Endpoint(.v4(IPv4Address(127, 0, 0, 1)), 0)

        private final class Canceller: Sendable {
            private let timer: Scheduled<Void>
            init(_ timer: Scheduled<Void>) { self.timer = timer }
            deinit { timer.cancel() }
        }

        private func descriptors() -> Int {
            guard let directory = opendir("/proc/self/fd") else { return -1 }
            defer { closedir(directory) }
            var count = 0
            while readdir(directory) != nil { count += 1 }
            return count
        }

        /// Fails rather than hangs.
        private func ends(_ group: EpollLoopGroup) async -> Bool {
            let done = Atomic(false)
            let box = Box(done: done)
            group.shutdownGracefully(queue: .global()) { _ in box.done.store(true, ordering: .relaxed) }
            for _ in 0..<300 {
                if box.done.load(ordering: .relaxed) { return true }
                try? await Task.sleep(for: .milliseconds(10))
            }
            return false
        }

        private final class Box: Sendable {
            let done: Atomic<Bool>
            init(done: consuming Atomic<Bool>) { self.done = done }
        }

        @Test("A cancelled action may cancel another as it is let go of") func cancelInDeinit() async throws {
            let group = EpollLoopGroup(threads: 1)
            let loop = group.next()
            try await loop.submit {
                let other = loop.scheduleTask(in: .hours(1)) {}
                let timer: Scheduled<Void>
                do {
                    let holder = Canceller(other)
                    timer = loop.scheduleTask(in: .hours(1)) { _ = holder }
                }
                timer.cancel()
            }.get()
            #expect(await ends(group))
        }

        @Test("So may one that the end of the loop lets go of") func cancelAtTheEnd() async throws {
            let group = EpollLoopGroup(threads: 1)
            let loop = group.next()
            try await loop.submit {
                for _ in 0..<10 {
                    let holder = Canceller(loop.scheduleTask(in: .hours(1)) {})
                    loop.scheduleTask(in: .minutes(50)) { _ = holder }
                }
            }.get()
            #expect(await ends(group))
        }

        @Test("Whoever ends a group twice is told twice") func endTwice() async throws {
            for _ in 0..<20 {
                let group = EpollLoopGroup(threads: 2)
                async let first = ends(group)
                async let second = ends(group)
                let both = await (first, second)
                #expect(both == (true, true))
                if both != (true, true) { break }
            }
        }

        @Test("Nothing is opened on a loop that ends, and nothing stays open") func openWhileEnding() async throws {
            let (listening, port) = Peer.listening()
            let before = descriptors()
            let outcome = NIOLockedValueBox("nothing")
            let box = Outcome(outcome)
            do {
                let group = EpollLoopGroup(threads: 1)
                let loop = try #require(group.next() as? EpollLoop)
                loop.scheduleTask(in: .hours(1)) {}.futureResult.whenFailure { _ in
                    StreamChannel.connect(
                        to: Endpoint(.v4(IPv4Address(127, 0, 0, 1)), port), on: loop, timeout: .seconds(5),
                        noDelay: true, keepAlive: nil, configure: { _ in }
                    ).whenComplete { result in box.value.withLockedValue { $0 = "\(result)" } }
                }
                #expect(await ends(group))
            }
            try await Task.sleep(for: .milliseconds(300))
            #expect(box.value.withLockedValue { $0 } != "nothing")
            #expect(descriptors() <= before)
            listening.close()
        }

        private final class Outcome: Sendable {
            let value: NIOLockedValueBox<String>
            init(_ value: NIOLockedValueBox<String>) { self.value = value }
        }

        @Test("Tasks that make tasks for ever do not keep a loop from ending") func lastTasks() async throws {
            let group = EpollLoopGroup(threads: 1)
            let loop = group.next()
            @Sendable func again() { loop.execute { again() } }
            loop.execute { again() }
            #expect(await ends(group))
        }

        private final class Bytes: ChannelInboundHandler, Sendable {
            typealias InboundIn = ByteBuffer
            let count = Atomic(0)
            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                count.add(unwrapInboundIn(data).readableBytes, ordering: .relaxed)
            }
        }

        @Test("Nothing is read once reading is off, as with NIO", arguments: [true, false]) func autoReadOff(ours: Bool)
            async throws
        {
            let group: any EventLoopGroup =
                ours ? EpollLoopGroup(threads: 1) : MultiThreadedEventLoopGroup(numberOfThreads: 1)
            let loop = group.next()
            let (listening, port) = Peer.listening()
            let bytes = Bytes()
            let channel = try await RacingDialer.connect(
                to: Endpoint(.v4(IPv4Address(127, 0, 0, 1)), port), on: loop, timeout: .seconds(5)
            ) { try $0.pipeline.syncOperations.addHandler(bytes) }.get()
            try await channel.setOption(.autoRead, value: true).get()
            let peer = listening.accepted()
            try await Task.sleep(for: .milliseconds(50))
            try await channel.setOption(.autoRead, value: false).get()
            peer.write([1, 2, 3])
            try await Task.sleep(for: .milliseconds(300))
            #expect(bytes.count.load(ordering: .relaxed) == 0)
            try await channel.close()
            try await group.shutdownGracefully()
        }

        private final class Nothing: ChannelInboundHandler, Sendable {
            typealias InboundIn = AddressedEnvelope<ByteBuffer>
            let count = Atomic(0)
            func channelRead(context: ChannelHandlerContext, data: NIOAny) { count.add(1, ordering: .relaxed) }
        }

        private final class Errors: ChannelInboundHandler, Sendable {
            typealias InboundIn = AddressedEnvelope<ByteBuffer>
            let count = Atomic(0)
            func errorCaught(context: ChannelHandlerContext, error: any Error) { count.add(1, ordering: .relaxed) }
        }

        @Test("A refusal that a later send meets is told, and that datagram is sent all the same")
        func refusalMetBySend() async throws {
            let group = EpollLoopGroup(threads: 1)
            let loop = group.next()
            let target = try await DatagramSocket.bind(Self.local, on: loop, batch: 4) { Nothing() }.get()
            let endpoint = try #require(target.localAddress.flatMap { Endpoint($0) })
            try await target.close()
            let errors = Errors()
            let channel = try await DatagramSocket.connect(to: endpoint, on: loop) { errors }.get()
            let second = try await loop.submit { () -> EventLoopFuture<Void> in
                channel.writeAndFlush(ByteBuffer(bytes: [1]), promise: nil)
                return channel.writeAndFlush(ByteBuffer(bytes: [2]))
            }.get()
            try await second.get()
            try await Task.sleep(for: .milliseconds(200))
            #expect(errors.count.load(ordering: .relaxed) > 0)
            #expect(await ends(group))
        }

        @Test("A connection for a loop that has ended is closed") func handOver() async throws {
            let before = descriptors()
            do {
                let (one, two) = (EpollLoopGroup(threads: 1), EpollLoopGroup(threads: 1))
                let (loop, dead) = (try #require(one.next() as? EpollLoop), try #require(two.next() as? EpollLoop))
                #expect(await ends(two))
                let descriptor = try ListeningSocket.listen(ListenAddress(Self.local), keepAlive: KeepAlive())
                let socket = ListeningSocket(descriptor, on: loop, of: [loop, dead]) { _ in }
                let held = Socket(socket)
                try await loop.submit { try held.value.watch() }.get()
                let port = try #require(socket.boundEndpoint).port
                let peers = (0..<10).map { _ in Peer.connected(to: port) }
                try await Task.sleep(for: .milliseconds(300))
                try await loop.submit { held.value.unwatch() }.get()
                #expect(await ends(one))
                for peer in peers { peer.close() }
            }
            try await Task.sleep(for: .milliseconds(200))
            #expect(descriptors() <= before)
        }

        private struct Socket: @unchecked Sendable {
            let value: ListeningSocket
            init(_ value: ListeningSocket) { self.value = value }
        }
    }
#endif
