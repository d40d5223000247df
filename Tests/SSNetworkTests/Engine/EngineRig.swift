// One accepted connection of our engine, with a blocking socket of the test's at its other end.
#if os(Linux)
    import NIOConcurrencyHelpers
    import NIOCore
    import SSCommon

    @testable import SSNetwork

    /// What a channel's handler was told, in order.
    final class EngineLog: Sendable {
        enum Entry: Equatable {
            case read([UInt8])
            case inputClosed
            case outputClosed
            case writable(Bool)
            case error(CInt)
            case inactive
        }

        private let entries = NIOLockedValueBox<[Entry]>([])
        var all: [Entry] { entries.withLockedValue { $0 } }

        func add(_ entry: Entry) {
            entries.withLockedValue { entries in
                // How reads are cut is nobody's business.
                if case .read(let new) = entry, case .read(let old)? = entries.last {
                    entries[entries.count - 1] = .read(old + new)
                } else {
                    entries.append(entry)
                }
            }
        }

        var bytes: [UInt8] {
            all.flatMap { entry in
                if case .read(let bytes) = entry { bytes } else { [] as [UInt8] }
            }
        }

        /// Whether `condition` holds within ten seconds.
        func comes(_ condition: ([Entry]) -> Bool) async -> Bool {
            for _ in 0..<1000 {
                if condition(all) { return true }
                try? await Task.sleep(for: .milliseconds(10))
            }
            return condition(all)
        }
    }

    /// Records; closes in the middle of the first read if it is told to.
    final class Recorder: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let log: EngineLog
        private let closesInRead: Bool

        init(_ log: EngineLog, closesInRead: Bool = false) {
            self.log = log
            self.closesInRead = closesInRead
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            log.add(.read(Array(unwrapInboundIn(data).readableBytesView)))
            if closesInRead { context.close(promise: nil) }
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            switch event as? ChannelEvent {
            case .inputClosed: log.add(.inputClosed)
            case .outputClosed: log.add(.outputClosed)
            case nil: break
            }
        }

        func channelWritabilityChanged(context: ChannelHandlerContext) {
            log.add(.writable(context.channel.isWritable))
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            log.add(.error((error as? IOError)?.errnoCode ?? -1))
        }

        func channelInactive(context: ChannelHandlerContext) {
            log.add(.inactive)
        }
    }

    struct EngineRig {
        let group: EpollLoopGroup
        let log = EngineLog()
        let channel: any Channel
        let peer: Peer
        private let listener: StreamListener

        init(autoRead: Bool = true, closesInRead: Bool = false, receiveBuffer: CInt? = nil) async throws {
            let group = EpollLoopGroup(threads: 1)
            self.group = group
            let loops = LoopContexts(group, ledger: TrafficLedger())
            let accepted = group.next().makePromise(of: (any Channel).self)
            listener = try await StreamListener.bind(
                ListenAddress(Endpoint(.v4(IPv4Address(127, 0, 0, 1)), 0)), group: group, loops: loops
            ) { [log] channel, _, _ in
                StreamSocketOptions.applyForHandshake(to: channel)
                try channel.syncOptions?.setOption(.autoRead, value: autoRead)
                try channel.pipeline.syncOperations.addHandler(Recorder(log, closesInRead: closesInRead))
                accepted.succeed(channel)
            }.get()
            peer = Peer.connected(to: listener.address?.port ?? 0, receiveBuffer: receiveBuffer)
            channel = try await accepted.futureResult.get()
        }

        func end() async throws {
            peer.close()
            try await listener.close().get()
            try await group.shutdownGracefully()
        }
    }
#endif
