// A UDP port that stays open. NIO closes a datagram channel for nearly every error of a send: no route for a moment
// (ENETUNREACH), a firewall or a full connection table (EPERM). One answer that cannot leave must not end what
// everybody else is served, so the port is opened again.
package import NIOCore
package import SSCommon
internal import NIOConcurrencyHelpers

/// A bound UDP port; closed by `close` only.
package final class DatagramPort: Sendable {
    package typealias MakeHandler = @Sendable () -> any ChannelHandler

    private enum Phase {
        /// Bound.
        case open(any Channel)
        /// The channel was lost; a new one is on its way.
        case reopening
        /// For good.
        case closed
    }

    /// Where it is bound; the real port if 0 was asked for.
    package let endpoint: Endpoint
    private let eventLoop: any EventLoop
    private let batch: Int
    private let isIPv6Only: Bool
    private let makeHandler: MakeHandler
    private let onLoss: @Sendable (Endpoint) -> Void
    private let phase = NIOLockedValueBox(Phase.reopening)

    /// Between two attempts to bind; at once would let an error that stays use up a processor.
    private static let pause = TimeAmount.milliseconds(100)

    /// Binds `endpoint`; fails if that cannot be done now. Parameters as for `DatagramSocket.bind`; `handler` makes
    /// one for each channel, and `onLoss` is told of each that was lost.
    package static func open(
        _ endpoint: Endpoint, on eventLoop: any EventLoop, batch: Int, isIPv6Only: Bool = false,
        onLoss: @escaping @Sendable (Endpoint) -> Void, handler: @escaping MakeHandler
    ) -> EventLoopFuture<DatagramPort> {
        DatagramSocket.bind(endpoint, on: eventLoop, batch: batch, isIPv6Only: isIPv6Only, handler: handler)
            .map { channel in
                let bound = channel.localAddress.flatMap { Endpoint($0) } ?? endpoint
                let port = DatagramPort(bound, eventLoop, batch, isIPv6Only, onLoss, handler)
                port.opened(channel)
                return port
            }
    }

    private init(
        _ endpoint: Endpoint, _ eventLoop: any EventLoop, _ batch: Int, _ isIPv6Only: Bool,
        _ onLoss: @escaping @Sendable (Endpoint) -> Void, _ makeHandler: @escaping MakeHandler
    ) {
        self.endpoint = endpoint
        self.eventLoop = eventLoop
        self.batch = batch
        self.isIPv6Only = isIPv6Only
        self.onLoss = onLoss
        self.makeHandler = makeHandler
    }

    /// Nil while it is being opened again.
    var channel: (any Channel)? {
        phase.withLockedValue { phase in
            switch phase {
            case .open(let channel): channel
            case .reopening, .closed: nil
            }
        }
    }

    private func opened(_ channel: any Channel) {
        let isWanted = phase.withLockedValue { phase in
            switch phase {
            case .open, .reopening:
                phase = .open(channel)
                return true
            case .closed:
                return false
            }
        }
        guard isWanted else { return channel.close(promise: nil) }
        channel.closeFuture.whenComplete { _ in self.lost() }
    }

    private func lost() {
        let isMissed = phase.withLockedValue { phase in
            switch phase {
            case .open, .reopening:
                phase = .reopening
                return true
            case .closed:
                return false
            }
        }
        guard isMissed else { return }
        onLoss(endpoint)
        reopenLater()
    }

    private func reopenLater() {
        eventLoop.scheduleTask(in: Self.pause) { self.reopen() }
    }

    private func reopen() {
        let isWanted = phase.withLockedValue { phase in
            switch phase {
            case .open, .closed: false
            case .reopening: true
            }
        }
        guard isWanted else { return }
        DatagramSocket.bind(endpoint, on: eventLoop, batch: batch, isIPv6Only: isIPv6Only, handler: makeHandler)
            .whenComplete { result in
                switch result {
                case .success(let channel): self.opened(channel)
                case .failure: self.reopenLater()
                }
            }
    }

    /// Takes no more datagrams.
    package func close() -> EventLoopFuture<Void> {
        let former = phase.withLockedValue { phase in
            defer { phase = .closed }
            return phase
        }
        switch former {
        case .open(let channel): return channel.close().flatMapErrorThrowing { _ in }
        case .reopening, .closed: return eventLoop.makeSucceededVoidFuture()
        }
    }
}
