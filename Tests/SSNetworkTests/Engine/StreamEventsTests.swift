#if os(Linux)
    import Glibc
    import struct NIOConcurrencyHelpers.NIOLockedValueBox
    import NIOCore
    import SSCommon
    import Synchronization
    import Testing

    @testable import SSNetwork

    @Suite("Handlers that act in the middle of an event", .serialized)
    struct StreamEventsTests {
        typealias Moment = ScriptedHandler.Moment

        @Test("A handler may close in any event; nothing comes after the last", arguments: Moment.allCases)
        func closing(in moment: Moment) async throws {
            let rig = try await ScriptedChannel(receiveBuffer: 32 * 1024) { now, context in
                if now == .read {
                    context.writeAndFlush(NIOAny(ByteBuffer(repeating: 7, count: 6_000_000)), promise: nil)
                }
                if now == .inputClosed { context.close(mode: .output, promise: nil) }
                if now == moment { context.close(promise: nil) }
            }
            rig.peer.write([1])
            if moment == .error {
                #expect(await rig.comes("read"))
                rig.peer.reset()
            } else {
                rig.peer.endWriting()
                _ = rig.peer.readToEnd()
            }
            #expect(await rig.comes("inactive"))
            try await rig.channel.closeFuture.get()
            try await rig.onLoop { _ in }
            #expect(rig.trace.all.last == "inactive")
            #expect(rig.trace.all.count { $0 == "inactive" } == 1)
            try await rig.end()
        }

        @Test("Writes from within a promise keep the order, whatever the socket takes at a time")
        func writesInPromises() async throws {
            let rig = try await ScriptedChannel(receiveBuffer: 32 * 1024)
            let sizes = (0..<60).map { 1 + $0 * 40_093 % 150_000 }
            let written = NIOLockedValueBox<[Int]>([])
            let kept = NIOLockedValueBox<[Int]>([])
            try await rig.onLoop { channel in
                @Sendable func write(_ number: Int, then next: @escaping @Sendable () -> Void) {
                    written.withLockedValue { $0.append(number) }
                    let bytes = ByteBuffer(repeating: UInt8(number), count: sizes[number])
                    channel.write(bytes).whenComplete { _ in
                        kept.withLockedValue { $0.append(number) }
                        next()
                    }
                    // Also without a flush of its own: the one under way takes it along.
                    if number % 3 > 0 { channel.flush() }
                }
                @Sendable func pair(_ number: Int) {
                    guard number < sizes.count else { return channel.close(mode: .output, promise: nil) }
                    write(number) {}
                    write(number + 1) { pair(number + 2) }
                }
                pair(0)
                channel.flush()
            }
            let (bytes, ending) = rig.peer.readToEnd(step: 50_000)
            #expect(ending == .end)
            let order = written.withLockedValue { $0 }
            #expect(order == Array(0..<60))
            #expect(kept.withLockedValue { $0 } == order)
            let isWhole = bytes == order.flatMap { [UInt8](repeating: UInt8($0), count: sizes[$0]) }
            #expect(isWhole, "\(bytes.count) bytes of \(sizes.reduce(0, +))")
            try await rig.end()
        }

        @Test(
            "Writability is told while the socket is full, and again when there is room", arguments: EngineKind.allCases
        )
        func writability(_ kind: EngineKind) async throws {
            let told = NIOLockedValueBox<[Bool]>([])
            let rig = try await ScriptedChannel(kind, receiveBuffer: 32 * 1024) { moment, context in
                if moment == .writability { told.withLockedValue { $0.append(context.channel.isWritable) } }
            }
            // A little more than the socket takes: still writable, and waiting for an event.
            let sent = try await rig.onLoop { channel in
                // The system would make it larger as it goes.
                try channel.syncOptions?.setOption(.socketOption(.so_sndbuf), value: 64 * 1024)
                var sent = 0
                while try channel.syncOptions?.getOption(.bufferedWritableBytes) ?? 0 == 0 {
                    channel.writeAndFlush(ByteBuffer(repeating: 1, count: 10_000), promise: nil)
                    sent += 10_000
                }
                return sent
            }
            try await rig.onLoop { channel in
                told.withLockedValue { $0 = [] }
                channel.writeAndFlush(ByteBuffer(repeating: 1, count: 2_000_000), promise: nil)
            }
            #expect(told.withLockedValue { $0 } == [false])
            #expect(rig.peer.read(exactly: sent + 2_000_000).count == sent + 2_000_000)
            #expect(await eventually { told.withLockedValue { $0 } == [false, true] })
            try await rig.end()
        }

        @Test("Whoever writes each time there is room again needs no deeper stack for it")
        func writingWhenWritable() async throws {
            let rounds = 3000
            let count = 70_000
            let left = NIOLockedValueBox(rounds)
            let rig = try await ScriptedChannel { moment, context in
                guard moment == .writability, context.channel.isWritable else { return }
                let mayWrite = left.withLockedValue { left in
                    left -= 1
                    return left >= 0
                }
                // More than makes it unwritable, so that the next room is told too.
                if mayWrite { context.writeAndFlush(NIOAny(ByteBuffer(repeating: 1, count: count)), promise: nil) }
            }
            try await rig.onLoop { $0.writeAndFlush(ByteBuffer(repeating: 1, count: count), promise: nil) }
            #expect(rig.peer.count(upTo: (rounds + 1) * count) == (rounds + 1) * count)
            try await rig.end()
        }

        @Test("Reading that is off stays off, but for what is asked for", arguments: EngineKind.allCases)
        func readingOff(_ kind: EngineKind) async throws {
            let rig = try await ScriptedChannel(kind)
            try await rig.onLoop { try $0.syncOptions?.setOption(.autoRead, value: false) }
            rig.peer.write([1, 2, 3])
            try await Task.sleep(for: .milliseconds(200))
            try await rig.onLoop { channel in
                try channel.syncOptions?.setOption(.autoRead, value: true)
                try channel.syncOptions?.setOption(.autoRead, value: false)
            }
            try await Task.sleep(for: .milliseconds(200))
            #expect(rig.trace.received.isEmpty)
            // Off once more changes nothing about a read that was asked for by hand.
            try await rig.onLoop { channel in
                channel.read()
                try channel.syncOptions?.setOption(.autoRead, value: false)
            }
            #expect(await eventually { rig.trace.received == [1, 2, 3] })
            try await rig.end()
        }

        @Test("A greeting waits for handlers that come late, also behind a race of addresses")
        func greeting() async throws {
            let group = EpollLoopGroup(threads: 1)
            let loop = group.next()
            let (listening, port) = Peer.listening()
            let trace = EventTrace()
            let target = TargetAddress(.name(try #require(HostName("two.example"))), port: port)
            for round in 1...20 {
                let dialled = RacingDialer(resolver: TwoAddresses()).dial(target, on: loop) { channel in
                    try channel.syncOptions?.setOption(.autoRead, value: false)
                }
                // It speaks first, and at once.
                let server = listening.accepted()
                server.write([UInt8](repeating: UInt8(round), count: 10))
                let channel = try await dialled.get()
                try await Task.sleep(for: .milliseconds(5))
                try await loop.submit {
                    try channel.pipeline.syncOperations.addHandler(ScriptedHandler(trace))
                    try channel.syncOptions?.setOption(.autoRead, value: true)
                }.get()
                try #require(await eventually { trace.received.count == round * 10 })
                try await channel.close()
                server.close()
            }
            listening.close()
            try await group.shutdownGracefully()
        }

        /// Two addresses of one machine; the first answers.
        private struct TwoAddresses: NameResolver {
            func resolve(_ name: HostName, on eventLoop: any EventLoop) -> EventLoopFuture<[IPAddress]> {
                eventLoop.makeSucceededFuture([IPAddress("127.0.0.1")!, IPAddress("127.0.0.2")!])
            }
        }

        @Test("Bytes behind urgent ones do not wait for more to come", arguments: EngineKind.allCases)
        func urgent(_ kind: EngineKind) async throws {
            let rig = try await ScriptedChannel(kind, autoRead: false)
            for round in 1...5 {
                rig.peer.write([1, 2, 3])
                rig.peer.writeUrgent(9)
                rig.peer.write([4, 5, 6])
                try await Task.sleep(for: .milliseconds(50))
                try await rig.onLoop { try $0.syncOptions?.setOption(.autoRead, value: true) }
                try #require(await eventually { rig.trace.received.count >= round * 6 })
                try await rig.onLoop { try $0.syncOptions?.setOption(.autoRead, value: false) }
            }
            try await rig.end()
        }

        private final class Flood: ChannelInboundHandler, Sendable {
            typealias InboundIn = ByteBuffer
            private let count = Atomic(0)
            var bytes: Int { count.load(ordering: .relaxed) }

            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                count.add(unwrapInboundIn(data).readableBytes, ordering: .relaxed)
            }
        }

        @Test("A busy stream leaves time for others, for tasks and for timers")
        func fairness() async throws {
            let group = EpollLoopGroup(threads: 1)
            let loop = group.next()
            let flood = Flood()
            let loops = LoopContexts(group, ledger: TrafficLedger())
            let local = ListenAddress(Endpoint(.v4(IPv4Address(127, 0, 0, 1)), 0))
            let listener = try await StreamListener.bind(local, group: group, loops: loops) { channel, _, _ in
                StreamSocketOptions.applyForHandshake(to: channel)
                try channel.pipeline.syncOperations.addHandler(flood)
            }.get()
            let echo = try await StreamListener.bind(local, group: group, loops: loops) { channel, _, _ in
                StreamSocketOptions.applyForHandshake(to: channel)
                try channel.pipeline.syncOperations.addHandler(
                    ScriptedHandler(EventTrace()) { moment, context in
                        if moment == .read { context.writeAndFlush(NIOAny(ByteBuffer(bytes: [1])), promise: nil) }
                    })
            }.get()
            let goesOn = Atomic(true)
            let writer = Peer.connected(to: listener.address?.port ?? 0)
            let pump = Task.detached {
                let block = [UInt8](repeating: 5, count: 256 * 1024)
                while goesOn.load(ordering: .relaxed) { writer.write(block) }
            }
            #expect(await eventually { flood.bytes > 1_000_000 })
            let peer = Peer.connected(to: echo.address?.port ?? 0)
            for _ in 0..<20 {
                peer.write([1])
                #expect(peer.read(1) == [1])
                try await loop.scheduleTask(in: .milliseconds(1)) {}.futureResult.get()
            }
            goesOn.store(false, ordering: .relaxed)
            await pump.value
            try await listener.close().get()
            try await echo.close().get()
            try await group.shutdownGracefully()
        }
    }
#endif
