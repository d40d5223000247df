// Closing without losing our last words. A close with unread bytes in the socket makes the kernel send RST, and
// that can destroy an error page the client has not read yet (RFC 9112 9.6). So: flush, end our side, throw away
// what still comes until the client ends its side or a short time is over.
import NIOCore
import SSNetwork

final class LingeringClose: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let linger: TimeAmount
    private let drain: TimeAmount
    private var inputClosed: Bool
    private var deadline: Deadline?

    /// `drain` bounds how long bytes already written may take to leave; `linger` what comes after.
    init(linger: TimeAmount, drain: TimeAmount, inputClosed: Bool) {
        self.linger = linger
        self.drain = drain
        self.inputClosed = inputClosed
    }

    /// Starts to close; takes the place of whatever handled the channel.
    static func begin(on channel: any Channel, limits: FrontLimits, inputClosed: Bool) {
        guard channel.isActive else { return }
        let handler = LingeringClose(
            linger: limits.linger, drain: limits.responseIdle, inputClosed: inputClosed)
        do { try channel.pipeline.syncOperations.addHandler(handler) } catch { channel.close(promise: nil) }
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let deadline = Deadline(on: context.eventLoop)
        self.deadline = deadline
        // What did not leave in time is lost, and the client must not take the rest for the whole.
        deadline.set(drain) { context.channel.abort() }
        // An empty write completes when everything before it has left.
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { [self] result in
            guard case .success = result, !inputClosed else { return context.close(promise: nil) }
            context.close(mode: .output, promise: nil)
            deadline.set(linger) { context.close(promise: nil) }
            context.read()
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func channelReadComplete(context: ChannelHandlerContext) { context.read() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .inputClosed? = event as? ChannelEvent else { return }
        inputClosed = true
        // Our own end may still have bytes to send; its completion closes then.
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) { deadline?.clear() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
