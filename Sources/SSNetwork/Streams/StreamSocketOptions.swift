// How every TCP channel of ours is set up: accepted ones, and those we connect.
package import NIOCore

/// Options of a stream channel.
package enum StreamSocketOptions {
    /// Sets up `channel` on its own loop with `allocator` as the source of its read buffers. NIO's own water marks (32 and
    /// 64 KiB waiting) suit a relay; every option set costs a chain of dynamic casts, so there are few.
    package static func apply(_ allocator: ReadAllocator, to channel: any Channel) throws {
        guard let options = channel.syncOptions else { preconditionFailure("a socket channel has synchronous options") }
        try options.setOption(.maxMessagesPerRead, value: 1)
        try options.setOption(.recvAllocator, value: allocator)
    }
}
