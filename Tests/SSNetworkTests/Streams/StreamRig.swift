// Stream handlers in an embedded channel, fed as NIO feeds them: each read starts with what the one before left.
import NIOCore
import NIOEmbedded
import SSCommon

@testable import SSNetwork

let streamCredential = Credential(method: .aes256GCM, password: "a password for tests")
let streamTarget = TargetAddress(host: "example.com", port: 80)!

/// Puts bytes into the channel the way a socket would.
struct Feeder {
    let channel: EmbeddedChannel
    let allocator: ReadAllocator

    func feed(_ bytes: [UInt8]) throws {
        var buffer = allocator.buffer(allocator: channel.allocator)
        buffer.writeBytes(bytes)
        _ = allocator.record(actualReadBytes: bytes.count)
        try channel.writeInbound(buffer)
    }
}

/// A whole request on the wire: header and payload in one piece, then further pieces.
func request(_ payloads: [UInt8]...) -> [[UInt8]] {
    var sealer = RequestSealer(streamCredential, target: streamTarget, salt: .random(for: streamCredential.method))
    return payloads.map { payload in
        var buffer = ByteBuffer()
        let capacity = sealer.sealedCount(payload.count)
        buffer.writeWithOutputRawSpan(minimumWritableBytes: capacity) { span in
            sealer.seal(
                payload.span.bytes, into: &span, circumstances: .init(now: WallClock.now(), random: 0))
        }
        return Array(buffer.readableBytesView)
    }
}

/// A response on the wire, a chunk a payload.
func response(_ payloads: [UInt8]...) -> [[UInt8]] {
    let method = streamCredential.method
    var sealer = ResponseSealer(streamCredential, salt: .random(for: method), request: .random(for: method))
    return payloads.map { payload in
        var buffer = ByteBuffer()
        let capacity = sealer.sealedCount(payload.count)
        buffer.writeWithOutputRawSpan(minimumWritableBytes: capacity) { span in
            sealer.seal(payload.span.bytes, into: &span, now: WallClock.now())
        }
        return Array(buffer.readableBytesView)
    }
}

/// The last handler: payload and events as they arrive.
final class Arrivals: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private(set) var bytes: [UInt8] = []
    private(set) var events: [String] = []

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        bytes += Array(unwrapInboundIn(data).readableBytesView)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed: events.append("ended")
        case is StreamBroken: events.append("broken")
        default: events.append("\(event)")
        }
    }
}

extension EmbeddedChannel {
    func endInput() {
        pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    }

    /// All that was written, a buffer a write.
    func written() throws -> [[UInt8]] {
        var all: [[UInt8]] = []
        while let buffer = try readOutbound(as: ByteBuffer.self) { all.append(Array(buffer.readableBytesView)) }
        return all
    }
}
