import Logging
import NIOCore
import NIOPosix
import SSCommon
import SSNetwork

@testable import sslocal

struct NoNames: NameResolver {
    func resolve(_ name: HostName, on eventLoop: any EventLoop) -> EventLoopFuture<[IPAddress]> {
        eventLoop.makeFailedFuture(DialError.nameNotFound)
    }
}

/// What becomes of connections to each server; a stranger is connected to.
final class PlannedConnector: StreamDialer {
    enum Plan: Sendable {
        case connect
        case fail(DialError)
        /// Nothing ever comes back.
        case silence
        /// After a while it connects after all.
        case late(TimeAmount)
    }

    private let plans = Locked<[UInt16: Plan]>([:])
    private let dialled = Locked<[UInt16]>([])

    /// The ports that were asked for, in order.
    var ports: [UInt16] { dialled.withLock { $0 } }

    func plan(_ plan: Plan, for port: Int) { plans.withLock { $0[UInt16(port)] = plan } }

    func dial(
        _ target: TargetAddress, on eventLoop: any EventLoop,
        configure: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        dialled.withLock { $0.append(target.port) }
        let real = RacingDialer(resolver: NoNames())
        switch plans.withLock({ $0[target.port] }) ?? .connect {
        case .connect: return real.dial(target, on: eventLoop, configure: configure)
        case .fail(let error): return eventLoop.makeFailedFuture(error)
        case .silence:
            // The dialer's own end to waiting; a promise that is never kept would be a leak.
            return eventLoop.scheduleTask(in: .seconds(10)) { throw DialError.timedOut }.futureResult
        case .late(let time):
            return eventLoop.flatScheduleTask(in: time) {
                real.dial(target, on: eventLoop, configure: configure)
            }.futureResult
        }
    }
}

/// Servers on loopback that a test plays by hand, and the dialer that chooses among them.
struct ServerRig {
    static let credential = Credential(method: .aes256GCM, password: "a key for tests only")
    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    let eventLoop: any EventLoop = MultiThreadedEventLoopGroup.singleton.any()
    let ledger = TrafficLedger()
    let loops: LoopContexts
    let connector = PlannedConnector()
    let servers: ServerSet
    let dialer: ServerDialer
    let target = TargetAddress(host: "www.example.com", port: 80)!

    /// One server for each of `ports` on loopback.
    init(_ ports: [Int], hasAlarm: Bool = false) {
        loops = LoopContexts(eventLoop, ledger: ledger)
        servers = ServerSet(ports.map(Self.entry), resolver: NoNames(), logger: Self.logger, hasAlarm: hasAlarm)
        dialer = ServerDialer(
            servers: servers, replay: ReplayGuard(capacity: 100), connector: connector, loops: loops)
    }

    static func entry(_ address: TargetAddress) -> ServerEntry {
        ServerEntry(
            configuration: EndpointConfiguration(address, method: .aes256GCM, password: .text("-")),
            credential: credential)
    }

    static func entry(_ port: Int) -> ServerEntry {
        entry(TargetAddress(.ip(.v4(IPv4Address(127, 0, 0, 1))), port: UInt16(port)))
    }

    /// A stream, taken for one side by a `Wire`.
    func stream(to target: TargetAddress? = nil) async throws -> Wire {
        let wire = Locked<Wire?>(nil)
        _ = try await dialer.dial(target ?? self.target, on: eventLoop) { channel in
            let attached = try Wire.attach(channel)
            wire.withLock { $0 = attached }
        }.get()
        guard let wire = wire.withLock({ $0 }) else { throw DialError.failed("the channel was not configured") }
        return wire
    }

    func states() -> [ServerHealth.State] { servers.withContents { $0.table.entries.map(\.state) } }

    /// The port of the server in use.
    func current() -> Int? {
        servers.withContents { contents in contents.server(contents.table.current).map { Int($0.address.port) } }
    }

    func states(become expected: [ServerHealth.State]) async throws -> Bool {
        for _ in 0..<1000 {
            if states() == expected { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }

    /// What the server's end of a connection says as an answer.
    static func answer(_ payload: String) -> [UInt8] {
        let method = credential.method
        var sealer = ResponseSealer(credential, salt: .random(for: method), request: .random(for: method))
        let bytes = latin1(payload)
        var buffer = ByteBuffer()
        let capacity = sealer.sealedCount(bytes.count)
        buffer.writeWithOutputRawSpan(minimumWritableBytes: capacity) { span in
            sealer.seal(bytes.span.bytes, into: &span, now: WallClock.now())
        }
        return Array(buffer.readableBytesView)
    }
}
