// What an event loop is to do later, in order of time.

/// One thing to do at a time; cancelled by taking its action away.
final class LoopTimer {
    let deadline: UInt64
    /// Nil once it has run or was cancelled.
    fileprivate(set) var action: (() -> Void)?
    /// Told instead of running the action when the loop ends first.
    fileprivate(set) var abandon: (() -> Void)?

    init(_ deadline: UInt64, action: @escaping () -> Void, abandon: @escaping () -> Void) {
        self.deadline = deadline
        self.action = action
        self.abandon = abandon
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

    mutating func cancel(_ timer: LoopTimer) {
        guard timer.action != nil else { return }
        timer.action = nil
        timer.abandon = nil
        cancelled += 1
        if cancelled > 32, cancelled > heap.count / 2 { sweep() }
    }

    /// Takes the next action that is due at `now`.
    mutating func takeDue(_ now: UInt64) -> (() -> Void)? {
        while let first = heap.first, first.timer.deadline <= now {
            removeFirst()
            first.timer.abandon = nil
            if let action = first.timer.action.take() { return action }
            cancelled -= 1
        }
        return nil
    }

    /// Empties the queue; the result says what to tell those who wait.
    mutating func abandonAll() -> [() -> Void] {
        defer {
            heap = []
            cancelled = 0
        }
        return heap.compactMap { entry in
            entry.timer.action = nil
            return entry.timer.abandon.take()
        }
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
