// A UDP socket on an `EpollLoop`. An error of a datagram is that datagram's: the socket stays open, whatever a route, a
// firewall or an ICMP message says, because it serves others too.
#if os(Linux)
    internal import CLinux
    internal import Glibc
    internal import NIOCore
    internal import SSCommon

    /// Reads and takes `AddressedEnvelope<ByteBuffer>`; a connected one takes `ByteBuffer` too.
    final class DatagramChannel: PolledChannel, @unchecked Sendable {
        /// How many datagrams are read at a time.
        private let batch: Int
        private let peer: Endpoint?
        private var queue: [OutgoingDatagram] = []
        private var queuedBytes = 0
        private var isReadable = false
        /// The socket was full; an event will tell.
        private var isBlocked = false
        private var isWatchedForWriting = false
        /// The first of the queue was refused for an error that may have been another's.
        private var isRetrying = false

        /// Enough for a burst; what is over it is dropped, as UDP is.
        private static let highWaterMark = 512 * 1024
        private static let lowWaterMark = 128 * 1024
        /// Empty datagrams take memory too.
        private static let entryCost = 64
        private static let readEvents = linux_poll_in
        private static let allEvents = readEvents | linux_poll_out

        /// Bound to `local`, or connected to `peer`, with `handler` in it; throws `IOError`.
        static func open(
            _ address: Address, on loop: EpollLoop, batch: Int, handler: any ChannelHandler
        ) throws -> DatagramChannel {
            let descriptor = linux_datagram_socket(address.endpoint.family)
            guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
            let channel = DatagramChannel(descriptor, on: loop, batch: batch, peer: address.peer)
            do {
                try channel.start(address)
                try channel.pipeline.syncOperations.addHandler(handler)
                guard loop.add(channel, readEvents, linux_edge) else {
                    throw IOError(errnoCode: errno, reason: "epoll_ctl")
                }
            } catch {
                channel.finishClosing(wasActive: false, nil)
                throw error
            }
            channel.announce()
            return channel
        }

        /// What a socket is for.
        enum Address {
            /// Anybody; `isIPv6Only` concerns "::".
            case local(Endpoint, isIPv6Only: Bool)
            /// One peer, from a port of the system's choice.
            case peer(Endpoint)

            var endpoint: Endpoint {
                switch self {
                case .local(let endpoint, _), .peer(let endpoint): endpoint
                }
            }

            var peer: Endpoint? {
                switch self {
                case .local: nil
                case .peer(let endpoint): endpoint
                }
            }
        }

        private init(_ descriptor: CInt, on loop: EpollLoop, batch: Int, peer: Endpoint?) {
            self.batch = min(batch, DatagramBatch.count)
            self.peer = peer
            super.init(descriptor, on: loop)
        }

        private func start(_ address: Address) throws {
            let code: CInt
            switch address {
            case .local(let endpoint, let isIPv6Only):
                if isIPv6Only { try setSocketOption(CInt(IPPROTO_IPV6), IPV6_V6ONLY, CInt(1)) }
                code = endpoint.withSocketAddress { Glibc.bind(descriptor, $0, $1) }
            case .peer(let endpoint):
                code = endpoint.withSocketAddress { Glibc.connect(descriptor, $0, $1) }
            }
            guard code == 0 else { throw IOError(errnoCode: errno, reason: "bind or connect") }
        }

        override var remoteAddress: SocketAddress? { peer.map { SocketAddress($0) } }

        override func ready(_ events: UInt32) {
            guard isOpen else { return }
            if events & ~linux_poll_out != 0 { isReadable = true }
            if isBlocked, events & linux_poll_out != 0 {
                isBlocked = false
                flush0()
            }
            if isReadWanted { readOnce() }
        }

        override func resume() {
            if isReadWanted, isReadable { readOnce() }
        }

        // MARK: Reading

        override func read0() {
            isReadWanted = true
            if isReadable, isOpen { loop.run(later: self) }
        }

        private func readOnce() {
            guard isOpen else { return }
            let datagrams = loop.datagrams
            let count = datagrams.receive(from: descriptor, limit: batch)
            guard count >= 0 else { return readFailed(CInt(-count)) }
            // Fewer than there was room for: the socket is empty.
            if count < batch { isReadable = false }
            isReadWanted = false
            // All of them leave the shared arrays first: handlers may send.
            var received: [AddressedEnvelope<ByteBuffer>] = []
            received.reserveCapacity(count)
            for index in 0..<count {
                if let datagram = datagrams.datagram(index, allocator) { received.append(datagram) }
            }
            for envelope in received {
                pipeline.syncOperations.fireChannelRead(NIOAny(envelope))
                guard isOpen else { return }
            }
            pipeline.syncOperations.fireChannelReadComplete()
            readIfWanted()
        }

        private func readFailed(_ code: CInt) {
            if code == EAGAIN {
                isReadable = false
                return
            }
            // EINTR, or an error that an earlier datagram caused, which this call has taken off the socket. Without memory
            // the next datagram will tell.
            if code != ENOMEM, code != ENOBUFS { loop.run(later: self) }
            if code != EINTR { pipeline.syncOperations.fireErrorCaught(IOError(errnoCode: code, reason: "recvmmsg")) }
        }

        // MARK: Writing

        override func write0(_ data: NIOAny, promise: EventLoopPromise<Void>?) {
            guard isOpen else {
                promise?.fail(ChannelError.ioOnClosedChannel)
                return
            }
            guard isWritable else {
                promise?.fail(IOError(errnoCode: ENOBUFS, reason: "sendmmsg"))
                return
            }
            if let envelope = tryUnwrapData(data, as: AddressedEnvelope<ByteBuffer>.self) {
                add(envelope.data, peer == nil ? envelope.remoteAddress : nil, promise)
            } else {
                precondition(peer != nil, "a datagram needs a destination")
                add(unwrapData(data), nil, promise)
            }
        }

        private func add(_ buffer: ByteBuffer, _ destination: SocketAddress?, _ promise: EventLoopPromise<Void>?) {
            queue.append(OutgoingDatagram(buffer: buffer, destination: destination, promise: promise))
            queuedBytes += buffer.readableBytes + Self.entryCost
            if queuedBytes > Self.highWaterMark {
                isWritable = false
                flush0()
            }
        }

        override func flush0() {
            while isOpen, !isBlocked, !queue.isEmpty {
                let datagrams = queue.count <= DatagramBatch.count ? queue : Array(queue.prefix(DatagramBatch.count))
                let count = loop.datagrams.send(datagrams, from: descriptor)
                if count >= 0 {
                    isRetrying = false
                    for datagram in take(count) { datagram.promise?.succeed() }
                } else if count == -Int(EAGAIN) {
                    block()
                } else if count != -Int(EINTR) {
                    let error = IOError(errnoCode: CInt(-count), reason: "sendmmsg")
                    if peer != nil, !isRetrying {
                        // What came back for an earlier datagram is told here, once; this one is innocent.
                        isRetrying = true
                        pipeline.syncOperations.fireErrorCaught(error)
                        continue
                    }
                    isRetrying = false
                    for datagram in take(1) { datagram.promise?.fail(error) }
                }
            }
            guard isOpen, !isWritable, queuedBytes <= Self.lowWaterMark else { return }
            isWritable = true
            pipeline.syncOperations.fireChannelWritabilityChanged()
        }

        private func take(_ count: Int) -> [OutgoingDatagram] {
            let taken: [OutgoingDatagram]
            if count == queue.count {
                taken = queue
                queue = []
            } else {
                taken = Array(queue.prefix(count))
                queue.removeFirst(count)
            }
            for datagram in taken { queuedBytes -= datagram.buffer.readableBytes + Self.entryCost }
            return taken
        }

        private func block() {
            isBlocked = true
            guard !isWatchedForWriting else { return }
            isWatchedForWriting = true
            loop.change(self, Self.allEvents, linux_edge)
        }

        // MARK: Closing

        override func close0(error: any Error, mode: CloseMode, promise: EventLoopPromise<Void>?) {
            guard isOpen else {
                promise?.fail(ChannelError.alreadyClosed)
                return
            }
            guard case .all = mode else {
                promise?.fail(ChannelError.operationUnsupported)
                return
            }
            let left = queue
            queue = []
            isWritable = false
            finishClosing(wasActive: true, promise)
            for datagram in left { datagram.promise?.fail(error) }
        }
    }
#endif
