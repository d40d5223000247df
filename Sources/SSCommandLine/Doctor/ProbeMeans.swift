// What `doctor` examines with: an event loop, a resolver and a way to connect, for as long as a command lasts.
package import NIOCore
package import SSCommon
package import SSNetwork

package struct ProbeMeans: Sendable {
    package let loop: LoopContext
    package let resolver: any NameResolver
    package let connector: any StreamDialer
    package let replay = ReplayGuard(capacity: 1000)
    private let group: any EventLoopGroup
    private let endResolver: @Sendable () -> Void

    /// Names are asked for and connections are made as `settings` say, each within `patience`.
    package init(_ settings: CommonSettings, patience: TimeAmount = .seconds(10)) {
        group = Engine.makeGroup(threads: 1)
        loop = LoopContexts(group, ledger: TrafficLedger())[group.any()]
        (resolver, endResolver) = settings.makeResolver(group)
        var options = RacingDialer.Options()
        options.ipv6First = settings.ipv6First
        options.timeout = patience
        connector = RacingDialer(resolver: resolver, options: options)
    }

    package func end() async {
        endResolver()
        try? await group.shutdownGracefully()
    }

    /// Waits, by the loop's clock: the machine's may be what is wrong.
    package func pause(_ time: TimeAmount) async {
        try? await loop.eventLoop.scheduleTask(in: time) {}.futureResult.get()
    }

    /// The addresses of `host`, at least one, and how long it took to find out.
    package func addresses(of host: TargetAddress.Host) async throws(DialError) -> (list: [IPAddress], time: Duration) {
        guard case .name(let name) = host else {
            if case .ip(let address) = host { return ([address.folded], .zero) }
            throw .nameNotFound
        }
        let began = ContinuousClock.now
        do {
            let list = try await resolver.resolve(name, on: loop.eventLoop).get()
            return (list.map(\.folded), .now - began)
        } catch {
            throw DialError(error)
        }
    }

    /// How long a connection to `address` takes; nothing is sent.
    package func connectionTime(_ address: TargetAddress) async throws(DialError) -> Duration {
        let began = ContinuousClock.now
        do {
            return try await connector.dial(address, on: loop.eventLoop).map { channel in
                channel.close(promise: nil)
                return .now - began
            }.get()
        } catch {
            throw DialError(error)
        }
    }

    /// One stream through the server at `address`.
    package func ask(_ probe: StreamProbe, through address: TargetAddress) async -> StreamAnswer {
        let answer = connector.dial(address, on: loop.eventLoop).flatMap { [loop, replay] channel in
            probe.run(on: channel, replay: replay, loop: loop, owner: Nobody())
        }
        return (try? await answer.get()) ?? .notConnected
    }

    /// What the server at `address` does with a stream to its own machine's port 1, which is nobody's: who understands the request
    /// ends it at once, others are silent or end everything.
    package func askNowhere(
        through address: TargetAddress, _ credential: Credential, patience: TimeAmount
    ) async -> StreamAnswer {
        let nowhere = TargetAddress(.ip(.v4(IPv4Address(127, 0, 0, 1))), port: 1)
        let probe = StreamProbe(
            credential, to: nowhere, asking: Array("GET / HTTP/1.1\r\n\r\n".utf8), patience: patience)
        return await ask(probe, through: address)
    }

    /// What `address` does when it is sent `bytes`.
    package func babble(_ bytes: [UInt8], to address: TargetAddress, patience: TimeAmount) async -> StreamAnswer {
        let answer = connector.dial(address, on: loop.eventLoop).flatMap { channel in
            StreamProbe.babble(bytes, on: channel, patience: patience)
        }
        return (try? await answer.get()) ?? .notConnected
    }

    /// A name server's question to `target` through `server`, up to `tries` times.
    package func askName(
        of target: TargetAddress, through server: Endpoint, _ credential: Credential, clockOffset: Int64 = 0,
        tries: Int = 3
    ) async -> DatagramAnswer {
        let answer = DatagramProbe.ask(
            Self.nameQuestion, of: target, through: server, credential, clockOffset: clockOffset, replay: replay,
            on: loop.eventLoop, tries: tries)
        return (try? await answer.get()) ?? .silent
    }

    /// For the addresses of a name that every name server knows (RFC 1035 4.1).
    package static var nameQuestion: [UInt8] {
        guard let name = HostName("example.com").flatMap({ try? DomainName($0) }) else { return [] }
        return DNSQuery(id: .random(in: .min ... .max), DNSQuestion(name, .a)).bytes
    }

    /// Nobody else wants to know.
    private final class Nobody: ClientStreamOwner {
        func streamOpened() {}
        func streamClosed() {}
        func serverAnswered() {}
        func serverAnswerRefused(_ fault: StreamFault) {}
        func serverClosedSilently() {}
        func requestSent(_ first: ByteBuffer) {}
    }
}
