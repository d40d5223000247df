// Where panels ask: a UDP port, which should be loopback's, or a Unix datagram socket, which is the owner's alone.
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import SSCommon
internal import SSNetwork

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

final class ManagerSocket: Sendable {
    typealias Answer = @Sendable ([UInt8]) async -> String

    private let group: MultiThreadedEventLoopGroup
    private let channel: any Channel
    private let path: String?

    init(_ place: ManagerPlace, logger: Logger, answer: @escaping Answer) async throws(StartFailure) {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let bootstrap = DatagramBootstrap(group: group).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(ManagerHandler(answer))
            }
        }
        do {
            switch place {
            case .port(let address, let port):
                path = nil
                channel = try await bootstrap.bind(to: SocketAddress(Endpoint(address, port))).get()
            case .socket(let path):
                self.path = path
                channel = try await Self.bind(bootstrap, path)
            }
        } catch {
            try? await group.shutdownGracefully()
            throw StartFailure(
                "the manager's address \(place) cannot be had: \(error)", help: "choose another \"manager_address\"")
        }
        self.group = group
        logger.info("panels are answered", metadata: ["address": "\(place)"])
    }

    /// What a killed program left there is replaced.
    private static func bind(_ bootstrap: DatagramBootstrap, _ path: String) async throws -> any Channel {
        var status = stat()
        if lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK { unlink(path) }
        let channel = try await bootstrap.bind(unixDomainSocketPath: path).get()
        // Nothing is lost in between: whoever was quicker than this may be read, and is answered as anybody who asks.
        guard chmod(path, 0o600) == 0 else {
            try? await channel.close()
            throw IOError(errnoCode: errno, reason: "chmod")
        }
        return channel
    }

    func close() async {
        if let path { unlink(path) }
        try? await channel.close()
        try? await group.shutdownGracefully()
    }
}

/// Answers one datagram after the other, in the order they came.
private final class ManagerHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>

    /// Commands that wait; a panel waits for answers.
    private static let maximumWaiting = 256

    private let answer: ManagerSocket.Answer
    private var waiting: CircularBuffer<AddressedEnvelope<ByteBuffer>> = []
    private var isBusy = false

    init(_ answer: @escaping ManagerSocket.Answer) {
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard waiting.count < Self.maximumWaiting else { return }
        waiting.append(unwrapInboundIn(data))
        answerNext(context)
    }

    private func answerNext(_ context: ChannelHandlerContext) {
        guard !isBusy, let envelope = waiting.popFirst() else { return }
        isBusy = true
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let (eventLoop, answer) = (context.eventLoop, answer)
        let (datagram, sender) = (Array(envelope.data.readableBytesView), envelope.remoteAddress)
        Task {
            let text = await answer(datagram)
            eventLoop.execute {
                let (handler, context) = bound.value
                let data = context.channel.allocator.buffer(string: text)
                context.writeAndFlush(
                    handler.wrapOutboundOut(AddressedEnvelope(remoteAddress: sender, data: data)), promise: nil)
                handler.isBusy = false
                handler.answerNext(context)
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Who asked is gone; the next may be there.
    }
}
