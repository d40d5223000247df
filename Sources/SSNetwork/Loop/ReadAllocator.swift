// Where a channel reads into. NIO asks its `RecvByteBufferAllocator` before each read; this one answers with the
// loop's shared buffer, already holding the bytes of an unfinished chunk from the read before, so that a
// chunk is always contiguous and is moved at most once.
//
// NIO keeps the first buffer it was ever given for as long as the channel lives (NIOPooledRecvBufferAllocator,
// capacity 1 with maxMessagesPerRead 1); that one is therefore small and the channel's own.
package import NIOCore

/// One channel's source of read buffers.
///
/// `@unchecked Sendable`: NIO's protocol wants it, but the object is made for one channel and every call
/// comes from that channel's event loop.
package final class ReadAllocator: RecvByteBufferAllocator, @unchecked Sendable {
    /// Takes most first flights: a request, a TLS hello.
    private static let firstCapacity = 1024

    private let buffers: LoopBuffers
    private var hasRead = false
    private var wantsLarge = false
    private var carry: ByteBuffer?
    /// About how many bytes to read at a time at most; nil for as many as there are.
    var portion: Int?

    package init(_ buffers: LoopBuffers) {
        self.buffers = buffers
    }

    /// For a channel that does not keep its first buffer.
    func keepNone() { hasRead = true }

    package func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
        guard hasRead else {
            hasRead = true
            return allocator.buffer(capacity: Self.firstCapacity)
        }
        if let portion {
            var buffer = allocator.buffer(capacity: portion + (carry?.readableBytes ?? 0))
            if let carry { buffer.writeImmutableBuffer(carry) }
            return buffer
        }
        // A sealed chunk of SIP022 has up to 64 KiB; what there is of it must leave room for more.
        let isFull = (carry?.readableBytes ?? 0) > LoopBuffers.smallCapacity / 2
        var buffer = buffers.takeForReading(large: wantsLarge || isFull)
        if let carry { buffer.writeImmutableBuffer(carry) }
        return buffer
    }

    /// True: NIO must ask again each time instead of reusing what it has.
    package func record(actualReadBytes: Int) -> Bool {
        // Not before: a read that finds nothing throws its buffer away.
        carry = nil
        wantsLarge = actualReadBytes >= LoopBuffers.smallCapacity / 2 && !isSlowed
        return true
    }

    /// Takes back a buffer that nothing was read into; what the next read must start with is kept.
    func returnUnused(_ buffer: ByteBuffer) { buffers.giveBack(buffer) }

    /// What the next read should have started with is not wanted any more.
    func dropRest() { carry = nil }

    /// While true, reads stay small: what is read cannot leave quickly and would only sit in memory.
    package var isSlowed = false

    /// Called when the bytes of the last read are done with, but for `rest`, which the next read will start with.
    package func finish(_ buffer: ByteBuffer, rest: Int = 0) {
        if rest > 0 {
            var carry = ByteBufferAllocator().buffer(capacity: rest)
            carry.writeImmutableBuffer(buffer.getSlice(at: buffer.writerIndex - rest, length: rest)!)
            self.carry = carry
        }
        buffers.giveBack(buffer)
    }
}
