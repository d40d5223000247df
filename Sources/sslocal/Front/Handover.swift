// The moment a handshake ends and bytes are only bytes.
import NIOCore
import SSCommon
import SSNetwork

extension FrontConfiguration {
    /// Dials; the result is always on `eventLoop`, and every failure is a `DialError`.
    func dial(
        _ target: TargetAddress, on eventLoop: any EventLoop,
        _ completion: @escaping (Result<any Channel, DialError>) -> Void
    ) {
        dialer.dial(target, on: eventLoop).hop(to: eventLoop).assumeIsolated().whenComplete { result in
            completion(result.mapError { $0 as? DialError ?? .failed("dialer failed") })
        }
    }

    /// Gives both channels to the relay. The caller has taken its handlers out of them. An end of input that was
    /// seen before is told again, because the relay was not there to hear it.
    func handOver(
        client: any Channel, clientEnded: Bool, upstream: any Channel, upstreamEnded: Bool, early: ByteBuffer
    ) {
        startRelay(client, upstream, early.readableBytes > 0 ? early : nil)
        if clientEnded { client.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
        if upstreamEnded { upstream.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
    }
}
