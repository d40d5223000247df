// A listening TCP socket, watched by every loop of a group: the system wakes one of those that wait
// (EPOLLEXCLUSIVE), so a connection mostly lives from the start on the loop that had time for it. The system prefers the
// first that waits; so that long streams do not all end up there, a loop with too many gives new ones away.
#if os(Linux)
    internal import CLinux
    internal import Glibc
    internal import NIOCore
    internal import SSCommon

    /// A bound, listening descriptor; closed when no loop looks at it any more and nobody else keeps it.
    final class ListeningDescriptor: Sendable {
        let number: CInt

        fileprivate init(_ number: CInt) { self.number = number }

        deinit { close(number) }
    }

    /// One loop's view of a listening descriptor, which its loops share.
    final class ListeningSocket: PolledSocket, @unchecked Sendable {
        typealias Accept = @Sendable (StreamChannel) throws -> Void

        private var shared: ListeningDescriptor?
        private let accept: Accept
        /// The loops it may give connections to.
        private let siblings: [EpollLoop]

        /// How long to leave connections in the queue when there is nothing left to take them with.
        private static let pause = TimeAmount.milliseconds(100)

        /// Throws `IOError`. `isIPv6Only` concerns "::".
        static func listen(_ address: ListenAddress, keepAlive: KeepAlive) throws -> ListeningDescriptor {
            let descriptor = linux_stream_socket(address.endpoint.family)
            guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
            let listening = ListeningDescriptor(descriptor)
            func check(_ code: CInt, _ call: StaticString) throws {
                guard code == 0 else { throw IOError(errnoCode: errno, reason: "\(call)") }
            }
            func set(_ level: CInt, _ name: CInt, _ value: CInt) throws {
                var value = value
                try check(setsockopt(descriptor, level, name, &value, 4), "setsockopt")
            }
            try set(SOL_SOCKET, SO_REUSEADDR, 1)
            // Inherited by accepted sockets, which saves system calls for each.
            try set(CInt(IPPROTO_TCP), TCP_NODELAY, 1)
            for (option, value) in keepAlive.options {
                try set(option.optionLevel.rawValue, option.optionName.rawValue, CInt(clamping: value))
            }
            if address.isIPv6Only { try set(CInt(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
            try check(address.endpoint.withSocketAddress { bind(descriptor, $0, $1) }, "bind")
            try check(Glibc.listen(descriptor, 4096), "listen")
            return listening
        }

        /// `accept` puts the handlers in.
        init(_ shared: ListeningDescriptor, on loop: EpollLoop, of loops: [EpollLoop], accept: @escaping Accept) {
            self.shared = shared
            self.accept = accept
            siblings = loops.filter { $0 !== loop }
            super.init(shared.number, on: loop)
        }

        /// On the loop; throws `IOError`.
        func watch() throws {
            guard loop.add(self, linux_poll_in, linux_level_exclusive) else {
                throw IOError(errnoCode: errno, reason: "epoll_ctl")
            }
        }

        /// On the loop. The descriptor stays open as long as another loop watches it.
        func unwatch() {
            loop.remove(self, isShared: true)
            descriptor = -1
            shared = nil
        }

        override func ready(_ events: UInt32) {
            // One a turn: a second would mostly find nobody, and others get their turn in between.
            guard descriptor >= 0 else { return }
            var storage = sockaddr_storage()
            let accepted = linux_accept(descriptor, &storage)
            guard accepted >= 0 else { return acceptFailed(errno) }
            let peer = withUnsafePointer(to: &storage) { storage in
                storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { Endpoint($0) }
            }
            guard let peer else {
                close(accepted)
                return
            }
            if let idler = idlerLoop() {
                let isTaken = idler.send { [accept] in Self.begin(accepted, from: peer, on: idler, accept) }
                if !isTaken { close(accepted) }
            } else {
                Self.begin(accepted, from: peer, on: loop, accept)
            }
        }

        private static func begin(_ descriptor: CInt, from peer: Endpoint, on loop: EpollLoop, _ accept: Accept) {
            let channel = StreamChannel(accepted: descriptor, from: peer, on: loop)
            do {
                try accept(channel)
                channel.begin()
            } catch {
                channel.close0(error: error, mode: .all, promise: nil)
            }
        }

        /// A loop that has clearly less to do than this one. Handing over costs a wake-up, so small differences are let
        /// be.
        private func idlerLoop() -> EpollLoop? {
            guard let idlest = siblings.min(by: { $0.load < $1.load }) else { return nil }
            return loop.load > idlest.load + 2 + idlest.load / 4 ? idlest : nil
        }

        private func acceptFailed(_ error: CInt) {
            switch error {
            case EMFILE, ENFILE, ENOBUFS, ENOMEM:
                loop.remove(self, isShared: true)
                loop.assumeIsolatedUnsafeUnchecked().scheduleTask(in: Self.pause) {
                    // Fails only where there is no memory; then this loop accepts no more and others do.
                    if self.descriptor >= 0 { try? self.watch() }
                }
            default:
                // Another loop was quicker, or the connection that was waiting is gone (accept(2) lists many such
                // errors); the next may be well.
                break
            }
        }

        override func loopEnds() { unwatch() }
    }
#endif
