// The buffers that all channels of one event loop share. A busy stream reads up to half a megabyte at a time,
// which a buffer of its own per channel could not afford; here there is one pair a loop, taken for a read, given
// back once its bytes are sealed or opened into another buffer. Idle channels hold none.
package import NIOCore

/// Shared buffers of one event loop; only ever touched on it.
package final class LoopBuffers {
    /// Enough for a quick answer; short of malloc's mmap threshold.
    package static let smallCapacity = 64 * 1024
    /// For streams that fill the small one.
    package static let largeCapacity = 512 * 1024

    private let allocator = ByteBufferAllocator()
    private var small: ByteBuffer?
    private var large: ByteBuffer?
    private var output: ByteBuffer?

    package init() {}

    /// An empty buffer for one read; unique, so writing into it copies nothing.
    package func takeForReading(large wantsLarge: Bool) -> ByteBuffer {
        if wantsLarge {
            Self.take(&large) ?? allocator.buffer(capacity: Self.largeCapacity)
        } else {
            Self.take(&small) ?? allocator.buffer(capacity: Self.smallCapacity)
        }
    }

    /// Takes back a buffer from `takeForReading`. Others may still refer to it: it is reused only once they let go.
    package func giveBack(_ buffer: ByteBuffer) {
        switch buffer.storageCapacity {
        case Self.largeCapacity...: large = buffer
        case Self.smallCapacity...: small = buffer
        default: break
        }
    }

    /// An empty buffer for `capacity` bytes on their way to a socket. A large one is kept by the loop and used
    /// again when the socket has taken all of it.
    package func takeForWriting(capacity: Int) -> ByteBuffer {
        guard capacity > Self.smallCapacity else { return allocator.buffer(capacity: capacity) }
        guard var buffer = output.take() else { return allocator.buffer(capacity: capacity) }
        let isFree = buffer.modifyIfUniquelyOwned { $0.clear(minimumCapacity: capacity) } != nil
        return isFree ? buffer : allocator.buffer(capacity: capacity)
    }

    /// Remembers a buffer from `takeForWriting` for reuse.
    package func keepForWriting(_ buffer: ByteBuffer) {
        if buffer.storageCapacity > Self.smallCapacity { output = buffer }
    }

    private static func take(_ slot: inout ByteBuffer?) -> ByteBuffer? {
        guard var buffer = slot.take() else { return nil }
        return buffer.modifyIfUniquelyOwned { $0.clear() } == nil ? nil : buffer
    }
}
