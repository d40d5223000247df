// Sockets of another network namespace: one stays what it is whatever its thread becomes, and a thread of its own that goes
// away at once may be anything.
import SSCommon
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Closed with it.
final class NamespaceSocket {
    let descriptor: CInt

    init(_ namespace: String, family: CInt, kind: CInt, number: CInt = 0) throws {
        let wish = Wish(path: "/run/netns/\(namespace)", family: family, kind: kind, number: number)
        var thread = pthread_t()
        let pointer = Unmanaged.passRetained(wish).toOpaque()
        try #require(
            pthread_create(
                &thread, nil,
                { pointer in
                    Unmanaged<Wish>.fromOpaque(pointer!).takeRetainedValue().grant()
                    return nil
                }, pointer) == 0)
        pthread_join(thread, nil)
        try #require(wish.descriptor >= 0, "no socket in \(namespace)")
        descriptor = wish.descriptor
    }

    private init(adopting descriptor: CInt) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    private final class Wish {
        let path: String
        let family: CInt
        let kind: CInt
        let number: CInt
        var descriptor: CInt = -1

        init(path: String, family: CInt, kind: CInt, number: CInt) {
            (self.path, self.family, self.kind, self.number) = (path, family, kind, number)
        }

        func grant() {
            let namespace = open(path, O_RDONLY | O_CLOEXEC)
            defer { close(namespace) }
            // setns(2), which the C library's Swift module hides.
            typealias Enter = @convention(c) (CInt, CInt) -> CInt
            guard let symbol = dlsym(nil, "setns"),
                unsafeBitCast(symbol, to: Enter.self)(namespace, 0) == 0
            else { return }
            descriptor = socket(family, kind, number)
        }
    }

    /// Listens on all addresses of both families.
    static func listener(_ namespace: String, port: UInt16 = 8388) throws -> NamespaceSocket {
        let socket = try NamespaceSocket(namespace, family: AF_INET6, kind: CInt(SOCK_STREAM.rawValue))
        try socket.bind(try #require(IPAddress("::")), port)
        try #require(listen(socket.descriptor, 64) == 0)
        return socket
    }

    /// A connection that is open within `seconds`; nil if there is no answer.
    static func connection(
        _ namespace: String, from: String, to: String, port: UInt16, seconds: Double
    ) async throws -> NamespaceSocket? {
        let from = try #require(IPAddress(from))
        let family = from.isIPv6 ? AF_INET6 : AF_INET
        let socket = try NamespaceSocket(namespace, family: family, kind: CInt(SOCK_STREAM.rawValue))
        try socket.bind(from, 0)
        _ = fcntl(socket.descriptor, F_SETFL, O_NONBLOCK)
        _ = Self.with(try #require(IPAddress(to)), port) { connect(socket.descriptor, $0, $1) }
        guard try await socket.isReady(POLLOUT, within: seconds) else { return nil }
        var fault: CInt = 0
        var size = socklen_t(MemoryLayout<CInt>.size)
        getsockopt(socket.descriptor, SOL_SOCKET, SO_ERROR, &fault, &size)
        try #require(fault == 0, "refused, not dropped: \(fault)")
        return socket
    }

    /// Whether nothing can be read of it any more.
    func isEnded(within seconds: Double) async throws -> Bool { try await isReady(POLLIN, within: seconds) }

    /// Without keeping a thread from the other tests.
    private func isReady(_ events: CInt, within seconds: Double) async throws -> Bool {
        var request = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        let end = ContinuousClock.now + .seconds(seconds)
        while poll(&request, 1, 0) != 1 {
            if ContinuousClock.now >= end { return false }
            try await Task.sleep(for: .milliseconds(10))
        }
        return true
    }

    /// The next connection of a listener, which is there already.
    func accepted() throws -> NamespaceSocket {
        let descriptor = accept(descriptor, nil, nil)
        try #require(descriptor >= 0)
        return NamespaceSocket(adopting: descriptor)
    }

    private func bind(_ address: IPAddress, _ port: UInt16) throws {
        let outcome = Self.with(address, port) {
            #if canImport(Glibc)
                Glibc.bind(descriptor, $0, $1)
            #else
                Darwin.bind(descriptor, $0, $1)
            #endif
        }
        try #require(outcome == 0, "bind \(address): \(errno)")
    }

    private static func with(
        _ address: IPAddress, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) -> CInt {
        switch address {
        case .v4(let address):
            var place = sockaddr_in()
            place.sin_family = sa_family_t(AF_INET)
            place.sin_port = port.bigEndian
            place.sin_addr.s_addr = address.value.bigEndian
            return withUnsafePointer(to: &place) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        case .v6(let address):
            var place = sockaddr_in6()
            place.sin6_family = sa_family_t(AF_INET6)
            place.sin6_port = port.bigEndian
            withUnsafeMutableBytes(of: &place.sin6_addr) {
                $0.storeBytes(of: address.high.bigEndian, as: UInt64.self)
                $0.storeBytes(of: address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            return withUnsafePointer(to: &place) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
        }
    }
}
