import SSCommon
import Testing

@testable import SSNetwork

@Suite("The bounded queue of log lines")
struct LogQueueTests {
    private let now = LogTime(seconds: 0)

    private func queue(bound: Int) -> LogQueue {
        LogQueue(formatter: LogFormatter(format: .logfmt, isJournal: true), bound: bound)
    }

    private func text(_ batch: LogQueue.Batch) -> String { String(decoding: batch.bytes, as: UTF8.self) }

    @Test("A line that does not fit is dropped whole and counted in the next batch's last line")
    func drops() {
        var queue = queue(bound: 50)
        for number in 0..<5 { queue.append(.info, "m\(number)", [], at: now) }
        #expect(queue.totalDropped == 3)
        var spare: [UInt8] = []
        let first = queue.take(at: now, reusing: &spare)
        #expect(
            text(first)
                == "<6>level=info msg=m0\n<6>level=info msg=m1\n<4>level=warning msg=\"log lines dropped\" lines=3\n")
        queue.append(.info, "m5", [], at: now)
        #expect(text(queue.take(at: now, reusing: &spare)) == "<6>level=info msg=m5\n")
    }

    @Test("Lines that could not be written are told of later, the line that tells not counted")
    func lost() {
        var queue = queue(bound: 50)
        var spare: [UInt8] = []
        for number in 0..<4 { queue.append(.info, "m\(number)", [], at: now) }
        let first = queue.take(at: now, reusing: &spare)
        #expect(first.told == 2)
        queue.lost(lines: 2, of: first)
        #expect(queue.totalDropped == 3)
        #expect(queue.take(at: now, reusing: &spare).bytes.isEmpty)
        queue.append(.info, "m4", [], at: now)
        let second = queue.take(at: now, reusing: &spare)
        #expect(text(second).hasSuffix("msg=\"log lines dropped\" lines=3\n"))
        queue.lost(lines: 0, of: second)
        #expect(queue.totalDropped == 3)
    }

    @Test("The memory of a burst is given back")
    func burst() {
        var queue = queue(bound: 4 << 20)
        let value = String(repeating: "v", count: 250)
        for _ in 0..<10_000 { queue.append(.info, "m", [("v", value)], at: now) }
        var spare: [UInt8] = []
        var big = queue.take(at: now, reusing: &spare).bytes
        #expect(big.count > 2 << 20)
        _ = queue.take(at: now, reusing: &big)
        #expect(big.capacity == 0)
    }
}
