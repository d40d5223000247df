// What our TCP and UDP channels have in common: NIO's `Channel` around a descriptor, its options and its end.
#if os(Linux)
    internal import CLinux
    internal import Glibc
    internal import NIOCore
    internal import SSCommon
    internal import Synchronization

    /// A channel on an `EpollLoop`.
    ///
    /// `@unchecked Sendable`: everything mutable is confined to the loop. `Channel`'s own methods go through the pipeline,
    /// which hops there; `isWritable` is atomic, `isActive` and the addresses depend on one word that may be read from
    /// elsewhere late but never torn.
    class PolledChannel: PolledSocket, Channel, ChannelCore, @unchecked Sendable {
        final let allocator = ByteBufferAllocator()
        final let parent: (any Channel)? = nil
        final private let closePromise: EventLoopPromise<Void>
        // Set at the end of `init`: the pipeline wants the channel.
        final private var madePipeline: ChannelPipeline! = nil

        /// Reads are asked for by the channel itself.
        final var isAutoRead = true
        /// A read was asked for and nothing has come yet.
        final var isReadWanted = false
        /// The loop's to write.
        final var isWritable: Bool {
            get { writable.load(ordering: .relaxed) }
            set { writable.store(newValue, ordering: .relaxed) }
        }
        private let writable = Atomic(true)

        override init(_ descriptor: CInt, on loop: EpollLoop) {
            closePromise = loop.makePromise()
            super.init(descriptor, on: loop)
            madePipeline = ChannelPipeline(channel: self)
        }

        final var pipeline: ChannelPipeline { madePipeline }

        final var eventLoop: any EventLoop { loop }
        final var closeFuture: EventLoopFuture<Void> { closePromise.futureResult }
        final var _channelCore: any ChannelCore { self }
        final var isOpen: Bool { descriptor >= 0 }
        var isActive: Bool { isOpen }

        // MARK: Addresses

        final var localAddress: SocketAddress? { try? localAddress0() }
        var remoteAddress: SocketAddress? { nil }

        final func localAddress0() throws -> SocketAddress {
            guard let endpoint = boundEndpoint else { throw ChannelError.unknownLocalAddress }
            return SocketAddress(endpoint)
        }

        final func remoteAddress0() throws -> SocketAddress {
            guard let remoteAddress else { throw ChannelError.operationUnsupported }
            return remoteAddress
        }

        // MARK: Calls that have no use here

        final func register0(promise: EventLoopPromise<Void>?) { promise?.fail(ChannelError.operationUnsupported) }

        final func bind0(to: SocketAddress, promise: EventLoopPromise<Void>?) {
            promise?.fail(ChannelError.operationUnsupported)
        }

        final func connect0(to: SocketAddress, promise: EventLoopPromise<Void>?) {
            promise?.fail(ChannelError.operationUnsupported)
        }

        final func triggerUserOutboundEvent0(_ event: Any, promise: EventLoopPromise<Void>?) {
            promise?.fail(ChannelError.operationUnsupported)
        }

        /// What reached the pipeline's end is let go of.
        final func channelRead0(_ data: NIOAny) {}

        final func errorCaught0(error: any Error) {}

        // MARK: Calls that the kinds answer

        func write0(_ data: NIOAny, promise: EventLoopPromise<Void>?) { preconditionFailure("a kind of its own") }
        func flush0() { preconditionFailure("a kind of its own") }
        func read0() { preconditionFailure("a kind of its own") }
        func close0(error: any Error, mode: CloseMode, promise: EventLoopPromise<Void>?) {
            preconditionFailure("a kind of its own")
        }

        /// Asks for the next read through the pipeline, if reading goes on by itself.
        final func readIfWanted() {
            if isActive, !isReadWanted, isAutoRead { pipeline.syncOperations.read() }
        }

        /// Tells the pipeline that the channel lives, and starts to read.
        final func announce() {
            pipeline.syncOperations.fireChannelRegistered()
            guard isOpen else { return }
            pipeline.syncOperations.fireChannelActive()
            readIfWanted()
        }

        /// The last part of closing: the descriptor is gone after it. Handlers hear of it at once and are let go in
        /// the next turn.
        final func finishClosing(wasActive: Bool, _ promise: EventLoopPromise<Void>?) {
            closeDescriptor()
            promise?.succeed()
            if wasActive { pipeline.syncOperations.fireChannelInactive() }
            pipeline.syncOperations.fireChannelUnregistered()
            loop._executeIsolatedUnsafeUnchecked {
                self.removeHandlers(pipeline: self.pipeline)
                self.closePromise.succeed()
            }
        }

        override func loopEnds() {
            // Handlers may choose how it closes; none may keep it open.
            pipeline.syncOperations.close(mode: .all, promise: nil)
            guard isOpen else { return }
            close0(error: EventLoopError.shutdown, mode: .all, promise: nil)
        }

        // MARK: Options

        final var syncOptions: (any NIOSynchronousChannelOptions)? { PolledChannelOptions(channel: self) }

        final func setOption<Option: ChannelOption>(_ option: Option, value: Option.Value) -> EventLoopFuture<Void> {
            if loop.inEventLoop { return loop.makeCompletedFuture { try set(option, value) } }
            // The option and its value are handed over whole.
            let box = UncheckedBox((option, value))
            return loop.submit { try self.set(box.value.0, box.value.1) }
        }

        final func getOption<Option: ChannelOption>(_ option: Option) -> EventLoopFuture<Option.Value> {
            let promise = loop.makePromise(of: UncheckedBox<Option.Value>.self)
            let box = UncheckedBox(option)
            if loop.inEventLoop {
                promise.completeWith(Result { UncheckedBox(try get(option)) })
            } else {
                loop.execute { promise.completeWith(Result { UncheckedBox(try self.get(box.value)) }) }
            }
            return promise.futureResult.map(\.value)
        }

        /// Throws `ChannelError.operationUnsupported` for options that our channels do not have.
        func set<Option: ChannelOption>(_ option: Option, _ value: Option.Value) throws {
            switch option {
            case _ as ChannelOptions.Types.AutoReadOption:
                let wasAutoRead = isAutoRead
                isAutoRead = value as! Bool
                // As with NIO, no read that was asked for before comes after it goes off; one asked for since does.
                if wasAutoRead, !isAutoRead { isReadWanted = false }
                readIfWanted()
            case let option as ChannelOptions.Types.SocketOption:
                try setSocketOption(
                    option.optionLevel.rawValue, option.optionName.rawValue, CInt(clamping: value as! Int))
            default:
                throw ChannelError.operationUnsupported
            }
        }

        func get<Option: ChannelOption>(_ option: Option) throws -> Option.Value {
            switch option {
            case _ as ChannelOptions.Types.AutoReadOption:
                return isAutoRead as! Option.Value
            case let option as ChannelOptions.Types.SocketOption:
                var value: CInt = 0
                var length = socklen_t(MemoryLayout<CInt>.size)
                let code = getsockopt(
                    descriptor, option.optionLevel.rawValue, option.optionName.rawValue, &value, &length)
                guard code == 0 else { throw IOError(errnoCode: errno, reason: "getsockopt") }
                return Int(value) as! Option.Value
            default:
                throw ChannelError.operationUnsupported
            }
        }
    }

    /// A channel's options on its own loop.
    private struct PolledChannelOptions: NIOSynchronousChannelOptions {
        let channel: PolledChannel

        func setOption<Option: ChannelOption>(_ option: Option, value: Option.Value) throws {
            channel.loop.preconditionInEventLoop()
            try channel.set(option, value)
        }

        func getOption<Option: ChannelOption>(_ option: Option) throws -> Option.Value {
            channel.loop.preconditionInEventLoop()
            return try channel.get(option)
        }
    }

    /// Carries a value to the loop that alone uses it from then on.
    private struct UncheckedBox<Value>: @unchecked Sendable {
        let value: Value
        init(_ value: Value) { self.value = value }
    }
#endif
