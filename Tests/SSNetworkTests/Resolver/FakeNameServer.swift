// A name server on loopback that says whatever a test wants, over UDP and TCP on one port.
import NIOCore
import NIOPosix
import SSCommon
import SSNetwork
import Synchronization

final class FakeNameServer: Sendable {
    struct Question {
        var id: [UInt8]
        /// Name, type and class as they came.
        var question: [UInt8]
        var isIPv6: Bool
        var overTCP: Bool
    }

    /// The replies to a question, in order; none is silence.
    typealias Script = @Sendable (Question) -> [[UInt8]]

    let endpoint: Endpoint
    private let udp: any Channel
    private let tcp: any Channel
    private let log: Log

    final class Log: Sendable {
        let udp = Atomic<Int>(0)
        let tcp = Atomic<Int>(0)
    }

    init(_ script: @escaping Script) async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let log = Log()
        self.log = log
        let tcp = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Stream(script, log))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        self.tcp = tcp
        let port = tcp.localAddress?.port ?? 0
        udp = try await DatagramBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Datagrams(script, log))
                }
            }
            .bind(host: "127.0.0.1", port: port).get()
        endpoint = Endpoint(.v4(IPv4Address(127, 0, 0, 1)), UInt16(port))
    }

    var asked: (udp: Int, tcp: Int) { (log.udp.load(ordering: .relaxed), log.tcp.load(ordering: .relaxed)) }

    func close() async throws {
        try await udp.close()
        try await tcp.close()
    }

    /// A reply with one record for each of `data`, or with a code, or cut.
    static func reply(
        _ question: Question, _ data: [[UInt8]] = [], ttl: UInt8 = 60, code: UInt8 = 0, cut: Bool = false
    ) -> [UInt8] {
        let header = question.id + [cut ? 0x83 : 0x81, 0x80 | code, 0, 1, 0, UInt8(data.count), 0, 0, 0, 0]
        let kind: UInt8 = question.isIPv6 ? 28 : 1
        return header + question.question
            + data.flatMap { [0xc0, 12, 0, kind, 0, 1, 0, 0, 0, ttl, 0, UInt8($0.count)] + $0 }
    }

    private static func parse(_ bytes: [UInt8], overTCP: Bool) -> Question? {
        guard bytes.count > 16 else { return nil }
        return Question(
            id: Array(bytes[..<2]), question: Array(bytes[12...]), isIPv6: bytes[bytes.count - 3] == 28,
            overTCP: overTCP)
    }

    private final class Datagrams: ChannelInboundHandler {
        typealias InboundIn = AddressedEnvelope<ByteBuffer>
        typealias OutboundOut = AddressedEnvelope<ByteBuffer>

        private let script: Script
        private let log: Log

        init(_ script: @escaping Script, _ log: Log) {
            self.script = script
            self.log = log
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let envelope = unwrapInboundIn(data)
            guard let question = parse(Array(envelope.data.readableBytesView), overTCP: false) else { return }
            log.udp.wrappingAdd(1, ordering: .relaxed)
            for reply in script(question) {
                let out = AddressedEnvelope(remoteAddress: envelope.remoteAddress, data: ByteBuffer(bytes: reply))
                context.writeAndFlush(wrapOutboundOut(out), promise: nil)
            }
        }
    }

    /// Writes byte by byte, so that whoever reads must put together.
    private final class Stream: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let script: Script
        private let log: Log
        private var received = ByteBuffer()

        init(_ script: @escaping Script, _ log: Log) {
            self.script = script
            self.log = log
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = unwrapInboundIn(data)
            received.writeBuffer(&bytes)
            guard let message = received.readLengthPrefixedSlice(as: UInt16.self),
                let question = parse(Array(message.readableBytesView), overTCP: true)
            else { return }
            log.tcp.wrappingAdd(1, ordering: .relaxed)
            let replies = script(question)
            if replies.isEmpty { context.close(promise: nil) }
            for reply in replies {
                for byte in [UInt8(reply.count >> 8), UInt8(reply.count & 255)] + reply {
                    context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: [byte])), promise: nil)
                }
            }
        }
    }
}
