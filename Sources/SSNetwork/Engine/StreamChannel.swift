// A TCP connection on an `EpollLoop`.
//
// Differences from NIO's own channel, all towards losing nothing: a failed write does not close the channel but is told
// to the handlers (`errorCaught`), so that what the peer had sent before can still be read; a reset that arrives
// while reading is suspended waits until what came before it has been read.
#if os(Linux)
    internal import CLinux
    internal import Glibc
    internal import NIOCore
    internal import SSCommon
    internal import Synchronization

    /// One connection, accepted or made. Half-closure by the peer is allowed always.
    final class StreamChannel: PolledChannel, @unchecked Sendable {
        private enum Phase {
            /// connect(2) has not answered.
            case connecting(EventLoopPromise<any Channel>)
            /// Bytes may flow.
            case active
            /// The descriptor is gone.
            case closed
        }

        private var phase: Phase {
            didSet {
                if case .active = phase {
                    live.store(true, ordering: .relaxed)
                } else {
                    live.store(false, ordering: .relaxed)
                }
            }
        }
        /// Whether the phase is `active`, for those on other threads too.
        private let live = Atomic(false)
        /// The loop's to write: its place among those that connect.
        var connectingSlot: Int?
        /// The other end.
        let peer: Endpoint
        /// Where reads go; without one they are copied into buffers of their own.
        var source: ReadAllocator?

        /// Takes what is read in place of the pipeline.
        var tap: (any StreamTap)?
        /// The handler that seals and opens, if there is one.
        var cipher: (any StreamCipher)?

        /// The socket may have something to read, as far as the last event or read told.
        private var isReadable = false
        /// The peer has ended or failed, or has sent urgent data, at which every read stops: a short read is not the last
        /// one.
        private var isEndNear = false
        private var isInputEnded = false
        private var isErrorTold = false

        private var queue = WriteQueue()
        /// The socket was full; an event will tell.
        private var isBlocked = false
        private var isWatchedForWriting: Bool
        private var isFlushing = false
        private var output = Output.open
        /// Handlers were told that it is not writable.
        private var isUnwritableTold = false

        private enum Output {
            case open
            /// To be shut when the queue is empty.
            case ending(EventLoopPromise<Void>?)
            /// Shut, or broken.
            case closed
        }

        /// Bytes waiting above which the channel is not writable, and below which it is again.
        private static let highWaterMark = 64 * 1024
        private static let lowWaterMark = 32 * 1024
        /// Calls of send(2) in one turn.
        private static let writesAtOnce = 16

        // MARK: Making

        /// An accepted connection. `begin` must follow once its handlers are in.
        init(accepted descriptor: CInt, from peer: Endpoint, on loop: EpollLoop) {
            self.peer = peer
            phase = .active
            isWatchedForWriting = false
            super.init(descriptor, on: loop)
            live.store(true, ordering: .relaxed)
        }

        /// Lets an accepted connection live; false if the system refuses to watch it, which closes it.
        func begin() {
            guard loop.add(self, Self.readEvents, linux_edge) else {
                return close0(error: ChannelError.ioOnClosedChannel, mode: .all, promise: nil)
            }
            announce()
        }

        private init(connecting descriptor: CInt, to peer: Endpoint, on loop: EpollLoop) {
            self.peer = peer
            phase = .connecting(loop.makePromise())
            isWatchedForWriting = true
            super.init(descriptor, on: loop)
        }

        private static let readEvents = linux_poll_in | linux_poll_urgent | linux_poll_read_hang_up
        private static let allEvents = readEvents | linux_poll_out
        private static let endEvents = linux_poll_read_hang_up | linux_poll_hang_up | linux_poll_error

        /// Connects to `endpoint`, on the loop. `configure` is given the channel before anything can happen to it. Fails
        /// with `DialError`; `timeout` is exact to about a second.
        static func connect(
            to endpoint: Endpoint, on loop: EpollLoop, timeout: TimeAmount, noDelay: Bool, keepAlive: KeepAlive?,
            configure: (any Channel) throws -> Void
        ) -> EventLoopFuture<any Channel> {
            let descriptor = linux_stream_socket(endpoint.family)
            guard descriptor >= 0 else { return loop.makeFailedFuture(DialError(errno: errno)) }
            let channel = StreamChannel(connecting: descriptor, to: endpoint, on: loop)
            guard case .connecting(let promise) = channel.phase else { preconditionFailure("made so") }
            do {
                if noDelay { try channel.setSocketOption(CInt(IPPROTO_TCP), TCP_NODELAY, CInt(1)) }
                try keepAlive?.apply(to: channel)
                try configure(channel)
            } catch {
                channel.failToConnect(DialError(error))
                return promise.futureResult
            }
            channel.connect(endpoint, timeout)
            return promise.futureResult
        }

        private func connect(_ endpoint: Endpoint, _ timeout: TimeAmount) {
            let code = endpoint.withSocketAddress { address, length in Glibc.connect(descriptor, address, length) }
            let error = errno
            guard code == 0 || error == EINPROGRESS else { return failToConnect(DialError(errno: error)) }
            guard loop.add(self, Self.allEvents, linux_edge) else { return failToConnect(DialError(errno: errno)) }
            if code == 0 { connected() } else { loop.limitConnecting(self, to: timeout) }
        }

        /// The time to connect is over.
        func connectingTakesTooLong() {
            failToConnect(.timedOut)
        }

        private func connected() {
            guard case .connecting(let promise) = phase else { return }
            phase = .active
            loop.endLimit(self)
            announce()
            if isOpen { promise.succeed(self) } else { promise.fail(DialError.failed("closed while connecting")) }
        }

        private func failToConnect(_ error: DialError) {
            guard case .connecting(let promise) = phase else { return }
            phase = .closed
            loop.endLimit(self)
            source = nil
            cipher = nil
            finishClosing(wasActive: false, nil)
            promise.fail(error)
        }

        private func connectEnded(_ events: UInt32) {
            guard events & Self.endEvents != 0 else { return connected() }
            var code: CInt = 0
            var length = socklen_t(MemoryLayout<CInt>.size)
            getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
            // No error: the peer took the connection and has ended its side already.
            if code == 0 { connected() } else { failToConnect(DialError(errno: code)) }
        }

        // MARK: Channel

        override var isActive: Bool {
            live.load(ordering: .relaxed)
        }

        override var remoteAddress: SocketAddress? { SocketAddress(peer) }

        override func ready(_ events: UInt32) {
            switch phase {
            case .connecting: connectEnded(events)
            case .active: break
            case .closed: return
            }
            guard case .active = phase else { return }
            if events & (Self.readEvents | Self.endEvents) != 0 {
                isReadable = true
                if events & (Self.endEvents | linux_poll_urgent) != 0 { isEndNear = true }
            }
            if isBlocked, events & (Self.endEvents | linux_poll_out) != 0 {
                isBlocked = false
                flushQueue()
            }
            if isReadWanted {
                if isReadable { readOnce() }
            } else if isInputEnded, events & (linux_poll_error | linux_poll_hang_up) != 0 {
                // Nothing is left to be read, and nothing can be sent any more.
                close0(error: ChannelError.eof, mode: .all, promise: nil)
            } else if events & linux_poll_error != 0 {
                tell(IOError(errnoCode: ECONNRESET, reason: "reset by the peer"))
            }
        }

        override func resume() {
            if isReadWanted, isReadable { readOnce() }
            if !queue.isEmpty, !isBlocked { flush0() }
        }

        // MARK: Reading

        override func read0() {
            guard !isInputEnded else { return }
            isReadWanted = true
            if isReadable, isActive { loop.run(later: self) }
        }

        private func readOnce() {
            guard case .active = phase, !isInputEnded else { return }
            isReadWanted = false
            let (buffer, count, code) = receive()
            if count > 0, let tap {
                tap.received(buffer)
                guard isActive else { return }
                tap.receivedAll()
                // It may have given the channel back to its pipeline.
                if self.tap == nil { return readIfWanted() }
                if isAutoRead, isActive, !isReadWanted, tap.wantsMore() { read0() }
                return
            }
            if count > 0 {
                pipeline.syncOperations.fireChannelRead(NIOAny(buffer))
                guard isActive else { return }
                pipeline.syncOperations.fireChannelReadComplete()
                readIfWanted()
                return
            }
            if count == 0 { return inputEnded() }
            if code == EAGAIN || code == EINTR {
                isReadable = code == EINTR
                isReadWanted = true
                if isReadable { loop.run(later: self) }
                return
            }
            let error = IOError(errnoCode: code, reason: "read")
            tell(error)
            close0(error: error, mode: .all, promise: nil)
        }

        /// The count is read(2)'s, with `errno`. Less than there was room for means that the socket is empty now.
        private func receive() -> (ByteBuffer, Int, CInt) {
            var buffer: ByteBuffer
            let count: Int
            var code: CInt = 0
            if let source {
                buffer = source.buffer(allocator: allocator)
                let room = buffer.writableBytes
                var result = 0
                buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 0) { bytes in
                    result = Glibc.read(descriptor, bytes.baseAddress, bytes.count)
                    code = errno
                    return max(0, result)
                }
                count = result
                if count > 0 { _ = source.record(actualReadBytes: count) } else { source.returnUnused(buffer) }
                if count < room, !isEndNear { isReadable = false }
            } else {
                count = Glibc.read(descriptor, loop.scratch.baseAddress, loop.scratch.count)
                code = errno
                let bytes = UnsafeRawBufferPointer(rebasing: loop.scratch.prefix(max(0, count)))
                buffer = allocator.buffer(capacity: bytes.count)
                buffer.writeBytes(bytes)
                if count < loop.scratch.count, !isEndNear { isReadable = false }
            }
            return (buffer, count, code)
        }

        private func inputEnded() {
            isInputEnded = true
            guard case .closed = output else {
                pipeline.syncOperations.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
                return
            }
            // Whoever was told of an error must hear that the peer's stream came to its end all the same.
            if isErrorTold { pipeline.syncOperations.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
            if isActive { close0(error: ChannelError.eof, mode: .all, promise: nil) }
        }

        /// Tells the handlers of an error, once.
        private func tell(_ error: IOError) {
            guard !isErrorTold else { return }
            isErrorTold = true
            pipeline.syncOperations.fireErrorCaught(error)
        }

        // MARK: Writing

        override func write0(_ data: NIOAny, promise: EventLoopPromise<Void>?) {
            guard case .active = phase else {
                promise?.fail(ChannelError.ioOnClosedChannel)
                return
            }
            guard case .open = output else {
                promise?.fail(ChannelError.outputClosed)
                return
            }
            add(unwrapData(data), promise)
        }

        /// The same without a pipeline; bytes that cannot be sent any more are dropped.
        func write(_ buffer: ByteBuffer) {
            guard case .active = phase, case .open = output else { return }
            add(buffer, nil)
        }

        private func add(_ buffer: ByteBuffer, _ promise: EventLoopPromise<Void>?) {
            queue.append(buffer, promise)
            if queue.byteCount > Self.highWaterMark { isWritable = false }
        }

        override func flush0() {
            guard case .active = phase, !isFlushing else { return }
            if isBlocked { tellWritability() } else { flushQueue() }
        }

        private func flushQueue() {
            isFlushing = true
            var rounds = 0
            // Whoever writes again when a promise is kept does not keep others waiting.
            while case .active = phase, !queue.isEmpty, !isBlocked, rounds < Self.writesAtOnce {
                rounds += 1
                let (taken, offered) = queue.write(to: descriptor)
                if taken < 0 {
                    let code = CInt(-taken)
                    if code == EINTR { continue }
                    if code == EAGAIN {
                        block()
                    } else {
                        breakOutput(IOError(errnoCode: code, reason: "write"))
                    }
                    break
                }
                let promises = queue.remove(taken)
                if taken < offered { block() }
                promises.succeed()
            }
            defer { isFlushing = false }
            guard case .active = phase else { return }
            if queue.isEmpty, case .ending(let promise) = output { endOutput(promise) }
            // Handlers that write now are served in the next turn, not in here again.
            tellWritability()
            if case .active = phase, !queue.isEmpty, !isBlocked { loop.run(later: self) }
        }

        private func block() {
            isBlocked = true
            guard !isWatchedForWriting else { return }
            isWatchedForWriting = true
            loop.change(self, Self.allEvents, linux_edge)
        }

        private func tellWritability() {
            guard !isWritable, isActive else { return }
            if queue.byteCount <= Self.lowWaterMark {
                isWritable = true
                isUnwritableTold = false
                pipeline.syncOperations.fireChannelWritabilityChanged()
            } else if !isUnwritableTold {
                isUnwritableTold = true
                pipeline.syncOperations.fireChannelWritabilityChanged()
            }
        }

        /// Nothing can be sent any more. What the peer had sent before is still there to be read, and then its end.
        private func breakOutput(_ error: IOError) {
            let ending: EventLoopPromise<Void>? = if case .ending(let promise) = output { promise } else { nil }
            output = .closed
            isReadable = true
            isEndNear = true
            queue.removeAll().fail(error)
            ending?.fail(error)
            guard isActive else { return }
            tell(error)
            if isReadWanted, isActive { loop.run(later: self) }
            if isInputEnded, isActive { close0(error: error, mode: .all, promise: nil) }
        }

        private func endOutput(_ promise: EventLoopPromise<Void>?) {
            output = .closed
            shutdown(descriptor, CInt(SHUT_WR))
            promise?.succeed()
            guard isActive else { return }
            if isInputEnded {
                close0(error: ChannelError.eof, mode: .all, promise: nil)
            } else {
                pipeline.syncOperations.fireUserInboundEventTriggered(ChannelEvent.outputClosed)
            }
        }

        /// Bytes that the socket has not taken.
        var bufferedBytes: Int { queue.byteCount }

        /// The same with what the socket holds and the peer has not acknowledged.
        var unsentBytes: Int { queue.byteCount + (isOpen ? max(0, Int(linux_unsent(descriptor))) : 0) }

        // MARK: Closing

        override func close0(error: any Error, mode: CloseMode, promise: EventLoopPromise<Void>?) {
            switch phase {
            case .closed:
                promise?.fail(ChannelError.alreadyClosed)
            case .connecting:
                failToConnect(DialError(error))
                promise?.succeed()
            case .active:
                switch mode {
                case .output: closeOutput(promise)
                case .input: closeInput(promise)
                case .all: closeAll(error, promise)
                }
            }
        }

        private func closeOutput(_ promise: EventLoopPromise<Void>?) {
            guard case .open = output else {
                promise?.fail(ChannelError.outputClosed)
                return
            }
            if queue.isEmpty { return endOutput(promise) }
            output = .ending(promise)
            flush0()
        }

        private func closeInput(_ promise: EventLoopPromise<Void>?) {
            guard !isInputEnded else {
                promise?.fail(ChannelError.inputClosed)
                return
            }
            shutdown(descriptor, CInt(SHUT_RD))
            isReadWanted = false
            promise?.succeed()
            if isActive { inputEnded() }
        }

        private func closeAll(_ error: any Error, _ promise: EventLoopPromise<Void>?) {
            phase = .closed
            let ending: EventLoopPromise<Void>? = if case .ending(let promise) = output { promise } else { nil }
            output = .closed
            let promises = queue.removeAll()
            isWritable = false
            source = nil
            tap = nil
            cipher = nil
            finishClosing(wasActive: true, promise)
            promises.fail(error)
            ending?.fail(error)
        }

        /// Closes with a reset instead of an end.
        func abort() {
            try? setSocketOption(SOL_SOCKET, SO_LINGER, linger(l_onoff: 1, l_linger: 0))
            close(promise: nil)
        }

        // MARK: Options

        override func set<Option: ChannelOption>(_ option: Option, _ value: Option.Value) throws {
            switch option {
            case _ as ChannelOptions.Types.AllowRemoteHalfClosureOption:
                guard value as! Bool else { throw ChannelError.operationUnsupported }
            case _ as ChannelOptions.Types.RecvAllocatorOption:
                source = value as? ReadAllocator
            case _ as ChannelOptions.Types.MaxMessagesPerReadOption:
                // One a turn.
                break
            default:
                try super.set(option, value)
            }
        }

        override func get<Option: ChannelOption>(_ option: Option) throws -> Option.Value {
            switch option {
            case _ as ChannelOptions.Types.AllowRemoteHalfClosureOption: true as! Option.Value
            case _ as ChannelOptions.Types.BufferedWritableBytesOption: queue.byteCount as! Option.Value
            default: try super.get(option)
            }
        }
    }
#endif
