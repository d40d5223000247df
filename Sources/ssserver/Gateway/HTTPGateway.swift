// What the HTTP side of all listeners shares: the cache, connections to origins, and how long to wait for them.
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import SSCommon
internal import SSNetwork

final class HTTPGateway: Sendable {
    let cache: HTTPCache
    let dialer: any JudgedDialer
    let egress: EgressGuard
    let policy: PolicyInForce
    let log: LogSink
    /// Seconds that an origin may say nothing.
    let patience: UInt32 = 300
    private let ports: NIOLockedValueBox<Set<UInt16>>
    private let pools: Pools

    /// `@unchecked Sendable`: the table is filled once; each pool is only touched on its own loop.
    private final class Pools: @unchecked Sendable {
        let byLoop: [ObjectIdentifier: (loop: any EventLoop, pool: OriginPool)]

        init(_ group: any EventLoopGroup, _ loops: LoopContexts) {
            var byLoop: [ObjectIdentifier: (loop: any EventLoop, pool: OriginPool)] = [:]
            for loop in group.makeIterator() {
                byLoop[ObjectIdentifier(loop)] = (loop, OriginPool(loops[loop].deadlines))
            }
            self.byLoop = byLoop
        }

        /// What is idle; what is in use goes on.
        func closeAll() {
            for (loop, pool) in byLoop.values {
                let bound = BoundPool(pool: pool)
                loop.execute { bound.pool.closeAll() }
            }
        }
    }

    init(
        _ cache: HTTPCache, ports: Set<UInt16>, dialer: any JudgedDialer, _ egress: EgressGuard,
        _ policy: PolicyInForce, log: LogSink, group: any EventLoopGroup, loops: LoopContexts
    ) {
        self.cache = cache
        self.ports = NIOLockedValueBox(ports)
        self.dialer = dialer
        self.egress = egress
        self.policy = policy
        self.log = log
        pools = Pools(group, loops)
        policy.onChange { [pools] _ in pools.closeAll() }
    }

    func serves(_ port: UInt16) -> Bool { ports.withLockedValue { $0.contains(port) } }

    /// Another configuration's settings, for requests from now on.
    func change(_ configuration: CacheConfiguration, egressIsNew: Bool) {
        ports.withLockedValue { $0 = Set(configuration.ports) }
        cache.change(configuration)
        if egressIsNew { pools.closeAll() }
    }

    func pool(of loop: any EventLoop) -> OriginPool {
        guard let (_, pool) = pools.byLoop[ObjectIdentifier(loop)] else {
            preconditionFailure("a loop of another group")
        }
        return pool
    }

    /// A new connection to an origin. `judge` has a word about its address; `done` is called on `loop`.
    func call(
        _ target: TargetAddress, _ judge: RequestJudge?, on loop: LoopContext,
        done: @escaping (Result<HTTPUpstream, DialError>) -> Void
    ) {
        let made = NIOLoopBoundBox<HTTPUpstream?>(nil, eventLoop: loop.eventLoop)
        let allocator = NIOLoopBound(ReadAllocator(loop.buffers), eventLoop: loop.eventLoop)
        dialer.dial(target, on: loop.eventLoop, judge: judge) { channel in
            try StreamSocketOptions.apply(allocator.value, to: channel)
            try channel.syncOptions?.setOption(.autoRead, value: false)
            let upstream = HTTPUpstream(channel, target: target, allocator: allocator.value)
            try channel.pipeline.syncOperations.addHandler(upstream)
            made.value = upstream
        }
        .assumeIsolated().whenComplete { result in
            switch result {
            case .failure(let error): done(.failure(error as? DialError ?? .failed("")))
            case .success(let channel):
                if let upstream = made.value { return done(.success(upstream)) }
                channel.close(promise: nil)
                done(.failure(.failed("")))
            }
        }
    }

    /// `@unchecked Sendable`: only unwrapped on the pool's own loop.
    private struct BoundPool: @unchecked Sendable { let pool: OriginPool }
}
