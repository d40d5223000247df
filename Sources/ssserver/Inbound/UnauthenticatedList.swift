// Connections that have not authenticated are never closed for it: an absorbed prober may stay as long as it likes.
// So their number is bounded here: beyond the limit the oldest one makes room. That an old silent connection is
// closed when thousands of new ones arrive can be seen from outside; that nobody else gets in would be worse.
internal import NIOCore

/// The unauthenticated connections of one event loop, oldest first; only ever touched on that loop.
final class UnauthenticatedList {
    private let limit: Int
    private var queue: CircularBuffer<InboundStream> = []
    /// Those in the queue that are still unauthenticated and open; the others are skipped later.
    private var live = 0

    /// At most `limit` at a time.
    init(limit: Int) {
        self.limit = limit
    }

    func add(_ stream: InboundStream) {
        stream.isWaiting = true
        queue.append(stream)
        live += 1
        if live > limit { evictOldest() }
        if queue.count > 2 * live + 64 { queue = CircularBuffer(queue.filter(\.isWaiting)) }
    }

    /// It has authenticated, or closed.
    func leave(_ stream: InboundStream) {
        guard stream.isWaiting else { return }
        stream.isWaiting = false
        live -= 1
    }

    private func evictOldest() {
        while let oldest = queue.popFirst() {
            guard oldest.isWaiting else { continue }
            leave(oldest)
            oldest.evict()
            return
        }
    }
}
