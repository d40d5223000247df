// What a channel was given to write and the socket has not taken.
#if os(Linux)
    internal import Glibc
    internal import NIOCore

    /// Buffers in order. Most of the time there is one at most, which costs no array.
    struct WriteQueue {
        private struct Entry {
            var buffer: ByteBuffer
            let promise: EventLoopPromise<Void>?
        }

        private var first: Entry?
        private var rest: CircularBuffer<Entry>?
        private(set) var byteCount = 0

        private static let noSignal = CInt(MSG_NOSIGNAL)

        /// How many buffers one system call takes.
        private static let vectorCount = 16

        var isEmpty: Bool { first == nil }

        mutating func append(_ buffer: ByteBuffer, _ promise: EventLoopPromise<Void>?) {
            byteCount += buffer.readableBytes
            let entry = Entry(buffer: buffer, promise: promise)
            if first == nil {
                first = entry
            } else {
                rest = rest ?? CircularBuffer(initialCapacity: 4)
                rest?.append(entry)
            }
        }

        /// Offers the socket what is waiting. The result is how many bytes it took, of how many offered; or `errno`,
        /// negative.
        func write(to descriptor: CInt) -> (taken: Int, offered: Int) {
            guard let first else { return (0, 0) }
            guard let rest, !rest.isEmpty else {
                let count = first.buffer.readableBytes
                let taken = first.buffer.withUnsafeReadableBytes { bytes in
                    count == 0 ? 0 : Self.result(send(descriptor, bytes.baseAddress, count, Self.noSignal))
                }
                return (taken, count)
            }
            return writeSeveral([first] + rest.prefix(Self.vectorCount - 1), to: descriptor)
        }

        private static func result(_ count: Int) -> Int { count < 0 ? Int(-errno) : count }

        private func writeSeveral(_ entries: [Entry], to descriptor: CInt) -> (taken: Int, offered: Int) {
            var vectors: [iovec] = []
            vectors.reserveCapacity(entries.count)
            var offered = 0
            for entry in entries {
                entry.buffer.withUnsafeReadableBytes { bytes in
                    // The buffers are kept by `entries` until after the call and are not written to.
                    vectors.append(
                        iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count))
                }
                offered += entry.buffer.readableBytes
            }
            let taken = withExtendedLifetime(entries) {
                vectors.withUnsafeMutableBufferPointer { vectors in
                    var message = msghdr()
                    message.msg_iov = vectors.baseAddress
                    message.msg_iovlen = vectors.count
                    return Self.result(sendmsg(descriptor, &message, Self.noSignal))
                }
            }
            return (taken, offered)
        }

        /// Drops `count` bytes from the front and buffers that are empty then; the result is the promises of those.
        mutating func remove(_ count: Int) -> Promises {
            byteCount -= count
            var left = count
            var promises = Promises()
            while var entry = first {
                let size = entry.buffer.readableBytes
                guard left >= size else {
                    entry.buffer.moveReaderIndex(forwardBy: left)
                    first = entry
                    return promises
                }
                left -= size
                promises.append(entry.promise)
                first = rest?.popFirst()
            }
            return promises
        }

        /// Empties the queue.
        mutating func removeAll() -> Promises {
            var promises = Promises()
            promises.append(first?.promise)
            for entry in rest ?? [] { promises.append(entry.promise) }
            self = WriteQueue()
            return promises
        }

        /// Promises to be kept once the queue is in order again: keeping one runs any code.
        struct Promises {
            private var first: EventLoopPromise<Void>?
            private var rest: [EventLoopPromise<Void>] = []

            fileprivate mutating func append(_ promise: EventLoopPromise<Void>?) {
                guard let promise else { return }
                if first == nil { first = promise } else { rest.append(promise) }
            }

            func succeed() {
                first?.succeed()
                for promise in rest { promise.succeed() }
            }

            func fail(_ error: any Error) {
                first?.fail(error)
                for promise in rest { promise.fail(error) }
            }
        }
    }
#endif
