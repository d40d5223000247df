import Testing

@testable import SSNetwork

@Suite("What a loop is to do later")
struct TimerQueueTests {
    private final class Log {
        var run: [Int] = []
        var abandoned: [Int] = []
    }

    private func timer(_ number: Int, at deadline: UInt64, _ log: Log) -> LoopTimer {
        LoopTimer(deadline, action: { log.run.append(number) }, abandon: { log.abandoned.append(number) })
    }

    private func runDue(_ queue: inout TimerQueue, at now: UInt64) {
        while let timer = queue.takeDue(now) { timer.run() }
    }

    @Test("Things are done in order of time, and at one time in the order they came")
    func order() {
        var queue = TimerQueue()
        let log = Log()
        let deadlines: [UInt64] = [50, 10, 30, 10, 20, 50, 10, 40]
        for (number, deadline) in deadlines.enumerated() { queue.add(timer(number, at: deadline, log)) }
        #expect(queue.next == 10)
        runDue(&queue, at: 30)
        #expect(log.run == [1, 3, 6, 4, 2])
        #expect(queue.next == 40)
        runDue(&queue, at: 1000)
        #expect(log.run == [1, 3, 6, 4, 2, 7, 0, 5])
        #expect(queue.next == nil)
    }

    @Test("What was cancelled is neither done nor told, and cancelling twice or late does nothing")
    func cancelling() {
        var queue = TimerQueue()
        let log = Log()
        let timers = (0..<1000).map { timer($0, at: UInt64($0 * 7919 % 1000), log) }
        for timer in timers { queue.add(timer) }
        for timer in timers where timer.deadline % 10 != 0 { _ = queue.cancel(timer) }
        _ = queue.cancel(timers[1])
        runDue(&queue, at: 499)
        for timer in timers where timer.deadline < 400 { _ = queue.cancel(timer) }
        runDue(&queue, at: 10_000)
        #expect(log.run.map { timers[$0].deadline } == stride(from: 0, to: 1000, by: 10).map { $0 })
        #expect(log.abandoned.isEmpty)
        #expect(queue.next == nil)
    }

    @Test("Timers that are made and cancelled leave nothing behind")
    func churn() {
        var queue = TimerQueue()
        let log = Log()
        let stays = timer(0, at: .max, log)
        queue.add(stays)
        var most = 0
        for number in 1...100_000 {
            let timer = timer(number, at: 1_000_000_000, log)
            queue.add(timer)
            _ = queue.cancel(timer)
            most = max(most, queue.count)
        }
        #expect(most < 100)
        runDue(&queue, at: 1_000_000_000)
        #expect(queue.next == .max && queue.count == 1)
    }

    @Test("At the end everybody who waits is told, once")
    func end() {
        var queue = TimerQueue()
        let log = Log()
        let timers = (0..<10).map { timer($0, at: UInt64($0), log) }
        for timer in timers { queue.add(timer) }
        _ = queue.cancel(timers[4])
        runDue(&queue, at: 2)
        for timer in queue.takeAll() { timer.giveUp() }
        #expect(log.run == [0, 1, 2])
        #expect(log.abandoned.sorted() == [3, 5, 6, 7, 8, 9])
        #expect(queue.next == nil)
        #expect(queue.takeAll().isEmpty)
    }
}
