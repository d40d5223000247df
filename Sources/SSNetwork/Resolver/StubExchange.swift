// The sockets and the timer of one lookup at name servers; `StubLookup` decides, this carries out. Every server
// gets a connected UDP socket of its own, so the kernel picks an unpredictable port (RFC 5452 9.2) and drops
// what comes from anywhere but that server.
import NIOCore
import SSCommon

/// One lookup under way. Confined to its event loop; kept alive by its sockets and its timer until it is done.
final class StubExchange {
    private var lookup: StubLookup
    private let servers: [Endpoint]
    private let eventLoop: any EventLoop
    private var done: (@Sendable (TimedResolution) -> Void)?
    private var timer: Scheduled<Void>?
    /// The UDP sockets by server, and every TCP connection.
    private var sockets: [Int: EventLoopFuture<any Channel>] = [:]
    private var streams: [any Channel] = []
    private var pending: [StubLookup.Action] = []
    private var isPerforming = false

    init(
        _ lookup: StubLookup, servers: [Endpoint], on eventLoop: any EventLoop,
        done: @escaping @Sendable (TimedResolution) -> Void
    ) {
        self.lookup = lookup
        self.servers = servers
        self.eventLoop = eventLoop
        self.done = done
    }

    func start() { perform(lookup.start()) }

    func received(_ message: [UInt8], server: Int, _ transport: Nameserver.Transport) {
        perform(lookup.received(message, server: server, transport))
    }

    /// `query` is nil for all that were sent.
    func lost(_ query: DNSQuery?, server: Int, _ transport: Nameserver.Transport) {
        perform(lookup.lost(query, server: server, transport))
    }

    /// Sending may fail on the spot and bring further actions: they wait for their turn.
    private func perform(_ actions: [StubLookup.Action]) {
        pending.append(contentsOf: actions)
        if isPerforming { return }
        isPerforming = true
        while !pending.isEmpty { perform(pending.removeFirst()) }
        isPerforming = false
    }

    private func perform(_ action: StubLookup.Action) {
        switch action {
        case .ask(let query, let server, .udp): send(query, to: server)
        case .ask(let query, let server, .tcp): stream(query, to: server)
        case .timer(let duration):
            timer?.cancel()
            timer = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(duration)) {
                self.perform(self.lookup.timerFired())
            }
        case .finish(let result): finish(result)
        }
    }

    private func send(_ query: DNSQuery, to server: Int) {
        let socket = sockets[server] ?? openSocket(to: server)
        sockets[server] = socket
        let exchange = NIOLoopBound(self, eventLoop: eventLoop)
        socket.whenComplete { result in
            switch result {
            case .success(let channel):
                channel.writeAndFlush(ByteBuffer(bytes: query.bytes)).whenFailure { _ in
                    // The error is that of an earlier datagram: whatever was sent there is lost.
                    exchange.value.lost(nil, server: server, .udp)
                }
            case .failure:
                // The next round is to try again with a socket of its own.
                exchange.value.sockets[server] = nil
                exchange.value.lost(nil, server: server, .udp)
            }
        }
    }

    private func openSocket(to server: Int) -> EventLoopFuture<any Channel> {
        let exchange = NIOLoopBound(self, eventLoop: eventLoop)
        return DatagramSocket.connect(to: servers[server], on: eventLoop) {
            StubDatagramHandler(exchange.value, server: server)
        }
    }

    private func stream(_ query: DNSQuery, to server: Int) {
        let exchange = NIOLoopBound(self, eventLoop: eventLoop)
        RacingDialer.connect(to: servers[server], on: eventLoop, timeout: .seconds(5)) { channel in
            exchange.value.streams.append(channel)
            try channel.pipeline.syncOperations.addHandler(StubStreamHandler(exchange.value, query, server: server))
        }
        .whenComplete { result in
            switch result {
            case .success(let channel):
                let bytes = query.bytes
                var buffer = channel.allocator.buffer(capacity: bytes.count + 2)
                buffer.writeInteger(UInt16(bytes.count))
                buffer.writeBytes(bytes)
                channel.writeAndFlush(buffer, promise: nil)
            case .failure:
                exchange.value.lost(query, server: server, .tcp)
            }
        }
    }

    private func finish(_ result: TimedResolution) {
        timer?.cancel()
        timer = nil
        for socket in sockets.values { socket.whenSuccess { $0.close(promise: nil) } }
        for stream in streams { stream.close(promise: nil) }
        sockets = [:]
        streams = []
        done?(result)
        done = nil
    }
}
