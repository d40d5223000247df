// The resolver everybody uses: a lookup of either kind behind one cache, one lookup a name at a time, and an
// end to waiting after five seconds whatever the source does.
package import NIOCore
package import SSCommon
internal import NIOConcurrencyHelpers

package final class CachingResolver: NameResolver {
    private typealias Cache = ResolverCache<EventLoopPromise<[IPAddress]>>

    /// The longest a caller waits.
    package static let patience: TimeAmount = .seconds(5)

    private let cache: NIOLockedValueBox<Cache>
    private let lookup: any AddressLookup
    private let patience: TimeAmount
    private let ipv6First: Bool

    /// `ipv6First` says which family's addresses come first; who cannot try several, as for a datagram, takes the first.
    package init(
        _ lookup: any AddressLookup, ipv6First: Bool = false, limits: ResolverCacheLimits = ResolverCacheLimits(),
        patience: TimeAmount = CachingResolver.patience
    ) {
        self.lookup = lookup
        self.ipv6First = ipv6First
        self.patience = patience
        cache = NIOLockedValueBox(Cache(limits: limits))
    }

    package func resolve(_ name: HostName, on eventLoop: any EventLoop) -> EventLoopFuture<[IPAddress]> {
        if let number = NumericHost(name) { return eventLoop.makeSucceededFuture([number.address]) }
        let domain: DomainName
        do {
            domain = try DomainName(name)
        } catch {
            return eventLoop.makeFailedFuture(DialError.nameNotFound)
        }
        let now = ContinuousClock.now
        var promise: EventLoopPromise<[IPAddress]>?
        let step = cache.withLockedValue { cache in
            cache.look(up: domain, now: now) {
                let waiter = eventLoop.makePromise(of: [IPAddress].self)
                promise = waiter
                return waiter
            }
        }
        switch step {
        case .known(let resolution):
            let promise = eventLoop.makePromise(of: [IPAddress].self)
            resolution.complete(promise)
            return promise.futureResult
        case .refuse: return eventLoop.makeFailedFuture(DialError.exhausted)
        case .start: start(domain, on: eventLoop)
        case .wait: break
        }
        guard let promise else { preconditionFailure("who waits has a promise") }
        return promise.futureResult
    }

    /// Forgets everything, as after a change of network.
    package func forget() {
        cache.withLockedValue { $0.removeAll() }
    }

    private func start(_ name: DomainName, on eventLoop: any EventLoop) {
        // Repeated, because those who join a stuck lookup late are to be let go in time as well.
        let timer = eventLoop.scheduleRepeatedTask(initialDelay: patience, delay: patience) { [self] _ in
            for waiter in cache.withLockedValue({ $0.giveUp(name) }) { waiter.fail(DialError.timedOut) }
        }
        lookup.start(name) { [self] result in
            timer.cancel()
            let result = TimedResolution(result.resolution.preferring(ipv6: ipv6First), ttl: result.ttl)
            let now = ContinuousClock.now
            let waiters = cache.withLockedValue { $0.finish(name, result, now: now) }
            for waiter in waiters { result.resolution.complete(waiter) }
        }
    }
}
