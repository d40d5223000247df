// How names become addresses on the way out. Two protocols, so that the cache stands in front of any source
// and a test can put a liar in the place of either.
package import NIOCore
package import SSCommon

/// Gives the addresses of names.
package protocol NameResolver: Sendable {
    /// The addresses of `name`, at least one, on `eventLoop`. Fails with `DialError` only. The addresses are
    /// whatever the name's owner says they are: judge each one before it is used.
    func resolve(_ name: HostName, on eventLoop: any EventLoop) -> EventLoopFuture<[IPAddress]>
}

/// Looks a name up afresh, without memory.
package protocol AddressLookup: Sendable {
    /// Calls `done` exactly once, from any thread.
    func start(_ name: DomainName, done: @escaping @Sendable (TimedResolution) -> Void)
}

extension Resolution {
    /// The outcome as `NameResolver` gives it.
    func complete(_ promise: EventLoopPromise<[IPAddress]>) {
        switch self {
        case .addresses(let addresses): promise.succeed(addresses)
        case .absent: promise.fail(DialError.nameNotFound)
        case .timedOut: promise.fail(DialError.timedOut)
        case .failed(let reason): promise.fail(DialError.failed("name lookup: \(reason)"))
        }
    }
}
