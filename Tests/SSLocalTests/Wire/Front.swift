// A listening front on loopback with an origin behind it, as most tests want it.
import Logging
import NIOCore
import SSCommon
import SSNetwork

@testable import sslocal

struct Front {
    /// The loops that a program has here; never shut down.
    static let group: any EventLoopGroup = Engine.makeGroup(threads: 2)

    let origin: Origin
    let dialer: DirectDialer
    let listener: StreamListener

    var port: Int { Int(listener.address?.port ?? 0) }

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
        let loops = LoopContexts(group, ledger: TrafficLedger())
        let listener = try await StreamListener.bind(
            ListenAddress(Endpoint(.v4(IPv4Address(127, 0, 0, 1)), 0)), group: group, loops: loops
        ) { [configuration] channel, _, _ in
            accepting(channel)
            StreamSocketOptions.applyForHandshake(to: channel)
            try channel.pipeline.syncOperations.addHandler(FrontHandler(configuration))
        }.get()
        defer {
            _ = listener.close()
            origin.stop()
        }
        try await body(Front(origin: origin, dialer: dialer, listener: listener))
    }

    func connect(reading: Bool = true) async throws -> Wire { try await Wire.connect(port, reading: reading) }
}
