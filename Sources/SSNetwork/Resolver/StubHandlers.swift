// The ends of a lookup's pipelines: bytes in, messages out to the exchange.
import NIOCore
import SSCommon

/// One datagram, one message.
final class StubDatagramHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let exchange: StubExchange
    private let server: Int

    init(_ exchange: StubExchange, server: Int) {
        self.exchange = exchange
        self.server = server
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        exchange.received(Array(unwrapInboundIn(data).data.readableBytesView), server: server, .udp)
    }

    /// ECONNREFUSED and its like come here; the socket stays open and of use.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        exchange.lost(nil, server: server, .udp)
    }
}

/// One message with its length before it (RFC 1035 4.2.2), then the end.
final class StubStreamHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let exchange: StubExchange
    private let query: DNSQuery
    private let server: Int
    private var received = ByteBuffer()

    init(_ exchange: StubExchange, _ query: DNSQuery, server: Int) {
        self.exchange = exchange
        self.query = query
        self.server = server
    }

    /// Holds 65,537 bytes and one read at most, because it closes at the end of the first message.
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        received.writeBuffer(&bytes)
        guard let message = received.readLengthPrefixedSlice(as: UInt16.self) else { return }
        exchange.received(Array(message.readableBytesView), server: server, .tcp)
        context.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    /// An end before the message is whole: nothing more will come.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { context.close(promise: nil) }
    }

    /// Says nothing new after an answer: the machine has marked the question then.
    func channelInactive(context: ChannelHandlerContext) {
        exchange.lost(query, server: server, .tcp)
    }
}
