import NIOCore
import NIOEmbedded
import SSCommon
import Testing

@testable import SSNetwork

@Suite("What belongs to one loop")
struct LoopTests {
    private final class Listed: Expiring {
        var deadlineSlot: Int?
        var calls = 0
        var onExpire: (Listed) -> Void = { _ in }

        func expire(now: UInt32) {
            calls += 1
            onExpire(self)
        }
    }

    @Test("Everything listed is asked once a second, also if it leaves at that")
    func sweep() {
        let eventLoop = EmbeddedEventLoop()
        let list = DeadlineList(eventLoop)
        let elements = (0..<10).map { _ in Listed() }
        for element in elements { list.add(element) }
        for index in [0, 3, 9] { elements[index].onExpire = { list.remove($0) } }
        eventLoop.advanceTime(by: .seconds(1))
        #expect(elements.allSatisfy { $0.calls == 1 })
        #expect(list.count == 7)
        eventLoop.advanceTime(by: .seconds(1))
        #expect(elements.indices.filter { elements[$0].calls == 2 } == [1, 2, 4, 5, 6, 7, 8])
        for element in elements { list.remove(element) }
        #expect(list.count == 0)
        eventLoop.advanceTime(by: .seconds(5))
        list.add(elements[0])
        eventLoop.advanceTime(by: .seconds(1))
        #expect(elements[0].calls == 2, "an empty list sleeps and wakes up again")
    }

    @Test("An element may take others with it")
    func othersLeave() {
        let eventLoop = EmbeddedEventLoop()
        let list = DeadlineList(eventLoop)
        let elements = (0..<6).map { _ in Listed() }
        for element in elements { list.add(element) }
        elements[5].onExpire = { _ in for element in elements { list.remove(element) } }
        eventLoop.advanceTime(by: .seconds(1))
        #expect(list.count == 0)
        #expect(elements.map(\.calls).reduce(0, +) == 1)
    }

    private final class Waiting: AwaitingFirstPayload {
        var isOver = false
        func firstPayloadWaitEnded() { isOver = true }
    }

    @Test("A wait for payload ends, for the late ones later")
    @MainActor func firstPayload() async throws {
        let eventLoop = EmbeddedEventLoop()
        let wait = FirstPayloadWait(eventLoop)
        let early = Waiting()
        wait.add(early)
        #expect(!early.isOver)
        try await Task.sleep(for: .milliseconds(20))
        let late = Waiting()
        wait.add(late)
        eventLoop.advanceTime(to: .now())
        #expect(early.isOver)
        try await Task.sleep(for: .milliseconds(20))
        eventLoop.advanceTime(to: .now())
        #expect(late.isOver)
    }

    @Test("A buffer somebody still refers to is not written again")
    func sharedBuffers() {
        let buffers = LoopBuffers()
        var first = buffers.takeForReading(large: false)
        first.writeBytes([1, 2, 3])
        let kept = first.getSlice(at: 0, length: 3)
        buffers.giveBack(first)
        first = ByteBuffer()
        var second = buffers.takeForReading(large: false)
        second.writeBytes([9, 9, 9])
        #expect(kept.map { Array($0.readableBytesView) } == [1, 2, 3])
    }

    @Test("A read begins with the rest of the one before, however small the reads")
    func carry() {
        let allocator = ReadAllocator(LoopBuffers())
        let nio = ByteBufferAllocator()
        var buffer = allocator.buffer(allocator: nio)
        buffer.writeBytes([1, 2, 3])
        _ = allocator.record(actualReadBytes: 3)
        allocator.finish(buffer, rest: 2)
        buffer = allocator.buffer(allocator: nio)
        #expect(Array(buffer.readableBytesView) == [2, 3])
        #expect(buffer.writableBytes > 16 * 1024, "room for a whole chunk behind the rest")
        buffer.writeBytes([4])
        _ = allocator.record(actualReadBytes: 1)
        allocator.finish(buffer)
        #expect(allocator.buffer(allocator: nio).readableBytes == 0)
    }
}
