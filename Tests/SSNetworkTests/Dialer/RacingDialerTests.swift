import NIOCore
import NIOPosix
import SSCommon
import SSNetwork
import Synchronization
import Testing

@Suite("Dialling straight to the target", .serialized)
struct RacingDialerTests {
    private let group = TestEngine.group
    private let inside = IPAddress("127.0.0.1")!
    private let outside = IPAddress("127.0.0.2")!

    @Test("An address is dialled, and the channel is as a dialler must hand it over")
    func literal() async throws {
        let listener = try await Listener(inside)
        let dialer = RacingDialer(resolver: Liar([]))
        let channel = try await dialer.dial(TargetAddress(.ip(inside), port: listener.port), on: group.any()).get()
        #expect(channel.isActive)
        #expect(try await channel.getOption(.autoRead).get() == false)
        #expect(try await channel.getOption(.allowRemoteHalfClosure).get())
        #expect(try await channel.getOption(.tcpOption(.tcp_nodelay)).get() != 0)
        #expect(try await channel.getOption(.socketOption(.so_keepalive)).get() == 0)
        try await channel.close()
        try await listener.close()
    }

    @Test("TCP_NODELAY can be left off and SO_KEEPALIVE switched on")
    func options() async throws {
        let listener = try await Listener(inside)
        var options = RacingDialer.Options()
        options.noDelay = false
        options.keepAlive = KeepAlive()
        let dialer = RacingDialer(resolver: Liar([]), options: options)
        let channel = try await dialer.dial(TargetAddress(.ip(inside), port: listener.port), on: group.any()).get()
        #expect(try await channel.getOption(.tcpOption(.tcp_nodelay)).get() == 0)
        #expect(try await channel.getOption(.socketOption(.so_keepalive)).get() != 0)
        try await channel.close()
        try await listener.close()
    }

    @Test("A port nobody listens on is refused, by address and by name")
    func refused() async throws {
        let listener = try await Listener(inside)
        try await listener.close()
        let dialer = RacingDialer(resolver: Liar([[inside, outside]]))
        for target in [TargetAddress(.ip(inside), port: listener.port), name("a.example", listener.port)] {
            #expect(await failure(dialer, target) == .refused)
        }
    }

    @Test(
        "Every spelling of a forbidden address is forbidden, and no name is looked up for it",
        arguments: [
            "127.0.0.1", "127.1", "0x7f.1", "2130706433", "0177.0.0.1", "::ffff:127.0.0.1", "[127.0.0.1]", "１２７.0.0.1",
        ])
    func spellings(text: String) async throws {
        let listener = try await Listener(inside)
        let resolver = Liar([])
        let dialer = RacingDialer(resolver: resolver, refusing: forbidInside)
        let host = try #require(HostName(text))
        #expect(await failure(dialer, TargetAddress(.name(host), port: listener.port)) == .notAllowed)
        if let target = TargetAddress(host: text, port: listener.port) {
            #expect(await failure(dialer, target) == .notAllowed)
        }
        #expect(resolver.calls == 0)
        try await listener.close()
        #expect(listener.accepted == 0)
    }

    @Test("A resolver that alternates between a public address and loopback gets no dial of a thousand to loopback")
    func rebinding() async throws {
        let good = try await Listener(outside)
        let bad = try await Listener(inside, port: good.port)
        let resolver = Liar([[outside], [inside], [outside, inside], [inside, outside]])
        let dialer = RacingDialer(resolver: resolver, refusing: forbidInside)
        var (reached, forbidden) = (0, 0)
        for _ in 0..<1000 {
            do {
                let channel = try await dialer.dial(name("a.example", good.port), on: group.any()).get()
                #expect(channel.remoteAddress?.ipAddress == "127.0.0.2")
                reached += 1
                try await channel.close()
            } catch DialError.notAllowed {
                forbidden += 1
            }
        }
        #expect(reached == 750 && forbidden == 250)
        #expect(resolver.calls == 1000)
        try await good.close()
        try await bad.close()
        #expect(bad.accepted == 0)
    }

    @Test(
        "Of a forbidden IPv6 and an allowed IPv4 address the allowed one is used, whichever goes first",
        arguments: [true, false])
    func mixture(ipv6First: Bool) async throws {
        let listener = try await Listener(outside)
        var options = RacingDialer.Options()
        options.ipv6First = ipv6First
        let dialer = RacingDialer(
            resolver: Liar([[IPAddress("::1")!, IPAddress("fd00::1")!, outside]]), options: options
        ) { address, _ in
            if case .v6 = address { .notAllowed } else { nil }
        }
        let channel = try await dialer.dial(name("a.example", listener.port), on: group.any()).get()
        #expect(channel.remoteAddress?.ipAddress == "127.0.0.2")
        try await channel.close()
        try await listener.close()
    }

    @Test("The guard's own reason comes through, and a refused name is never looked up")
    func guards() async throws {
        let resolver = Liar([[inside]])
        let dialer = RacingDialer(
            resolver: resolver, refusing: { _, _ in .exhausted },
            refusingNames: { $0.text == "localhost" ? .notAllowed : nil })
        #expect(await failure(dialer, name("localhost", 80)) == .notAllowed)
        #expect(resolver.calls == 0)
        #expect(await failure(dialer, name("a.example", 80)) == .exhausted)
        #expect(await failure(RacingDialer(resolver: Liar([])), name("a.example", 80)) == .nameNotFound)
    }

    @Test("The next address is tried at once when one refuses")
    func quickFailure() async throws {
        let listener = try await Listener(outside)
        let dialer = RacingDialer(resolver: Liar([[IPAddress("127.0.0.3")!, IPAddress("127.0.0.4")!, outside]]))
        let time = try await ContinuousClock().measure {
            try await dialer.dial(name("a.example", listener.port), on: group.any()).get().close()
        }
        #expect(time < .milliseconds(230))
        try await listener.close()
    }

    @Test("An address that does not answer is overtaken by the next one and closed")
    func overtaken() async throws {
        let silent = try await SilentListener(inside)
        let listener = try await Listener(outside, port: silent.port)
        let dialer = RacingDialer(resolver: Liar([[inside, outside]]))
        var channel: (any Channel)?
        let time = try await ContinuousClock().measure {
            channel = try await dialer.dial(name("a.example", listener.port), on: group.any()).get()
        }
        #expect(channel?.remoteAddress?.ipAddress == "127.0.0.2")
        #expect(time >= .milliseconds(240) && time < .seconds(5))
        try await channel?.close()
        try await listener.close()
        try await silent.close()
    }

    @Test("A dial ends when its time is up, with one address and with several")
    func timeout() async throws {
        let silent = try await SilentListener(inside)
        var options = RacingDialer.Options()
        options.timeout = .milliseconds(300)
        let dialer = RacingDialer(resolver: Liar([[inside, IPAddress("::1")!, inside]]), options: options)
        #expect(await failure(dialer, TargetAddress(.ip(inside), port: silent.port)) == .timedOut)
        let racing = RacingDialer(resolver: Liar([[inside, outside]]), options: options) { _, _ in nil }
        // Nobody listens on the second address: it fails at once, and the first one runs out of time.
        #expect(await failure(racing, name("a.example", silent.port)) == .timedOut)
        try await silent.close()
    }

    @Test("System errors have names")
    func errors() {
        let error = DialError(ChannelError.connectTimeout(.seconds(1)))
        #expect(error == .timedOut)
        #expect(DialError(DialError.exhausted) == .exhausted)
        #expect(DialError(IOError(errnoCode: 111, reason: "connect")) == .refused)
        #expect(DialError(errno: 24) == .exhausted)
        #expect(DialError(errno: 101) == .unreachable && DialError(errno: 113) == .unreachable)
        #expect(DialError(errno: 110) == .timedOut)
    }

    private let forbidInside: RacingDialer.Guard = { address, _ in
        address == IPAddress("127.0.0.1")! ? .notAllowed : nil
    }

    private func name(_ text: String, _ port: UInt16) -> TargetAddress {
        TargetAddress(.name(HostName(text)!), port: port)
    }

    private func failure(_ dialer: RacingDialer, _ target: TargetAddress) async -> DialError? {
        do {
            try await dialer.dial(target, on: group.any()).get().close()
            return nil
        } catch {
            return error as? DialError
        }
    }
}

/// Gives its answers in turn, over and over; with none it knows no name.
final class Liar: NameResolver {
    private let answers: [[IPAddress]]
    private let count = Atomic<Int>(0)

    init(_ answers: [[IPAddress]]) { self.answers = answers }

    var calls: Int { count.load(ordering: .relaxed) }

    func resolve(_ name: HostName, on eventLoop: any EventLoop) -> EventLoopFuture<[IPAddress]> {
        let call = count.wrappingAdd(1, ordering: .relaxed).oldValue
        if answers.isEmpty { return eventLoop.makeFailedFuture(DialError.nameNotFound) }
        return eventLoop.makeSucceededFuture(answers[call % answers.count])
    }
}

/// Accepts and counts.
final class Listener: Sendable {
    let port: UInt16
    private let channel: any Channel
    private let count: Counter

    final class Counter: Sendable {
        let value = Atomic<Int>(0)
    }

    init(_ address: IPAddress, port: UInt16 = 0) async throws {
        let count = Counter()
        self.count = count
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                count.value.wrappingAdd(1, ordering: .relaxed)
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(to: SocketAddress(Endpoint(address, port))).get()
        self.port = UInt16(channel.localAddress?.port ?? 0)
    }

    var accepted: Int { count.value.load(ordering: .relaxed) }

    func close() async throws { try await channel.close() }
}

/// Listens but leaves every SYN unanswered: its queue is as short as can be, and full.
final class SilentListener: Sendable {
    let port: UInt16
    private let channel: any Channel
    private let fillers: [any Channel]

    init(_ address: IPAddress) async throws {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 0)
            .serverChannelOption(.autoRead, value: false)
            .bind(to: SocketAddress(Endpoint(address, 0))).get()
        self.channel = channel
        port = UInt16(channel.localAddress?.port ?? 0)
        var fillers: [any Channel] = []
        for _ in 0..<4 {
            let filler = try? await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.milliseconds(100)).connect(to: SocketAddress(Endpoint(address, port))).get()
            guard let filler else { break }
            fillers.append(filler)
        }
        self.fillers = fillers
    }

    func close() async throws {
        for filler in fillers { try await filler.close() }
        try await channel.close()
    }
}
