import NIOCore
import NIOPosix
import SSCommon
import SSNetwork
import Testing

@testable import sslocal

/// A UDP socket on loopback that counts what comes.
private final class DatagramServer: Sendable {
    private let arrived = Locked<[(bytes: [UInt8], from: SocketAddress)]>([])
    private let channel = Locked<(any Channel)?>(nil)

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = AddressedEnvelope<ByteBuffer>
        let server: DatagramServer
        init(_ server: DatagramServer) { self.server = server }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let envelope = unwrapInboundIn(data)
            let bytes = Array(envelope.data.readableBytesView)
            server.arrived.withLock { $0.append((bytes, envelope.remoteAddress)) }
        }
    }

    init() async throws {
        let bound = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(self))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        channel.withLock { $0 = bound }
    }

    var port: Int { channel.withLock { $0?.localAddress?.port } ?? 0 }
    var count: Int { arrived.withLock { $0.count } }

    func has(_ count: Int) async throws -> Bool {
        for _ in 0..<1000 {
            if self.count >= count { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }

    /// Answers whoever sent last.
    func answer(_ payload: [UInt8], from source: TargetAddress) async throws {
        guard let last = arrived.withLock({ $0.last }) else { return }
        var codec = DatagramCodec(ServerRig.credential)
        var buffer = ByteBuffer()
        let capacity = payload.count + codec.overhead(for: source)
        buffer.writeWithOutputRawSpan(minimumWritableBytes: capacity) { span in
            codec.seal(
                payload.span.bytes, address: source, salt: .random(for: ServerRig.credential.method), into: &span)
        }
        let channel = channel.withLock { $0 }
        try await channel?.writeAndFlush(AddressedEnvelope(remoteAddress: last.from, data: buffer))
    }

    func stop() { channel.withLock { $0 }?.close(promise: nil) }
}

@Suite("UDP and several servers")
struct MovingAssociationTests {
    @Test("When its server is down an association moves on; late answers of the former are delivered")
    func moves() async throws {
        let (first, second) = (try await DatagramServer(), try await DatagramServer())
        let rig = ServerRig([first.port, second.port])
        let replies = Locked<[[UInt8]]>([])
        let service = UpstreamAssociation.Service(servers: rig.servers, replay: ReplayGuard(capacity: 100))
        let target = rig.target
        let association = try await rig.eventLoop.submit {
            let server = rig.servers.datagramRoute()[0]
            let endpoint = Endpoint(.v4(IPv4Address(127, 0, 0, 1)), server.address.port)
            let association = UpstreamAssociation(
                service, server, at: endpoint, on: rig.eventLoop,
                onReply: { _, payload in replies.withLock { $0.append(Array(payload.readableBytesView)) } },
                onReplies: {})
            return NIOLoopBound(association, eventLoop: rig.eventLoop)
        }.get()
        func send() async throws {
            try await rig.eventLoop.submit {
                association.value.send(ByteBuffer(bytes: [1]), to: target)
                association.value.flush()
            }.get()
        }
        try await send()
        #expect(try await first.has(1))
        // Suspect is not down: it stays.
        rig.servers.note(.notConnected, about: 0)
        try await send()
        #expect(try await first.has(2))
        rig.servers.note(.notConnected, about: 0)
        for _ in 0..<200 where second.count == 0 {
            try await send()
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(second.count > 0)
        try await first.answer([11], from: target)
        try await second.answer([22], from: target)
        for _ in 0..<500 where replies.withLock({ $0.count }) < 2 { try await Task.sleep(for: .milliseconds(10)) }
        #expect(Set(replies.withLock { $0 }) == [[11], [22]])
        // Out of the list is as good as down.
        let third = try await DatagramServer()
        rig.servers.replace(with: [ServerRig.entry(third.port)])
        for _ in 0..<200 where third.count == 0 {
            try await send()
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(third.count > 0)
        try await rig.eventLoop.submit { association.value.close() }.get()
        for server in [first, second, third] { server.stop() }
    }

    @Test("Datagrams go to a server that takes them")
    func modes() {
        let entries = [RelayMode.tcpOnly, .udpOnly, .tcpAndUDP].enumerated().map { number, mode in
            let address = TargetAddress(.ip(.v4(IPv4Address(127, 0, 0, 1))), port: UInt16(number + 1))
            return ServerEntry(
                configuration: EndpointConfiguration(address, method: .aes256GCM, password: .text("-"), mode: mode),
                credential: ServerRig.credential)
        }
        let servers = ServerSet(entries, resolver: NoNames(), logger: ServerRig.logger)
        #expect(servers.datagramRoute().map(\.address.port) == [2, 3])
        #expect(servers.streamRoute().servers.map(\.address.port) == [1, 3])
    }
}
