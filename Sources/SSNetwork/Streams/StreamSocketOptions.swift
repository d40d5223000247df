// How every TCP channel of ours is set up: accepted ones, and those we connect.
package import NIOCore

/// Options of a stream channel.
package enum StreamSocketOptions {
    /// Above the high mark the other side of a relay is not read; below the low one it is again.
    private static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(low: 128 * 1024, high: 256 * 1024)

    /// Sets up `channel` on its own loop and returns the source of its read buffers. Reading is left off.
    package static func apply(to channel: any Channel, loop: LoopContext) throws -> ReadAllocator {
        guard let options = channel.syncOptions else { preconditionFailure("a socket channel has synchronous options") }
        let allocator = ReadAllocator(loop.buffers)
        try options.setOption(.autoRead, value: false)
        try options.setOption(.allowRemoteHalfClosure, value: true)
        try options.setOption(.maxMessagesPerRead, value: 1)
        try options.setOption(.recvAllocator, value: allocator)
        try options.setOption(.writeBufferWaterMark, value: waterMark)
        return allocator
    }
}
