// An origin's connection as an HTTP proxy sees it: bytes not parsed yet, and whether more can come. It outlives a
// request when another one goes to the same place (RFC 9112 9.3).
package import NIOCore
package import SSCommon

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// A request that is on its way to an origin, or its answer back.
package protocol HTTPUpstreamUser: AnyObject {
    /// Bytes, room or an end appeared on the connection.
    func advance()
}

package final class HTTPUpstream: ChannelInboundHandler, RemovableChannelHandler {
    package typealias InboundIn = ByteBuffer

    package let channel: any Channel
    package let target: TargetAddress
    /// Received and not consumed. Grows by one read at a time, and only when somebody asked for it.
    package var input = ByteBuffer()
    /// The origin sends no more: it ended its side, closed, or broke.
    package private(set) var ended = false
    /// The end was not a clean one (cut, altered, reset, or closed from here), so a body that is delimited by it cannot
    /// be trusted to be whole.
    package private(set) var broken = false
    /// Whom to tell; nil while no request uses the connection.
    package var exchange: (any HTTPUpstreamUser)?
    /// Gets its buffers back, where they are the loop's own.
    private let allocator: ReadAllocator?

    /// `allocator` is the channel's own, if this is its first handler.
    package init(_ channel: any Channel, target: TargetAddress, allocator: ReadAllocator? = nil) {
        self.channel = channel
        self.target = target
        self.allocator = allocator
    }

    /// Whether a request can be sent on it now: alive, and nothing came that nobody asked for.
    package var isReusable: Bool { channel.isActive && !ended && input.readableBytes == 0 }

    /// Whether what came may be the beginning of a status line (RFC 9112 4).
    package var beginsLikeHTTP: Bool {
        zip(input.readableBytesView, "HTTP/".utf8).allSatisfy { $0 == $1 }
    }

    /// While true, reads stay small, where the buffers are the loop's own.
    package var isSlowed: Bool {
        get { allocator?.isSlowed ?? false }
        set { allocator?.isSlowed = newValue }
    }

    /// Waits for the next request. Reading goes on, to notice a close or an answer nobody asked for.
    package func rest() {
        exchange = nil
        channel.read()
    }

    /// The connection is somebody else's from now on, who is made from what was read of it. False if it is gone, or that fails.
    package func handOver(_ make: (ReadAllocator?, ByteBuffer, Bool) -> any ChannelHandler) -> Bool {
        guard channel.isActive, !broken else { return false }
        exchange = nil
        let pipeline = channel.pipeline.syncOperations
        // It may lie in a buffer that the loop wants back.
        let successor = make(allocator, ByteBuffer(bytes: input.readableBytesView), ended)
        input = ByteBuffer()
        do { try pipeline.addHandler(successor, position: .after(self)) } catch { return false }
        pipeline.removeHandler(self, promise: nil)
        return true
    }

    package func close() {
        exchange = nil
        channel.close(promise: nil)
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        guard let allocator else {
            input.receive(buffer)
            return
        }
        // The loop wants its buffer back: what can be used at once need not be copied.
        if input.readableBytes == 0 {
            input = buffer
            changed()
            if input.readableBytes > 0 {
                input = ByteBuffer(bytes: input.readableBytesView)
            } else {
                input = ByteBuffer()
            }
        } else {
            input.receive(buffer)
        }
        allocator.finish(buffer)
    }

    package func channelReadComplete(context: ChannelHandlerContext) { changed() }

    package func channelWritabilityChanged(context: ChannelHandlerContext) { changed() }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
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

    package func channelInactive(context: ChannelHandlerContext) {
        // An end in good order is told before the channel goes.
        if !ended { broken = true }
        ended = true
        changed()
    }

    /// An origin that has heard enough answers and resets. What it said before that can still be read; after it the channel ends,
    /// and that end is none in good order, whatever the socket makes of it.
    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if !ended { broken = true }
        let code = (error as? IOError)?.errnoCode
        if code == EPIPE || code == ECONNRESET { context.read() } else { context.close(promise: nil) }
    }

    private func changed() {
        if let exchange {
            exchange.advance()
        } else if !isReusable {
            channel.close(promise: nil)
        }
    }
}
