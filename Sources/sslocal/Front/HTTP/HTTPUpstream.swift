// An origin's connection as the HTTP proxy sees it: bytes not parsed yet, and whether more can come. It outlives a
// request when the next one goes to the same place (RFC 9112 9.3).
import NIOCore
import SSCommon
import SSNetwork

final class HTTPUpstream: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    let channel: any Channel
    let target: TargetAddress
    /// Received and not consumed. Grows by one read at a time, and only when somebody asked for it.
    var input = ByteBuffer()
    /// The origin sends no more: it ended its side, closed, or broke.
    private(set) var ended = false
    /// The end was not a clean one (cut, altered, reset, or closed from here), so a body that is delimited by it cannot
    /// be trusted to be whole.
    private(set) var broken = false
    /// Whom to tell; nil while no request uses the connection.
    var exchange: HTTPExchange?

    init(_ channel: any Channel, target: TargetAddress) {
        self.channel = channel
        self.target = target
    }

    /// Whether a request can be sent on it now: alive, and nothing came that nobody asked for.
    var isReusable: Bool { channel.isActive && !ended && input.readableBytes == 0 }

    /// Waits for the next request. Reading goes on, to notice a close or an answer nobody asked for.
    func rest() {
        exchange = nil
        channel.read()
    }

    func close() {
        exchange = nil
        channel.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        input.receive(unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) { changed() }

    func channelWritabilityChanged(context: ChannelHandlerContext) { changed() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed:
            ended = true
            changed()
        case is StreamBroken:
            // The stream handler closes the channel next, and then the exchange is told.
            broken = true
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        // An end in good order is told before the channel goes.
        if !ended { broken = true }
        ended = true
        changed()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func changed() {
        if let exchange {
            exchange.advance()
        } else if !isReusable {
            channel.close(promise: nil)
        }
    }
}
