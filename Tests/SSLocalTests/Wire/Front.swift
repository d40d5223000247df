// A listening front on loopback with an origin behind it, as most tests want it.
import Logging
import NIOCore
import NIOPosix
import SSCommon
import SSNetwork

@testable import sslocal

struct Front {
    let origin: Origin
    let dialer: DirectDialer
    let listener: any Channel

    var port: Int { listener.localAddress?.port ?? 0 }

    /// Runs `body` with a front that dials the origin, whatever the target.
    static func with(
        failing failure: DialError? = nil, gate: EventLoopPromise<Void>? = nil, originReads: Bool = true,
        configure: (inout FrontConfiguration) -> Void = { _ in },
        accepting: @escaping @Sendable (any Channel) -> Void = { _ in }, _ body: (Front) async throws -> Void
    ) async throws {
        let origin = try await Origin.start(reading: originReads)
        let dialer = DirectDialer(to: origin.port, failing: failure, gate: gate)
        var configuration = FrontConfiguration(
            dialer: dialer, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, now: { 784_111_777 },
            requestID: { "id42" }, startRelay: GlueRelay.start)
        configuration.limits.linger = .milliseconds(300)
        configure(&configuration)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { [configuration] channel in
                channel.eventLoop.makeCompletedFuture {
                    accepting(channel)
                    try channel.pipeline.syncOperations.addHandler(FrontHandler(configuration))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        defer {
            listener.close(promise: nil)
            origin.stop()
        }
        try await body(Front(origin: origin, dialer: dialer, listener: listener))
    }

    func connect(reading: Bool = true) async throws -> Wire { try await Wire.connect(port, reading: reading) }
}
