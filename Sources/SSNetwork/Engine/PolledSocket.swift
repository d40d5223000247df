// A descriptor that an event loop watches.
#if os(Linux)
    internal import Glibc
    internal import NIOCore
    internal import SSCommon
    internal import Synchronization

    /// Confined to its loop.
    class PolledSocket {
        final let loop: EpollLoop
        /// -1 once it is closed. The loop's to write; a channel's addresses may be asked for elsewhere.
        final var descriptor: CInt {
            get { number.load(ordering: .relaxed) }
            set { number.store(newValue, ordering: .relaxed) }
        }
        private let number: Atomic<CInt>
        /// The loop's to write.
        final var slot: UInt32?
        final var isRunnable = false

        init(_ descriptor: CInt, on loop: EpollLoop) {
            number = Atomic(descriptor)
            self.loop = loop
        }

        /// Something has happened (`linux_poll_…`).
        func ready(_ events: UInt32) { preconditionFailure("every kind of socket has its own") }

        /// The turn that was asked for with `run(later:)`.
        func resume() {}

        /// Close now: the loop ends.
        func loopEnds() { preconditionFailure("every kind of socket has its own") }

        /// Takes it from the loop and closes the descriptor.
        final func closeDescriptor() {
            loop.remove(self)
            if descriptor >= 0 { close(descriptor) }
            descriptor = -1
        }

        /// Where it is bound (getsockname(2)).
        final var boundEndpoint: Endpoint? {
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            return withUnsafeMutablePointer(to: &storage) { storage in
                storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    getsockname(descriptor, address, &length) == 0 ? Endpoint(address) : nil
                }
            }
        }

        /// Throws `IOError`.
        final func setSocketOption<Value: BitwiseCopyable>(_ level: CInt, _ name: CInt, _ value: Value) throws {
            var value = value
            guard setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Value>.size)) == 0 else {
                throw IOError(errnoCode: errno, reason: "setsockopt")
            }
        }
    }
#endif
