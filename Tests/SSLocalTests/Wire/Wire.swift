// One end of a TCP connection that a test plays by hand: it sends bytes, and waits until bytes that please it have
// come. Reading can be stopped, to play a peer that does not read.
import NIOCore
import NIOPosix
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

final class Wire: Sendable {
    struct Received {
        var bytes: [UInt8] = []
        /// The peer ended its side, or the connection is gone.
        var ended = false
        /// The connection is gone.
        var closed = false
        /// It went with RST.
        var wasReset = false
    }

    let channel: any Channel
    private let received: Recorder

    private init(_ channel: any Channel, _ recorder: Recorder) {
        self.channel = channel
        received = recorder
    }

    /// Takes over a channel, which need not be active yet; on the channel's event loop.
    static func attach(_ channel: any Channel, reading: Bool = true) throws -> Wire {
        let recorder = Recorder()
        try channel.syncOptions?.setOption(.autoRead, value: reading)
        try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
        try channel.pipeline.syncOperations.addHandler(Collector(recorder))
        return Wire(channel, recorder)
    }

    static func connect(_ port: Int, reading: Bool = true) async throws -> Wire {
        try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture { try attach(channel, reading: reading) }
            }
    }

    var now: Received { received.state.withLock { $0 } }
    var text: String { String(decoding: now.bytes, as: UTF8.self) }

    func send(_ bytes: [UInt8]) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
    }

    func send(_ text: String) async throws { try await send(latin1(text)) }

    /// Ends this side; the other may go on.
    func finish() async throws { try await channel.close(mode: .output) }

    /// Closes with RST.
    func reset() async throws {
        try await (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        close()
    }

    func close() { channel.close(promise: nil) }

    func read(_ on: Bool) async throws { try await channel.setOption(.autoRead, value: on).get() }

    /// Waits until `condition` holds of everything received and not taken yet; false after twenty seconds, which only
    /// a failing test or a very busy machine ever sees.
    func wait(_ condition: (Received) -> Bool) async -> Bool {
        let end = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < end {
            // Under the lock, so that looking makes no copy of many megabytes.
            if received.state.withLock({ condition($0) }) { return true }
            try? await Task.sleep(for: .milliseconds(2))
        }
        return false
    }

    /// Waits for `text` to be there, then takes everything up to its end. Records an issue if it never comes.
    @discardableResult
    func take(through text: String, sourceLocation: SourceLocation = #_sourceLocation) async -> String {
        let needle = latin1(text)
        let found = await wait { $0.bytes.firstRange(of: needle) != nil }
        return received.state.withLock { state in
            guard found, let range = state.bytes.firstRange(of: needle) else {
                let got = String(decoding: state.bytes.prefix(600), as: UTF8.self)
                Issue.record(
                    "\(text.debugDescription) never came, only \(got.debugDescription)", sourceLocation: sourceLocation)
                return ""
            }
            defer { state.bytes.removeSubrange(..<range.upperBound) }
            return String(decoding: state.bytes[..<range.upperBound], as: UTF8.self)
        }
    }

    /// Waits for the peer's end and takes everything.
    func takeAll(sourceLocation: SourceLocation = #_sourceLocation) async -> String {
        let ended = await wait { $0.ended }
        #expect(ended, "the connection never ended", sourceLocation: sourceLocation)
        return received.state.withLock { state in
            defer { state.bytes = [] }
            return String(decoding: state.bytes, as: UTF8.self)
        }
    }
}

private final class Recorder: Sendable {
    let state = Locked(Wire.Received())
}

private final class Collector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let recorder: Recorder

    init(_ recorder: Recorder) { self.recorder = recorder }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = Array(unwrapInboundIn(data).readableBytesView)
        recorder.state.withLock { $0.bytes += bytes }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { recorder.state.withLock { $0.ended = true } }
    }

    func channelInactive(context: ChannelHandlerContext) {
        recorder.state.withLock {
            $0.ended = true
            $0.closed = true
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if (error as? IOError)?.errnoCode == ECONNRESET { recorder.state.withLock { $0.wasReset = true } }
        context.close(promise: nil)
    }
}
