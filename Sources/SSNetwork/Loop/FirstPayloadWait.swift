// A request's header should leave together with its first payload, so that the first segment has no constant,
// telling size (and the server one wake-up less). A stream whose application waits for the server to speak first
// gets its header after 10 ms. All waits last equally long, so one queue and one timer serve a whole loop.
package import NIOCore

/// A stream that waits a moment for payload.
package protocol AwaitingFirstPayload: AnyObject {
    /// The wait is over; called even if payload came in between.
    func firstPayloadWaitEnded()
}

/// The queue of one loop; only ever touched on it.
package final class FirstPayloadWait {
    /// SIP022's clients and Outline's wait as long.
    package static let duration = TimeAmount.milliseconds(10)

    private let eventLoop: any EventLoop
    private var queue: CircularBuffer<(due: NIODeadline, stream: any AwaitingFirstPayload)> = []
    private var isScheduled = false

    package init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    package func add(_ stream: any AwaitingFirstPayload) {
        queue.append((.now() + Self.duration, stream))
        schedule()
    }

    private func schedule() {
        guard !isScheduled, let first = queue.first else { return }
        isScheduled = true
        let wait = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleTask(deadline: first.due) { wait.value.release() }
    }

    private func release() {
        isScheduled = false
        let now = NIODeadline.now()
        while let first = queue.first, first.due <= now {
            queue.removeFirst()
            first.stream.firstPayloadWaitEnded()
        }
        schedule()
    }
}
