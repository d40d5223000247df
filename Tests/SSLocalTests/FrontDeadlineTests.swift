import Logging
import NIOCore
import NIOEmbedded
import SSNetwork
import Testing

@testable import sslocal

/// Deadlines by a clock that only moves when told.
@Suite struct FrontDeadlineTests {
    private let loop = EmbeddedEventLoop()
    private let dialer = HeldDialer()

    private func client() throws -> EmbeddedChannel {
        let configuration = FrontConfiguration(
            dialer: dialer, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, now: { 0 },
            startRelay: GlueRelay.start)
        let channel = EmbeddedChannel(handler: FrontHandler(configuration), loop: loop)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return channel
    }

    private func sent(_ channel: EmbeddedChannel) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let part = try channel.readOutbound(as: ByteBuffer.self) { bytes += Array(part.readableBytesView) }
        return bytes
    }

    @Test(
        "half a SOCKS handshake, or nothing at all, is given up after ten seconds",
        arguments: [[], [5], [5, 1, 0, 5, 1], [4, 1, 0]] as [[UInt8]])
    func handshake(bytes: [UInt8]) throws {
        let channel = try client()
        if !bytes.isEmpty { try channel.writeInbound(ByteBuffer(bytes: bytes)) }
        loop.advanceTime(by: .milliseconds(9_900))
        #expect(channel.isActive)
        loop.advanceTime(by: .milliseconds(200))
        #expect(!channel.isActive)
    }

    @Test("a dial may take longer than a handshake")
    func dial() throws {
        let channel = try client()
        try channel.writeInbound(ByteBuffer(bytes: [5, 1, 0, 5, 1, 0, 1, 192, 0, 2, 1, 0, 80]))
        loop.advanceTime(by: .seconds(60))
        #expect(channel.isActive)
        #expect(try sent(channel) == [5, 0])
        let upstream = EmbeddedChannel(loop: loop)
        try upstream.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 2)).wait()
        dialer.succeed(upstream)
        #expect(try sent(channel) == [5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
        loop.advanceTime(by: .seconds(600))
        #expect(channel.isActive)
    }

    @Test("a head has ten seconds from its first byte, however many bytes trickle in")
    func head() throws {
        let channel = try client()
        for byte in latin1("GET http://a/") {
            try channel.writeInbound(ByteBuffer(bytes: [byte]))
            loop.advanceTime(by: .milliseconds(700))
        }
        #expect(try sent(channel).isEmpty)
        loop.advanceTime(by: .seconds(1))
        #expect(String(decoding: try sent(channel), as: UTF8.self).hasPrefix("HTTP/1.1 408 "))
    }

    @Test("between requests a connection may idle for a minute")
    func keepAlive() throws {
        let channel = try client()
        let request = ByteBuffer(string: "TRACE http://a/ HTTP/1.1\r\nHost: a\r\n\r\n")
        try channel.writeInbound(request)
        #expect(try !sent(channel).isEmpty)
        loop.advanceTime(by: .seconds(59))
        try channel.writeInbound(request)
        #expect(try !sent(channel).isEmpty)
        loop.advanceTime(by: .seconds(61))
        #expect(try sent(channel).isEmpty)
        loop.advanceTime(by: .seconds(6))
        #expect(!channel.isActive)
    }
}
