#if os(Linux)
    import Glibc
    import struct NIOConcurrencyHelpers.NIOLockedValueBox
    import NIOCore
    import SSCommon
    import Synchronization
    import Testing

    @testable import SSNetwork

    @Suite("UDP channels whose handlers act in the middle of an event", .serialized)
    struct DatagramEventsTests {
        private typealias Envelope = AddressedEnvelope<ByteBuffer>
        private static let local = Endpoint(.v4(IPv4Address(127, 0, 0, 1)), 0)

        private final class Handler: ChannelInboundHandler, Sendable {
            typealias InboundIn = AddressedEnvelope<ByteBuffer>
            typealias React = @Sendable (ChannelHandlerContext, AddressedEnvelope<ByteBuffer>) -> Void
            private let received = NIOLockedValueBox<[[UInt8]]>([])
            private let react: React
            var all: [[UInt8]] { received.withLockedValue { $0 } }

            init(_ react: @escaping React = { _, _ in }) { self.react = react }

            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                let envelope = unwrapInboundIn(data)
                received.withLockedValue { $0.append(Array(envelope.data.readableBytesView)) }
                react(context, envelope)
            }
        }

        private func open(on loop: any EventLoop, _ handler: Handler, batch: Int = 8) async throws -> any Channel {
            try await DatagramSocket.bind(Self.local, on: loop, batch: batch) { handler }.get()
        }

        private func send(_ payloads: [[UInt8]], from channel: any Channel, to other: any Channel) throws {
            guard let destination = other.localAddress else { throw ChannelError.unknownLocalAddress }
            for payload in payloads {
                channel.write(Envelope(remoteAddress: destination, data: ByteBuffer(bytes: payload)), promise: nil)
            }
            channel.flush()
        }

        @Test("Answers sent while a batch is read spoil none of it")
        func echo() async throws {
            let group = EpollLoopGroup(threads: 1)
            let answers = Handler()
            let asking = try await open(on: group.next(), answers)
            let server = Handler { context, envelope in
                for _ in 0..<2 { context.writeAndFlush(NIOAny(envelope), promise: nil) }
            }
            let serving = try await open(on: group.next(), server)
            let payloads = (0..<24).map { number in [UInt8](repeating: UInt8(number), count: number * 53) }
            try send(payloads, from: asking, to: serving)
            #expect(await eventually { answers.all.count == 48 })
            #expect(server.all == payloads)
            #expect(answers.all == payloads.flatMap { [$0, $0] })
            try await group.shutdownGracefully()
        }

        @Test("A channel closed in the middle of a batch reads no more of it, and fails what waits to be sent")
        func closing() async throws {
            let group = EpollLoopGroup(threads: 1)
            let failures = NIOLockedValueBox(0)
            let handler = Handler { context, envelope in
                context.channel.write(envelope).whenFailure { _ in failures.withLockedValue { $0 += 1 } }
                context.close(promise: nil)
            }
            let receiving = try await open(on: group.next(), handler)
            let sending = try await open(on: group.next(), Handler())
            try await group.next().submit { try send([[1], [2], [3]], from: sending, to: receiving) }.get()
            try await receiving.closeFuture.get()
            #expect(handler.all == [[1]])
            #expect(failures.withLockedValue { $0 } == 1)
            try await group.shutdownGracefully()
        }

        @Test("A queue of small datagrams is bounded as one of large ones is", arguments: [0, 1, 1000])
        func smallOnes(size: Int) async throws {
            let group = EpollLoopGroup(threads: 1)
            let loop = group.next()
            let handler = Handler()
            let receiving = try await open(on: loop, handler, batch: 32)
            let sending = try await open(on: loop, Handler())
            let destination = try #require(receiving.localAddress)
            try await loop.submit {
                // Never flushed by their writer.
                for _ in 0..<20_000 {
                    sending.write(
                        Envelope(remoteAddress: destination, data: ByteBuffer(repeating: 1, count: size)), promise: nil)
                }
            }.get()
            #expect(await eventually { !handler.all.isEmpty })
            try await group.shutdownGracefully()
        }

        @Test("A flood on one socket leaves time for another")
        func fairness() async throws {
            let group = EpollLoopGroup(threads: 1)
            let flooded = Handler()
            let flood = try await open(on: group.next(), flooded)
            let quiet = try await open(
                on: group.next(), Handler { context, envelope in context.writeAndFlush(NIOAny(envelope), promise: nil) }
            )
            let answers = Handler()
            let outside = EpollLoopGroup(threads: 2)
            let loops = Array(outside.makeIterator())
            let flooder = try await open(on: loops[0], Handler())
            let asking = try await open(on: loops[1], answers)
            let goesOn = Atomic(true)
            let target = try #require(flood.localAddress)
            let pump = Task.detached {
                while goesOn.load(ordering: .relaxed) {
                    for _ in 0..<64 {
                        flooder.write(
                            Envelope(remoteAddress: target, data: ByteBuffer(repeating: 1, count: 100)), promise: nil)
                    }
                    try? await flooder.eventLoop.submit { flooder.flush() }.get()
                }
            }
            #expect(await eventually { flooded.all.count > 100 })
            for number in 1...10 {
                try send([[UInt8(number)]], from: asking, to: quiet)
                #expect(await eventually { answers.all.count == number })
            }
            goesOn.store(false, ordering: .relaxed)
            await pump.value
            try await outside.shutdownGracefully()
            try await group.shutdownGracefully()
        }
    }
#endif
