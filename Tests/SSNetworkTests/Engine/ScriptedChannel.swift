// One accepted connection with a handler that does what a test tells it at each event, on our engine or on NIO's, whose
// behaviour is the measure of ours.
#if os(Linux)
    import Glibc
    import NIOConcurrencyHelpers
    import NIOCore
    import NIOPosix
    import SSCommon

    @testable import SSNetwork

    /// What a channel told its handler, in order; pieces of one read are put together.
    final class EventTrace: Sendable {
        private let entries = NIOLockedValueBox<[String]>([])
        private let bytes = NIOLockedValueBox<[UInt8]>([])

        var all: [String] { entries.withLockedValue { $0 } }
        var received: [UInt8] { bytes.withLockedValue { $0 } }

        func add(_ entry: String) {
            entries.withLockedValue { entries in
                if entry != "read" || entries.last != "read" { entries.append(entry) }
            }
        }

        func add(_ new: ByteBuffer) {
            bytes.withLockedValue { $0 += Array(new.readableBytesView) }
            add("read")
        }
    }

    /// Whether `condition` holds within twenty seconds.
    func eventually(_ condition: () throws -> Bool) async rethrows -> Bool {
        for _ in 0..<2000 {
            if try condition() { return true }
            try? await Task.sleep(for: .milliseconds(10))
        }
        return try condition()
    }

    /// How many descriptors this process has.
    func openDescriptors() -> Int {
        guard let directory = opendir("/proc/self/fd") else { return -1 }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        return count
    }

    /// Traces, and does what it was told at each event.
    final class ScriptedHandler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        enum Moment: String, CaseIterable, Sendable {
            case active, read, readComplete, inputClosed, outputClosed, writability, error, inactive
        }

        typealias Script = @Sendable (Moment, ChannelHandlerContext) -> Void

        private let trace: EventTrace
        private let script: Script

        init(_ trace: EventTrace, _ script: @escaping Script = { _, _ in }) {
            self.trace = trace
            self.script = script
        }

        private func tell(_ moment: Moment, _ context: ChannelHandlerContext) {
            if moment != .read, moment != .readComplete, moment != .error { trace.add(moment.rawValue) }
            script(moment, context)
        }

        func channelActive(context: ChannelHandlerContext) { tell(.active, context) }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            trace.add(unwrapInboundIn(data))
            tell(.read, context)
        }

        func channelReadComplete(context: ChannelHandlerContext) { tell(.readComplete, context) }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            switch event as? ChannelEvent {
            case .inputClosed: tell(.inputClosed, context)
            case .outputClosed: tell(.outputClosed, context)
            case nil: break
            }
        }

        func channelWritabilityChanged(context: ChannelHandlerContext) { tell(.writability, context) }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            trace.add("error \((error as? IOError).map { "\($0.errnoCode)" } ?? "\(error)")")
            tell(.error, context)
        }

        func channelInactive(context: ChannelHandlerContext) { tell(.inactive, context) }
    }

    enum EngineKind: CaseIterable, Sendable {
        case ours, nio

        func makeGroup() -> any EventLoopGroup {
            switch self {
            case .ours: EpollLoopGroup(threads: 1)
            case .nio: MultiThreadedEventLoopGroup(numberOfThreads: 1)
            }
        }
    }

    /// channel (ours, with a `ScriptedHandler`) - peer (a blocking socket of the test's).
    struct ScriptedChannel {
        let group: any EventLoopGroup
        let trace = EventTrace()
        let channel: any Channel
        let peer: Peer
        private let listener: StreamListener

        init(
            _ kind: EngineKind = .ours, autoRead: Bool = true, receiveBuffer: CInt? = nil,
            script: @escaping ScriptedHandler.Script = { _, _ in }
        ) async throws {
            let group = kind.makeGroup()
            self.group = group
            let accepted = group.next().makePromise(of: (any Channel).self)
            listener = try await StreamListener.bind(
                ListenAddress(Endpoint(.v4(IPv4Address(127, 0, 0, 1)), 0)), group: group,
                loops: LoopContexts(group, ledger: TrafficLedger())
            ) { [trace] channel, _, _ in
                StreamSocketOptions.applyForHandshake(to: channel)
                try channel.syncOptions?.setOption(.autoRead, value: autoRead)
                try channel.pipeline.syncOperations.addHandler(ScriptedHandler(trace, script))
                accepted.succeed(channel)
            }.get()
            peer = Peer.connected(to: listener.address?.port ?? 0, receiveBuffer: receiveBuffer)
            channel = try await accepted.futureResult.get()
            // NIO hands it out sooner.
            _ = await eventually { [trace] in trace.all.first == "active" }
        }

        func comes(_ entry: String) async -> Bool { await eventually { trace.all.contains(entry) } }

        func onLoop<Value: Sendable>(_ body: @escaping @Sendable (any Channel) throws -> Value) async throws -> Value {
            try await channel.eventLoop.submit { [channel] in try body(channel) }.get()
        }

        func end() async throws {
            peer.close()
            try await listener.close().get()
            try await group.shutdownGracefully()
        }
    }
#endif
