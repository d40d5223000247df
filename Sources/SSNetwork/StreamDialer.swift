// How a byte stream to somewhere is opened. One method, so that policy is a dialer wrapped round a dialer
// and a front can be tested against a dialer that needs no tunnel.
package import NIOCore
package import SSCommon

/// Opens byte streams to targets.
package protocol StreamDialer: Sendable {
    /// Connects to `target`. The channel that comes back is active, carries plaintext `ByteBuffer`s both ways,
    /// lives on `eventLoop`, allows remote half-closure, and has `autoRead` off: the caller adds its handlers
    /// to the pipeline's tail and then turns reading on. Fails with `DialError` only.
    func dial(_ target: TargetAddress, on eventLoop: any EventLoop) -> EventLoopFuture<any Channel>
}

/// Why a stream could not be opened.
package enum DialError: Error, Hashable, Sendable {
    /// The host has no address.
    case nameNotFound
    /// The peer answered with a reset (ECONNREFUSED).
    case refused
    /// No route to the network or host.
    case unreachable
    /// Nothing came back in time.
    case timedOut
    /// Policy forbids this target.
    case notAllowed
    /// A limit of ours (descriptors, streams) is reached.
    case exhausted
    /// Anything else; the text is for the log, holds no secret and no foreign bytes.
    case failed(String)
}
