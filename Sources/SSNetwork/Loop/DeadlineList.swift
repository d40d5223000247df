// Everything on a loop that may be quiet for too long, in one list that is walked once a second. Ten thousand
// entries take well under a millisecond to walk, and being busy costs an entry one store; a timer of its own
// would cost each connection a closure and several heap operations.
package import NIOCore

/// Something that ends when it has been quiet for too long.
package protocol Expiring: AnyObject {
    /// Where the list keeps it; the list's to write.
    var deadlineSlot: Int? { get set }
    /// Called about once a second with the list's clock. It may end itself and leave the list.
    func expire(now: UInt32)
}

/// The list of one loop; only ever touched on it.
package final class DeadlineList {
    private let eventLoop: any EventLoop
    private let start = NIODeadline.now()
    private var elements: [any Expiring] = []
    private var sweep: RepeatedTask?

    /// Seconds since the list was made: coarse, monotonic, at most a second behind while anything is listed.
    package private(set) var now: UInt32 = 0

    package init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    package var count: Int { elements.count }

    package func add(_ element: any Expiring) {
        precondition(element.deadlineSlot == nil, "listed twice")
        element.deadlineSlot = elements.count
        elements.append(element)
        if sweep == nil {
            readClock()
            startSweeping()
        }
    }

    /// Does nothing if it is not listed.
    package func remove(_ element: any Expiring) {
        guard let slot = element.deadlineSlot else { return }
        element.deadlineSlot = nil
        let last = elements.removeLast()
        if last !== element {
            elements[slot] = last
            last.deadlineSlot = slot
        }
    }

    /// The process is about to end: what only waits for its peer to close need not be waited for.
    package var isDraining = false

    private func readClock() {
        now = UInt32(truncatingIfNeeded: (NIODeadline.now() - start).nanoseconds / 1_000_000_000)
    }

    private func startSweeping() {
        // Unchecked transfer: the task runs on the loop this list belongs to.
        let list = NIOLoopBound(self, eventLoop: eventLoop)
        sweep = eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in list.value.tick() }
    }

    private func tick() {
        readClock()
        // Backwards, so that an element that leaves is replaced by one already seen.
        for index in elements.indices.reversed() where index < elements.count { elements[index].expire(now: now) }
        if elements.isEmpty {
            sweep?.cancel()
            sweep = nil
        }
    }
}
