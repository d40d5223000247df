// What belongs to one event loop: shared buffers, a coarse clock and the sweep that ends what has been quiet
// for too long. Timers of their own would cost each connection a closure and two heap operations.
package import NIOCore
package import SSCommon

/// One loop's resources; only ever touched on that loop.
///
/// `@unchecked Sendable`: references travel between threads at start-up, every use is on `eventLoop`.
package final class LoopContext: @unchecked Sendable {
    package let eventLoop: any EventLoop
    package let buffers = LoopBuffers()
    package let deadlines: DeadlineList
    package let firstPayload: FirstPayloadWait
    package let counters: TrafficCounters
    package let waitingHeaders = WaitingHeaders()
    package var salts = SaltSource()

    package init(_ eventLoop: any EventLoop, counters: TrafficCounters) {
        self.counters = counters
        self.eventLoop = eventLoop
        deadlines = DeadlineList(eventLoop)
        firstPayload = FirstPayloadWait(eventLoop)
    }
}

/// The contexts of all loops of the process.
package struct LoopContexts: Sendable {
    private let byLoop: [ObjectIdentifier: LoopContext]

    package init(_ group: any EventLoopGroup, ledger: TrafficLedger) {
        var byLoop: [ObjectIdentifier: LoopContext] = [:]
        for loop in group.makeIterator() {
            byLoop[ObjectIdentifier(loop)] = LoopContext(loop, counters: ledger.makeCounters())
        }
        self.byLoop = byLoop
    }

    /// Tells every loop that the process is about to end.
    package func drain() {
        for context in byLoop.values { context.eventLoop.execute { context.deadlines.isDraining = true } }
    }

    package subscript(loop: any EventLoop) -> LoopContext {
        guard let context = byLoop[ObjectIdentifier(loop)] else { preconditionFailure("a loop of another group") }
        return context
    }
}
