// The simplest relay: what comes in on one side goes out on the other, an end becomes an end.
import NIOCore

final class GlueRelay: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let other: any Channel

    private init(to other: any Channel) { self.other = other }

    static func start(_ client: any Channel, _ upstream: any Channel, _ early: ByteBuffer?) {
        do {
            try client.pipeline.syncOperations.addHandler(GlueRelay(to: upstream))
            try upstream.pipeline.syncOperations.addHandler(GlueRelay(to: client))
        } catch {
            client.close(promise: nil)
            upstream.close(promise: nil)
            return
        }
        if let early { upstream.writeAndFlush(early, promise: nil) }
        client.read()
        upstream.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let channel = context.channel
        other.writeAndFlush(unwrapInboundIn(data)).whenComplete { _ in channel.read() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { other.close(mode: .output, promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
