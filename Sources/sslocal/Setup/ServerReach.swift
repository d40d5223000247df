// Whether servers take a TCP connection, and how long that takes. Nothing is sent: only a stream through the tunnel would show
// whether the key is right, and an idle connection tells an onlooker no more than the laptop's later ones.
internal import NIOCore
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork

enum ServerReach {
    /// More servers than these are not tried.
    static let limit = 8
    private static let patience = TimeAmount.seconds(5)

    /// One result for each of the first `limit` addresses, in order; all are tried at once.
    static func times(to addresses: [TargetAddress]) async -> [Result<Duration, DialError>] {
        let group = Engine.makeGroup(threads: 1)
        let (resolver, endResolver) = CommonSettings().makeResolver(group)
        var options = RacingDialer.Options()
        options.timeout = patience
        let dialer = RacingDialer(resolver: resolver, options: options)
        let attempts = addresses.prefix(limit).map { address in
            (began: ContinuousClock.now, channel: dialer.dial(address, on: group.next()))
        }
        var results: [Result<Duration, DialError>] = []
        for attempt in attempts {
            results.append(await result(of: attempt.channel, began: attempt.began))
        }
        endResolver()
        try? await group.shutdownGracefully()
        return results
    }

    private static func result(
        of channel: EventLoopFuture<any Channel>, began: ContinuousClock.Instant
    ) async -> Result<Duration, DialError> {
        let timed = channel.map { channel in
            channel.close(promise: nil)
            return ContinuousClock.now - began
        }
        do {
            return .success(try await timed.get())
        } catch {
            return .failure(DialError(error))
        }
    }
}
