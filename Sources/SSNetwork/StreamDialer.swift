// How a byte stream to somewhere is opened. One method, so that policy is a dialer wrapped round a dialer
// and a front can be tested against a dialer that needs no tunnel.
package import NIOCore
package import SSCommon

/// Opens byte streams to targets.
package protocol StreamDialer: Sendable {
    /// Connects to `target`. The channel that comes back is active, carries plaintext `ByteBuffer`s both ways,
    /// lives on `eventLoop` and allows remote half-closure. `configure` is called once, on that channel and its loop,
    /// before anything is read from it: it adds the caller's handlers to the pipeline's tail. Fails with
    /// `DialError` only.
    func dial(
        _ target: TargetAddress, on eventLoop: any EventLoop,
        configure: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel>
}

extension StreamDialer {
    /// The same with `autoRead` off: the caller adds its handlers and then turns reading on.
    package func dial(_ target: TargetAddress, on eventLoop: any EventLoop) -> EventLoopFuture<any Channel> {
        dial(target, on: eventLoop) { try $0.syncOptions?.setOption(.autoRead, value: false) }
    }
}

/// Says of one request where it may go, and remembers why not. Asked from any thread.
package protocol TargetJudge: Sendable {
    /// Nil lets the name be looked up.
    func refusal(of name: HostName, port: UInt16) -> DialError?
    /// Nil lets it be connected to.
    func refusal(of address: IPAddress, port: UInt16) -> DialError?
}

/// A dialer that asks a judge besides.
package protocol JudgedDialer: Sendable {
    /// As `StreamDialer`'s.
    func dial(
        _ target: TargetAddress, on eventLoop: any EventLoop, judge: (any TargetJudge)?,
        configure: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel>
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
