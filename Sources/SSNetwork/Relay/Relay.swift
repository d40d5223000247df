// A pair of channels as one thing: whose it is, how long nothing has happened on it, and its end.
package import SSCommon

/// A pair of linked channels and the clock that ends them.
package final class Relay: Expiring {
    private let loop: LoopContext
    private let a: RelayHandler
    private let b: RelayHandler
    private let timeouts: RelayTimeouts
    /// Whose it is, on a server with users.
    let account: UserAccount?
    private var lastActivity: UInt32
    /// Bytes that waited to leave when patience last ran out.
    private var queued = 0
    private var isHalfClosed = false
    private let onFinish: (() -> Void)?
    package var deadlineSlot: Int?

    /// Links the last handlers of two channels of `loop`, already in their pipelines. What comes from `a` is what the user
    /// of `account` sends; a user who is refused everything meanwhile loses the stream within about a second.
    @discardableResult
    package init(
        _ a: RelayHandler, _ b: RelayHandler, on loop: LoopContext, timeouts: RelayTimeouts,
        account: UserAccount? = nil, onFinish: (() -> Void)? = nil
    ) {
        self.a = a
        self.b = b
        self.loop = loop
        self.timeouts = timeouts
        self.account = account
        a.isUpward = true
        self.onFinish = onFinish
        lastActivity = loop.deadlines.now
        loop.deadlines.add(self)
        lastActivity = loop.deadlines.now
        RelayHandler.link(self, a, b)
    }

    func touch() {
        lastActivity = loop.deadlines.now
    }

    /// One direction is over: the shorter patience begins.
    func sideEnded() {
        isHalfClosed = true
        lastActivity = loop.deadlines.now
    }

    func finish() {
        guard deadlineSlot != nil else { return }
        loop.deadlines.remove(self)
        // The ends and the relay refer to each other until here.
        a.relay = nil
        b.relay = nil
        onFinish?()
    }

    package func expire(now: UInt32) {
        guard account?.refusal == nil else { return cut() }
        var patience = isHalfClosed ? timeouts.halfClosed : timeouts.idle
        if loop.deadlines.isDraining, isHalfClosed { patience = 1 }
        a.failWhenFlushed()
        b.failWhenFlushed()
        guard deadlineSlot != nil, now &- lastActivity >= patience else { return }
        // Nothing comes in any more, but what came may still be leaving to a slow reader.
        let queued = a.unsentBytes + b.unsentBytes
        if queued > 0, queued != self.queued {
            self.queued = queued
            lastActivity = now
            return
        }
        cut()
    }

    /// Ends both sides; a side whose stream was not over sees a failure.
    package func cut() {
        RelayHandler.cut(a, b)
        finish()
    }
}

/// How long a relay may be quiet, in seconds.
package struct RelayTimeouts: Sendable {
    /// Without traffic in either direction.
    package var idle: UInt32
    /// Without traffic after one direction has ended.
    package var halfClosed: UInt32

    package init(idle: UInt32 = 300, halfClosed: UInt32 = 60) {
        self.idle = idle
        self.halfClosed = min(halfClosed, idle)
    }
}
