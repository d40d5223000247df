// The short way through a stream. NIO's pipeline passes every read through head, contexts and handlers, by calls that the
// processor cannot foresee; once two streams are joined, or one is a session's, nothing is left to decide on the way, so their
// handlers then call each other. Everything but bytes (ends, errors, closing) still goes through the pipeline. Channels
// that are not our engine's have no taps, and there the pipeline carries the bytes too.
package import NIOCore

/// Takes what a channel reads in place of its pipeline. Confined to the channel's loop.
package protocol StreamTap: AnyObject {
    /// The same as `channelRead`.
    func received(_ buffer: ByteBuffer)
    /// The same as `channelReadComplete`.
    func receivedAll()
    /// Whether the next read may come now; if not, the tap asks for it later.
    func wantsMore() -> Bool
}

#if os(Linux)
    /// What stands between the bytes of a socket and a relay: opens what comes, seals what goes.
    protocol StreamCipher: StreamTap {
        /// Where opened bytes go once they need no pipeline.
        var receiver: (any StreamTap)? { get set }
        /// Seals `payload` and puts it into the channel's queue.
        func send(_ payload: ByteBuffer, on channel: StreamChannel)
    }
#endif
