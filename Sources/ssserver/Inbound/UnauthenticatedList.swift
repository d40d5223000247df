// Connections that have not authenticated are never closed for it: an absorbed prober may stay as long as it likes.
// So their number is bounded here: beyond the limit the oldest one makes room. That an old silent connection is
// closed when thousands of new ones arrive can be seen from outside; that nobody else gets in would be worse.
internal import NIOCore
internal import Synchronization

/// The unauthenticated connections of one event loop, oldest first. But for `count`, only ever touched on that loop.
///
/// `@unchecked Sendable`: so is said above; `count` is atomic.
final class UnauthenticatedList: @unchecked Sendable {
    private let eventLoop: any EventLoop
    private unowned let lists: UnauthenticatedLists
    private var queue: CircularBuffer<InboundStream> = []
    /// Those in the queue that are still unauthenticated and open; the others are skipped later.
    private let live = Atomic(0)

    init(_ eventLoop: any EventLoop, of lists: UnauthenticatedLists) {
        self.eventLoop = eventLoop
        self.lists = lists
    }

    /// As of a moment ago.
    var count: Int { live.load(ordering: .relaxed) }

    func add(_ stream: InboundStream) {
        stream.isWaiting = true
        queue.append(stream)
        live.add(1, ordering: .relaxed)
        if queue.count > 2 * count + 64 { queue = CircularBuffer(queue.filter(\.isWaiting)) }
        if lists.limits.waits(stream.source) { lists.makeRoom(of: stream.source, asking: self) }
        lists.makeRoom()
    }

    /// It has authenticated, or closed.
    func leave(_ stream: InboundStream) {
        guard stream.isWaiting else { return }
        stream.isWaiting = false
        live.subtract(1, ordering: .relaxed)
        lists.limits.waitsNoMore(stream.source)
    }

    /// From any thread: closes the oldest.
    func evictOne() {
        if eventLoop.inEventLoop { evictOldest() } else { eventLoop.execute { self.evictOldest() } }
    }

    /// On any thread: closes the oldest from `source`, or asks the next of `others` to.
    func evictOne(of source: SourceLimits.Source, else others: ArraySlice<UnauthenticatedList>) {
        guard eventLoop.inEventLoop else {
            eventLoop.execute { self.evictOne(of: source, else: others) }
            return
        }
        if let oldest = queue.first(where: { $0.isWaiting && $0.source == source }) {
            leave(oldest)
            oldest.evict()
        } else if let next = others.first {
            next.evictOne(of: source, else: others.dropFirst())
        }
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
