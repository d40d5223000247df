import NIOCore
import SSCommon
import SSNetwork
import Testing

@Suite("Socket addresses")
struct EndpointTests {
    @Test(
        "An endpoint becomes NIO's address and back",
        arguments: [
            ("127.0.0.1", 80), ("0.0.0.0", 0), ("255.254.253.252", 65535), ("::1", 1), ("2001:db8:1:2:3:4:5:6", 443),
        ])
    func roundTrip(text: String, port: UInt16) throws {
        let endpoint = Endpoint(try #require(IPAddress(text)), port)
        let address = SocketAddress(endpoint)
        #expect(address.ipAddress == text && address.port == Int(port))
        #expect(Endpoint(address) == endpoint)
        #expect(address == (try SocketAddress(ipAddress: text, port: Int(port))))
    }

    @Test("A Unix socket is no endpoint")
    func unix() throws {
        #expect(Endpoint(try SocketAddress(unixDomainSocketPath: "/x")) == nil)
    }

    @Test("The machine's own addresses hold loopback")
    func own() {
        #expect(OwnAddresses.current().contains(.v4(IPv4Address(127, 0, 0, 1))))
    }
}
