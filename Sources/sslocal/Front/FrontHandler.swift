// The handler of an accepted client connection. It waits for one byte, decides by it which protocol is spoken, and
// puts that protocol's handler in its place. Reading is by hand from here on: `autoRead` goes off, and every
// later handler reads only when it has room.
import Logging
import NIOCore

final class FrontHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let configuration: FrontConfiguration
    private var deadline: Deadline?

    init(_ configuration: FrontConfiguration) { self.configuration = configuration }

    func handlerAdded(context: ChannelHandlerContext) {
        do {
            try context.channel.syncOptions?.setOption(.autoRead, value: false)
            try context.channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
        } catch {
            return context.close(promise: nil)
        }
        if context.channel.isActive { start(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { deadline?.clear() }

    func channelActive(context: ChannelHandlerContext) {
        start(context)
        context.fireChannelActive()
    }

    private func start(_ context: ChannelHandlerContext) {
        let deadline = Deadline(on: context.eventLoop)
        self.deadline = deadline
        deadline.set(configuration.limits.handshake) { context.close(promise: nil) }
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        guard let first = bytes.readableBytesView.first else { return }
        guard let spoken = FrontProtocol(firstByte: first), serves(spoken) else {
            configuration.logger.debug("client speaks no protocol of this port")
            return context.close(promise: nil)
        }
        do {
            let pipeline = context.pipeline.syncOperations
            switch spoken {
            case .socks5, .socks4:
                try pipeline.addHandler(SOCKSHandler(configuration, spoken), position: .after(self))
            case .http:
                try pipeline.addHandler(
                    HTTPProxyHandler(configuration, channel: context.channel), position: .after(self))
            }
            context.fireChannelRead(data)
            pipeline.removeHandler(context: context, promise: nil)
        } catch {
            context.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // Nothing was said and nothing will be.
        if case .inputClosed? = event as? ChannelEvent { return context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func serves(_ spoken: FrontProtocol) -> Bool {
        switch (configuration.mode, spoken) {
        case (.mixed, _), (.socks, .socks5), (.socks, .socks4), (.http, .http): true
        case (.socks, .http), (.http, .socks5), (.http, .socks4): false
        }
    }
}
