// Straight to the target, without any tunnel: how ssserver reaches the internet and sslocal its server. The
// name is resolved once, every address it gives is judged by the guard, and what the guard has seen is what
// connect(2) gets: no name is looked up a second time, so no answer can change in between (DNS rebinding).
//
// A target with one address takes a short way, without a race: short connections are what costs a relay most.
package import NIOCore
import NIOPosix
package import SSCommon

/// Dials addresses and names over TCP, racing the addresses of a name (RFC 8305).
package struct RacingDialer: StreamDialer, JudgedDialer {
    package struct Options: Sendable {
        /// Which family goes first; see `ConnectionRace`.
        package var ipv6First = false
        /// TCP_NODELAY.
        package var noDelay = true
        /// Nil for none, which costs a short connection least; a relay that is quiet ends by its own clock.
        package var keepAlive: KeepAlive?
        /// For the whole of a dial, resolution included (which the resolver ends by itself, sooner).
        package var timeout: TimeAmount = .seconds(10)

        package init() {}
    }

    package typealias Configure = @Sendable (any Channel) throws -> Void

    /// Judges an address and port before it is connected to; nil lets it pass.
    package typealias Guard = @Sendable (IPAddress, UInt16) -> DialError?
    /// Judges a name before it is resolved; nil lets it pass.
    package typealias NameGuard = @Sendable (HostName) -> DialError?

    private let resolver: any NameResolver
    private let options: Options
    private let refuseName: NameGuard
    private let refuse: Guard

    package init(
        resolver: any NameResolver, options: Options = Options(),
        refusing refuse: @escaping Guard = { _, _ in nil }, refusingNames refuseName: @escaping NameGuard = { _ in nil }
    ) {
        self.resolver = resolver
        self.options = options
        self.refuseName = refuseName
        self.refuse = refuse
    }

    package func dial(
        _ target: TargetAddress, on eventLoop: any EventLoop, configure: @escaping Configure
    ) -> EventLoopFuture<any Channel> {
        dial(target, on: eventLoop, judge: nil, configure: configure)
    }

    package func dial(
        _ target: TargetAddress, on eventLoop: any EventLoop, judge: (any TargetJudge)?, configure: @escaping Configure
    ) -> EventLoopFuture<any Channel> {
        let port = target.port
        switch target.canonical.host {
        case .ip(let address):
            if let error = refuse(address, port) ?? judge?.refusal(of: address, port: port) {
                return eventLoop.makeFailedFuture(error)
            }
            return connect(Endpoint(address, port), options.timeout, on: eventLoop, configure)
        case .name(let name):
            if let error = refuseName(name) ?? judge?.refusal(of: name, port: port) {
                return eventLoop.makeFailedFuture(error)
            }
            return dial(name, port, judge, on: eventLoop, configure)
        }
    }

    /// One connection to one address, whatever any guard says. `configure` is given the channel before it connects.
    /// Fails with `DialError`.
    static func connect(
        to endpoint: Endpoint, on eventLoop: any EventLoop, timeout: TimeAmount, configure: @escaping Configure
    ) -> EventLoopFuture<any Channel> {
        Options().connect(to: endpoint, on: eventLoop, timeout: timeout, configure: configure)
    }

    private func connect(
        _ endpoint: Endpoint, _ timeout: TimeAmount, on eventLoop: any EventLoop, _ configure: @escaping Configure
    ) -> EventLoopFuture<any Channel> {
        options.connect(to: endpoint, on: eventLoop, timeout: timeout, configure: configure)
    }

    private func dial(
        _ name: HostName, _ port: UInt16, _ judge: (any TargetJudge)?, on eventLoop: any EventLoop,
        _ configure: @escaping Configure
    ) -> EventLoopFuture<any Channel> {
        let deadline = NIODeadline.now() + options.timeout
        return resolver.resolve(name, on: eventLoop).flatMap { addresses in
            race(addresses, port, judge, deadline, on: eventLoop, configure)
        }
    }

    private func race(
        _ addresses: [IPAddress], _ port: UInt16, _ judge: (any TargetJudge)?, _ deadline: NIODeadline,
        on eventLoop: any EventLoop,
        _ configure: @escaping Configure
    ) -> EventLoopFuture<any Channel> {
        var refusal: DialError?
        let allowed = addresses.map(\.folded).filter { address in
            guard let error = refuse(address, port) ?? judge?.refusal(of: address, port: port) else { return true }
            refusal = refusal ?? error
            return false
        }
        let left = deadline - NIODeadline.now()
        guard left > .zero else { return eventLoop.makeFailedFuture(DialError.timedOut) }
        if allowed.count == 1 { return connect(Endpoint(allowed[0], port), left, on: eventLoop, configure) }
        guard let race = ConnectionRace(allowed, ipv6First: options.ipv6First) else {
            return eventLoop.makeFailedFuture(refusal ?? DialError.nameNotFound)
        }
        let run = RaceRun(race, on: eventLoop) { [options] address, born in
            options.connect(to: Endpoint(address, port), on: eventLoop, timeout: left) { channel in
                // Only the winner gets the caller's handlers; until then nothing may be read.
                try channel.syncOptions?.setOption(.autoRead, value: false)
                born(channel)
            }
        }
        return run.start(timeout: left).flatMapThrowing { channel in
            do {
                // Nothing is read before this turn of the loop is over; `configure` may switch reading off again.
                try channel.syncOptions?.setOption(.autoRead, value: true)
                try configure(channel)
                // The handlers were not there when the channel became active.
                channel.pipeline.fireChannelActive()
                return channel
            } catch {
                channel.close(promise: nil)
                throw DialError(error)
            }
        }
    }
}

extension RacingDialer.Options {
    /// `configure` is given the channel before it connects. Fails with `DialError`.
    fileprivate func connect(
        to endpoint: Endpoint, on eventLoop: any EventLoop, timeout: TimeAmount,
        configure: @escaping RacingDialer.Configure
    ) -> EventLoopFuture<any Channel> {
        #if os(Linux)
            if let loop = eventLoop as? EpollLoop {
                guard loop.inEventLoop else {
                    return loop.flatSubmit { [self] in
                        connect(to: endpoint, on: loop, timeout: timeout, configure: configure)
                    }
                }
                return StreamChannel.connect(
                    to: endpoint, on: loop, timeout: timeout, noDelay: noDelay, keepAlive: keepAlive,
                    configure: configure)
            }
        #endif
        return bootstrap(on: eventLoop, timeout: timeout, configure: configure)
            .connect(to: SocketAddress(endpoint))
            .flatMapErrorThrowing { throw DialError($0) }
    }

    /// Options are set by the initialiser rather than as `channelOption`s: those cost a future each. `configure` is
    /// given the channel before it connects.
    fileprivate func bootstrap(
        on eventLoop: any EventLoop, timeout: TimeAmount, configure: @escaping RacingDialer.Configure
    ) -> ClientBootstrap {
        ClientBootstrap(group: eventLoop).connectTimeout(timeout).channelInitializer { [self] channel in
            guard let options = channel.syncOptions else { preconditionFailure("NIO's sockets have options") }
            do {
                try options.setOption(.allowRemoteHalfClosure, value: true)
                // NIO has switched TCP_NODELAY on already.
                if !noDelay { try options.setOption(.tcpOption(.tcp_nodelay), value: 0) }
                for (option, value) in keepAlive?.options ?? [] { try options.setOption(option, value: value) }
                try configure(channel)
            } catch {
                return channel.eventLoop.makeFailedFuture(error)
            }
            return channel.eventLoop.makeSucceededVoidFuture()
        }
    }
}
