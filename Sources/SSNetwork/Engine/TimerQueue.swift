// What an event loop is to do later, in order of time.

/// One thing to do at a time; cancelled by taking its action away.
final class LoopTimer {
    let deadline: UInt64
    /// Nil once it has run or was cancelled.
    fileprivate var action: (() -> Void)?
    /// Told instead of running the action when the loop ends first.
    private var abandon: (() -> Void)?

    init(_ deadline: UInt64, action: @escaping () -> Void, abandon: @escaping () -> Void) {
        self.deadline = deadline
        self.action = action
        self.abandon = abandon
    }

    /// Not while a queue is being changed: letting go of a closure may run any code.
    func run() {
        abandon = nil
        action.take()?()
    }

    /// The loop has ended; the same holds.
    func giveUp() {
        action = nil
        abandon.take()?()
    }

    /// Takes both away; the same holds for what comes back.
    fileprivate func cancel() -> Cancelled {
        Cancelled(action: action.take(), abandon: abandon.take())
    }

    /// What a cancelled timer would have done; to be let go of.
    struct Cancelled {
        fileprivate let action: (() -> Void)?
        fileprivate let abandon: (() -> Void)?
    }
}

/// A binary heap of timers, earliest first, equal ones in the order they came. Cancelled ones stay until they are due or
/// are the half of it. Times are in nanoseconds.
struct TimerQueue {
    private struct Entry {
        let timer: LoopTimer
        let number: UInt64

        func isBefore(_ other: Entry) -> Bool {
            (timer.deadline, number) < (other.timer.deadline, other.number)
        }
    }

    private var heap: [Entry] = []
    private var added: UInt64 = 0
    private var cancelled = 0

    /// The earliest deadline; nil if there is nothing to do.
    var next: UInt64? { heap.first?.timer.deadline }

    /// Cancelled ones included.
    var count: Int { heap.count }

    mutating func add(_ timer: LoopTimer) {
        added += 1
        heap.append(Entry(timer: timer, number: added))
        siftUp(heap.count - 1)
    }

    /// Nil if it has run or was cancelled. Letting go of the result may run any code: not inside this call.
    mutating func cancel(_ timer: LoopTimer) -> LoopTimer.Cancelled? {
        guard timer.action != nil else { return nil }
        let freed = timer.cancel()
        cancelled += 1
        if cancelled > 32, cancelled > heap.count / 2 { sweep() }
        return freed
    }

    /// Takes the next one that is due at `now`; to be `run`.
    mutating func takeDue(_ now: UInt64) -> LoopTimer? {
        while let first = heap.first, first.timer.deadline <= now {
            removeFirst()
            if first.timer.action != nil { return first.timer }
            cancelled = max(0, cancelled - 1)
        }
        return nil
    }

    /// Empties the queue; what comes back is to `giveUp`.
    mutating func takeAll() -> [LoopTimer] {
        let timers = heap.map(\.timer)
        heap = []
        cancelled = 0
        return timers
    }

    private mutating func sweep() {
        heap.removeAll { $0.timer.action == nil }
        cancelled = 0
        // A sorted array is a heap.
        heap.sort { $0.isBefore($1) }
    }

    private mutating func removeFirst() {
        let last = heap.removeLast()
        guard !heap.isEmpty else { return }
        heap[0] = last
        siftDown(0)
    }

    private mutating func siftUp(_ start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard heap[index].isBefore(heap[parent]) else { return }
            heap.swapAt(index, parent)
            index = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var index = start
        while true {
            var least = index
            for child in (2 * index + 1)...(2 * index + 2) where child < heap.count && heap[child].isBefore(heap[least])
            {
                least = child
            }
            guard least != index else { return }
            heap.swapAt(index, least)
            index = least
        }
    }
}
