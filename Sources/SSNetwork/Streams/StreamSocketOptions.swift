// How every TCP channel of ours is set up: accepted ones, and those we connect.
package import NIOCore

/// Options of a stream channel.
package enum StreamSocketOptions {
    /// Sets up `channel` on its own loop with `allocator` as the source of its read buffers. NIO's own water marks (32 and
    /// 64 KiB waiting) suit a relay; every option set costs a chain of dynamic casts, so there are few.
    package static func apply(_ allocator: ReadAllocator, to channel: any Channel) throws {
        #if os(Linux)
            if let channel = channel as? StreamChannel {
                allocator.keepNone()
                channel.source = allocator
                return
            }
        #endif
        guard let options = channel.syncOptions else { preconditionFailure("a socket channel has synchronous options") }
        try options.setOption(.maxMessagesPerRead, value: 1)
        try options.setOption(.recvAllocator, value: allocator)
    }

    /// While a handshake goes on: what is read may be kept for longer than a turn, so it is not read into the loop's shared
    /// buffers.
    package static func applyForHandshake(to channel: any Channel) {
        #if os(Linux)
            (channel as? StreamChannel)?.source = nil
        #endif
    }

    /// The source of a channel's read buffers; one on `buffers` if a handshake had none. Nil for channels that are not
    /// sockets of ours.
    package static func relaySource(of channel: any Channel, _ buffers: LoopBuffers) throws -> ReadAllocator? {
        #if os(Linux)
            if let channel = channel as? StreamChannel {
                if let source = channel.source { return source }
                let source = ReadAllocator(buffers)
                try apply(source, to: channel)
                return source
            }
        #endif
        return try channel.syncOptions?.getOption(.recvAllocator) as? ReadAllocator
    }
}
