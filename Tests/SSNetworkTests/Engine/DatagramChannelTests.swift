#if os(Linux)
    import Glibc
    import NIOConcurrencyHelpers
    import NIOCore
    import SSCommon
    import Testing

    @testable import SSNetwork

    @Suite("A UDP channel of our engine", .serialized)
    struct DatagramChannelTests {
        private final class Collector: ChannelInboundHandler, Sendable {
            typealias InboundIn = AddressedEnvelope<ByteBuffer>
            private let received = NIOLockedValueBox<[[UInt8]]>([])
            private let errors = NIOLockedValueBox<[CInt]>([])
            var all: [[UInt8]] { received.withLockedValue { $0 } }
            var allErrors: [CInt] { errors.withLockedValue { $0 } }

            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                let bytes = Array(unwrapInboundIn(data).data.readableBytesView)
                received.withLockedValue { $0.append(bytes) }
            }

            func errorCaught(context: ChannelHandlerContext, error: any Error) {
                errors.withLockedValue { $0.append((error as? IOError)?.errnoCode ?? -1) }
            }
        }

        private static let local = Endpoint(.v4(IPv4Address(127, 0, 0, 1)), 0)

        private func wait(_ condition: () -> Bool) async -> Bool {
            for _ in 0..<500 {
                if condition() { return true }
                try? await Task.sleep(for: .milliseconds(10))
            }
            return condition()
        }

        @Test("Datagrams of every size arrive whole, more of them than one call takes")
        func sizes() async throws {
            let group = EpollLoopGroup(threads: 1)
            let (collector, sender) = (Collector(), Collector())
            let to = try await DatagramSocket.bind(Self.local, on: group.next(), batch: 32) { collector }.get()
            let from = try await DatagramSocket.bind(Self.local, on: group.next(), batch: 4) { sender }.get()
            let destination = try #require(to.localAddress)
            let sizes = [0, 1, 2, 1400, 9000, 65_507] + Array(repeating: 100, count: 100)
            for (number, size) in sizes.enumerated() {
                let bytes = [UInt8](repeating: UInt8(number), count: size)
                from.write(AddressedEnvelope(remoteAddress: destination, data: ByteBuffer(bytes: bytes)), promise: nil)
            }
            from.flush()
            #expect(await wait { collector.all.count == sizes.count })
            #expect(collector.all.map(\.count) == sizes)
            try await group.shutdownGracefully()
        }

        @Test("A datagram that cannot be sent fails alone; those before and after it leave")
        func failing() async throws {
            let group = EpollLoopGroup(threads: 1)
            let collector = Collector()
            let to = try await DatagramSocket.bind(Self.local, on: group.next(), batch: 32) { collector }.get()
            let from = try await DatagramSocket.bind(Self.local, on: group.next(), batch: 4) { Collector() }.get()
            let destination = try #require(to.localAddress)
            let results = [10, 70_000, 20].map { size in
                from.write(AddressedEnvelope(remoteAddress: destination, data: ByteBuffer(repeating: 1, count: size)))
            }
            from.flush()
            try await results[0].get()
            let error = await #expect(throws: IOError.self) { try await results[1].get() }
            #expect(error?.errnoCode == EMSGSIZE)
            try await results[2].get()
            #expect(await wait { collector.all.map(\.count) == [10, 20] })
            #expect(from.isActive)
            try await group.shutdownGracefully()
        }

        @Test("A connected socket tells of a refusal and stays of use")
        func refused() async throws {
            let group = EpollLoopGroup(threads: 1)
            let loop = group.next()
            let target = try await DatagramSocket.bind(Self.local, on: loop, batch: 4) { Collector() }.get()
            let endpoint = try #require(target.localAddress.flatMap { Endpoint($0) })
            try await target.close()
            let collector = Collector()
            let channel = try await DatagramSocket.connect(to: endpoint, on: loop) { collector }.get()
            channel.writeAndFlush(ByteBuffer(bytes: [1]), promise: nil)
            #expect(await wait { collector.allErrors == [ECONNREFUSED] })
            let again = Collector()
            let back = try await DatagramSocket.bind(endpoint, on: loop, batch: 4) { again }.get()
            try await channel.writeAndFlush(ByteBuffer(bytes: [2])).get()
            #expect(await wait { again.all == [[2]] })
            try await channel.close()
            try await back.close()
            await #expect(throws: (any Error).self) { try await channel.writeAndFlush(ByteBuffer(bytes: [3])).get() }
            try await group.shutdownGracefully()
        }
    }
#endif
