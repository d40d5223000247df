// UDP sockets of the test's own, through NIO: they send what they are told and keep what comes.
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import SSCommon

@testable import SSNetwork

/// A socket on 127.0.0.1; datagrams received are kept in order.
final class DatagramPeer: Sendable {
    struct Arrived: Sendable {
        var bytes: [UInt8]
        var source: Endpoint
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = AddressedEnvelope<ByteBuffer>
        let peer: DatagramPeer
        init(_ peer: DatagramPeer) { self.peer = peer }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let envelope = unwrapInboundIn(data)
            guard let source = Endpoint(folding: envelope.remoteAddress) else { return }
            let bytes = Array(envelope.data.readableBytesView)
            peer.arrived.withLockedValue { $0.append(Arrived(bytes: bytes, source: source)) }
            if peer.echoes {
                context.writeAndFlush(
                    NIOAny(AddressedEnvelope(remoteAddress: envelope.remoteAddress, data: envelope.data)), promise: nil)
            }
        }
    }

    private let arrived = NIOLockedValueBox<[Arrived]>([])
    private let channel = NIOLockedValueBox<(any Channel)?>(nil)
    private let echoes: Bool

    init(echoes: Bool = false) async throws {
        self.echoes = echoes
        let bound = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.syncOptions?.setOption(
                        .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 65_536))
                    try channel.pipeline.syncOperations.addHandler(Handler(self))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        channel.withLockedValue { $0 = bound }
    }

    var endpoint: Endpoint {
        let bound = channel.withLockedValue { $0?.localAddress }
        return bound.flatMap { Endpoint(folding: $0) } ?? Endpoint(.v4(IPv4Address(0)), 0)
    }

    func send(_ bytes: [UInt8], to destination: Endpoint) async throws {
        let channel = channel.withLockedValue { $0 }
        try await channel?.writeAndFlush(
            AddressedEnvelope(remoteAddress: SocketAddress(destination), data: ByteBuffer(bytes: bytes)))
    }

    /// Whether `count` datagrams have come within ten seconds.
    func has(_ count: Int) async throws -> Bool {
        for _ in 0..<500 {
            if all.count >= count { return true }
            try await Task.sleep(for: .milliseconds(20))
        }
        return false
    }

    var all: [Arrived] { arrived.withLockedValue { $0 } }

    func close() async throws { try await channel.withLockedValue { $0.take() }?.close() }
}

/// A client's view of a sealed datagram.
enum SealedDatagram {
    static func seal(_ payload: [UInt8], to target: TargetAddress) -> [UInt8] {
        var codec = DatagramCodec(streamCredential)
        var buffer = ByteBuffer()
        let capacity = payload.count + codec.overhead(for: target)
        buffer.writeWithOutputRawSpan(minimumWritableBytes: capacity) { span in
            codec.seal(
                payload.span.bytes, address: target, salt: .random(for: streamCredential.method), into: &span)
        }
        return Array(buffer.readableBytesView)
    }

    static func open(_ bytes: [UInt8]) throws -> (source: TargetAddress, payload: [UInt8]) {
        var codec = DatagramCodec(streamCredential)
        var buffer = ByteBuffer()
        var opened: (address: TargetAddress, salt: Salt, payloadOffset: Int)?
        try buffer.writeWithOutputRawSpan(minimumWritableBytes: bytes.count) { (span) throws(StreamFault) in
            opened = try codec.open(bytes.span.bytes, into: &span)
        }
        guard let opened else { throw StreamFault.notAuthentic }
        return (opened.address, Array(buffer.readableBytesView.dropFirst(opened.payloadOffset)))
    }
}
