import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import SSCommon
import Testing

@testable import SSNetwork

@Suite("UDP on the laptop", .serialized)
struct ClientDatagramsTests {
    private final class Replies: Sendable {
        private let value = NIOLockedValueBox<[(TargetAddress, [UInt8])]>([])
        var all: [(TargetAddress, [UInt8])] { value.withLockedValue { $0 } }
        func add(_ source: TargetAddress, _ bytes: [UInt8]) { value.withLockedValue { $0.append((source, bytes)) } }
    }

    @Test("Only fresh, authentic datagrams of the server itself are answers")
    func answers() async throws {
        let server = try await DatagramPeer()
        let stranger = try await DatagramPeer()
        let eventLoop = TestEngine.group.any()
        let replies = Replies()
        let association = try await eventLoop.submit {
            let association = ClientAssociation(
                server: server.endpoint, credential: streamCredential, replay: ReplayGuard(capacity: 100),
                eventLoop: eventLoop, onReply: { replies.add($0, Array($1.readableBytesView)) }, onReplies: {})
            for number in 0..<10 { association.send(ByteBuffer(bytes: [UInt8(number)]), to: streamTarget) }
            association.flush()
            return NIOLoopBound(association, eventLoop: eventLoop)
        }.get()
        #expect(try await server.has(10))
        let client = try #require(server.all.first).source
        let opened = try SealedDatagram.open(try #require(server.all.first).bytes)
        #expect(opened.source == streamTarget)
        #expect(opened.payload == [0])

        let answer = SealedDatagram.seal([5], to: streamTarget)
        try await stranger.send(SealedDatagram.seal([6], to: streamTarget), to: client)
        try await server.send(Sodium.random(100), to: client)
        try await server.send(answer, to: client)
        try await server.send(answer, to: client)
        // Our own datagram, reflected.
        try await server.send(try #require(server.all.first).bytes, to: client)
        try await server.send(SealedDatagram.seal([7], to: streamTarget), to: client)
        for _ in 0..<500 where replies.all.count < 2 { try await Task.sleep(for: .milliseconds(20)) }
        #expect(replies.all.map(\.1) == [[5], [7]])
        #expect(server.all.count == 10)
        try await eventLoop.submit { association.value.close() }.get()
        try await server.close()
        try await stranger.close()
    }
}
