// Arrays for recvmmsg(2) and sendmmsg(2): several datagrams a system call. One set serves all channels of a loop.
#if os(Linux)
    internal import CLinux
    internal import Glibc
    internal import NIOCore
    internal import SSCommon

    /// Room for `count` datagrams each way; only ever touched on its loop.
    ///
    /// The pointers are this object's own, live as long as it does, and are handed to the system for the time of one
    /// call.
    final class DatagramBatch {
        static let count = 32
        /// No UDP payload is longer (RFC 768, without jumbograms).
        private static let capacity = 64 * 1024

        private let messages = UnsafeMutablePointer<linux_message>.allocate(capacity: count)
        private let vectors = UnsafeMutablePointer<linux_vector>.allocate(capacity: count)
        private let addresses = UnsafeMutablePointer<sockaddr_storage>.allocate(capacity: count)
        /// Address space; only what was received becomes memory.
        private let area = UnsafeMutableRawPointer.allocate(byteCount: count * capacity, alignment: 4096)

        init() {
            messages.initialize(repeating: linux_message(), count: Self.count)
            vectors.initialize(repeating: linux_vector(), count: Self.count)
            addresses.initialize(repeating: sockaddr_storage(), count: Self.count)
        }

        deinit {
            messages.deallocate()
            vectors.deallocate()
            addresses.deallocate()
            area.deallocate()
        }

        /// Receives up to `limit` (1...`count`) datagrams; `errno`, negative, if there is none.
        func receive(from descriptor: CInt, limit: Int) -> Int {
            for index in 0..<limit {
                vectors[index] = linux_vector(base: area + index * Self.capacity, length: Self.capacity)
                prepare(index, addressLength: socklen_t(MemoryLayout<sockaddr_storage>.size))
            }
            return Self.result(linux_receive(descriptor, messages, CUnsignedInt(limit)))
        }

        /// The datagram at `index` of the last `receive`; nil if its sender has no address of ours.
        func datagram(_ index: Int, _ allocator: ByteBufferAllocator) -> AddressedEnvelope<ByteBuffer>? {
            let sender = (addresses + index).withMemoryRebound(to: sockaddr.self, capacity: 1) { Endpoint($0) }
            guard let sender else { return nil }
            let bytes = UnsafeRawBufferPointer(
                start: area + index * Self.capacity, count: Int(messages[index].length))
            var buffer = allocator.buffer(capacity: bytes.count)
            buffer.writeBytes(bytes)
            return AddressedEnvelope(remoteAddress: SocketAddress(sender), data: buffer)
        }

        /// Sends datagrams (1...`count`), to their destinations if the socket is not connected. The result is how
        /// many left; `errno`, negative, if the first could not.
        func send(_ datagrams: [OutgoingDatagram], from descriptor: CInt) -> Int {
            for (index, datagram) in datagrams.enumerated() {
                datagram.buffer.withUnsafeReadableBytes { bytes in
                    // The buffers are kept by `datagrams` until after the call and are not written to.
                    vectors[index] = linux_vector(
                        base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), length: bytes.count)
                }
                var length: socklen_t = 0
                if let destination = datagram.destination {
                    destination.withSockAddr { address, count in
                        UnsafeMutableRawPointer(addresses + index).copyMemory(
                            from: address, byteCount: min(count, MemoryLayout<sockaddr_storage>.size))
                        length = socklen_t(count)
                    }
                }
                prepare(index, addressLength: length)
            }
            return withExtendedLifetime(datagrams) {
                Self.result(linux_send(descriptor, messages, CUnsignedInt(datagrams.count)))
            }
        }

        private static func result(_ count: CInt) -> Int { Int(count < 0 ? -errno : count) }

        private func prepare(_ index: Int, addressLength: socklen_t) {
            messages[index].header.name = addressLength > 0 ? UnsafeMutableRawPointer(addresses + index) : nil
            messages[index].header.name_length = addressLength
            messages[index].header.vectors = vectors + index
            messages[index].header.vector_count = 1
        }
    }

    /// A datagram on its way out.
    struct OutgoingDatagram {
        let buffer: ByteBuffer
        /// Nil on a connected socket.
        let destination: SocketAddress?
        let promise: EventLoopPromise<Void>?
    }
#endif
