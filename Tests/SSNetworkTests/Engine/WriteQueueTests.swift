#if os(Linux)
    import Glibc
    import NIOCore
    import NIOEmbedded
    import Testing

    @testable import SSNetwork

    @Suite("What waits to be written")
    struct WriteQueueTests {
        /// Which promises were kept and broken, in order.
        private final class Kept {
            var order: [Int] = []
            var failed: [Int] = []
        }

        private let loop = EmbeddedEventLoop()

        private func append(_ bytes: [UInt8], _ number: Int, to queue: inout WriteQueue, _ kept: Kept) {
            let promise = loop.makePromise(of: Void.self)
            promise.futureResult.assumeIsolated().whenComplete { result in
                switch result {
                case .success: kept.order.append(number)
                case .failure: kept.failed.append(number)
                }
            }
            queue.append(ByteBuffer(bytes: bytes), promise)
        }

        @Test("Wherever the socket stops taking, the rest follows and each promise is kept in its turn")
        func everySplit() {
            let sizes = [3, 0, 1, 5, 0, 0, 2, 4]
            let total = sizes.reduce(0, +)
            for first in 0...total {
                for second in 0...(total - first) {
                    var queue = WriteQueue()
                    let kept = Kept()
                    for (number, size) in sizes.enumerated() {
                        append([UInt8](repeating: UInt8(number), count: size), number, to: &queue, kept)
                    }
                    #expect(queue.byteCount == total)
                    var gone = 0
                    for step in [first, second, total - first - second] {
                        queue.remove(step).succeed()
                        gone += step
                        #expect(queue.byteCount == total - gone)
                        // Kept are those that are wholly gone, and empty ones right behind them.
                        #expect(kept.order == Array(0..<Self.complete(sizes, gone)))
                    }
                    #expect(queue.isEmpty)
                }
            }
        }

        private static func complete(_ sizes: [Int], _ gone: Int) -> Int {
            var left = gone
            for (index, size) in sizes.enumerated() {
                if size > left { return index }
                left -= size
            }
            return sizes.count
        }

        @Test("What a full socket takes in pieces arrives whole", arguments: [1, 2, 15, 16, 17, 40, 100])
        func pieces(count: Int) throws {
            var pair: [CInt] = [-1, -1]
            try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue), 0, &pair) == 0)
            defer { for descriptor in pair { close(descriptor) } }
            var queue = WriteQueue()
            let kept = Kept()
            var expected: [UInt8] = []
            for number in 0..<count {
                let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: number * 8191 % 50_000)
                expected += bytes
                append(bytes, number, to: &queue, kept)
            }
            var received: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 7001)
            while !queue.isEmpty {
                let (taken, offered) = queue.write(to: pair[0])
                #expect(taken <= offered)
                if taken >= 0 { queue.remove(taken).succeed() }
                let got = read(pair[1], &chunk, chunk.count)
                if got > 0 { received += chunk.prefix(got) }
            }
            while case let got = read(pair[1], &chunk, chunk.count), got > 0 { received += chunk.prefix(got) }
            let isWhole = received == expected
            #expect(isWhole)
            #expect(kept.order == Array(0..<count))
        }

        @Test("A queue that is emptied tells everybody, in order, and is as new")
        func removeAll() {
            var queue = WriteQueue()
            let kept = Kept()
            for number in 0..<5 { append([1, 2], number, to: &queue, kept) }
            queue.append(ByteBuffer(bytes: [9]), nil)
            queue.remove(3).succeed()
            queue.removeAll().fail(ChannelError.eof)
            #expect(kept.order == [0])
            #expect(kept.failed == [1, 2, 3, 4])
            #expect(queue.isEmpty && queue.byteCount == 0)
            append([7], 5, to: &queue, kept)
            queue.remove(1).succeed()
            #expect(kept.order == [0, 5])
        }
    }
#endif
