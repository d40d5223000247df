import SSCommon
import Testing

@testable import ssserver

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

#if os(Linux)
    @Suite("Who is logged in")
    struct LoginSocketsTests {
        /// A listener at `::`, for both families; its port, and what closes it.
        private func listen() throws -> (descriptor: CInt, port: UInt16) {
            let descriptor = socket(AF_INET6, CInt(SOCK_STREAM.rawValue), 0)
            try #require(descriptor >= 0)
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
            let isBound = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, size) == 0 && Glibc.listen(descriptor, 8) == 0
                        && getsockname(descriptor, $0, &size) == 0
                }
            }
            try #require(isBound)
            return (descriptor, UInt16(bigEndian: address.sin6_port))
        }

        private func connect4(_ port: UInt16) throws -> CInt {
            let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            let code = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            try #require(code == 0)
            return descriptor
        }

        private func connect6(_ port: UInt16) throws -> CInt {
            let descriptor = socket(AF_INET6, CInt(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            address.sin6_addr = in6addr_loopback
            let code = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
            try #require(code == 0)
            return descriptor
        }

        @Test func `the kernel tells who is connected to a port, and the same as it prints`() throws {
            let (one, other) = (try listen(), try listen())
            var open = [one.descriptor, other.descriptor]
            defer { for descriptor in open { close(descriptor) } }
            #expect(LoginSockets.peers(at: [one.port, other.port]) == [])
            open.append(try connect4(one.port))
            #expect(LoginSockets.peers(at: [one.port]).map(Set.init) == [.v4(IPv4Address(0x7f00_0001))])
            #expect(LoginSockets.peers(at: [other.port]) == [])
            open.append(try connect6(one.port))
            open.append(try connect4(other.port))
            let peers = LoginSockets.peers(at: [one.port])
            #expect(peers.map(Set.init) == Set(["127.0.0.1", "::1"].compactMap { IPAddress($0) }))
            #expect(peers.map(Set.init) == Set(MachineSurroundings.listed(at: [one.port])))
            #expect(LoginSockets.peers(at: [one.port, other.port])?.count == 3)
            #expect(LoginSockets.peers(at: []) == [])
        }

        @Test func `answers that are cut off or of another kind trap nothing`() {
            var message: [UInt8] = [72, 0, 0, 0, 20, 0, 2, 0, 7, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0]
            message += [UInt8](repeating: 1, count: 72 - message.count)
            var peers: [IPAddress] = []
            for count in 1..<message.count {
                #expect(LoginSockets.read(message[..<count], 7, &peers) == .failure && peers.isEmpty)
            }
            #expect(LoginSockets.read(message[...], 8, &peers) == .more && peers.isEmpty)
            #expect(LoginSockets.read(message[...], 7, &peers) == .more && peers.count == 1)
            for place in 0..<16 {
                var changed = message
                for value in 0...255 as ClosedRange<UInt8> {
                    changed[place] = value
                    _ = LoginSockets.read(changed[...], 7, &peers)
                }
            }
        }
    }
#endif
