import NIOCore
import NIOPosix
import SSCommon
import SSNetwork
import SSServerCore
import Testing

@testable import ssserver

@Suite("The egress guard")
struct EgressGuardTests {
    private let group = MultiThreadedEventLoopGroup.singleton

    @Test(
        "By default nothing private is dialled, however it is spelled",
        arguments: [
            "127.0.0.1", "127.1", "0x7f.1", "2130706433", "0177.0.0.1", "0", "localhost", "localhost.", "foo.localhost",
            "::1", "[::1]", "::ffff:127.0.0.1", "[::]", "169.254.169.254", "0xa9fea9fe", "metadata.google.internal",
            "10.0.0.1",
            "fd00::1", "64:ff9b::7f00:1", "１２７.0.0.1", "127。0。0。1", "①②⑦.0.0.1",
        ])
    func closed(text: String) async throws {
        let listener = try await ServerBootstrap(group: group).bind(host: "127.0.0.1", port: 0).get()
        let port = UInt16(listener.localAddress?.port ?? 0)
        let dialer = EgressGuard(access: .none, denyPorts: [25], listenerPorts: [])
            .dialer(resolver: Forbidden(), options: .init())
        let host = try #require(HostName(text))
        await #expect(throws: DialError.notAllowed) {
            try await dialer.dial(TargetAddress(.name(host), port: port), on: group.any()).get()
        }
        try await listener.close()
    }

    @Test("What is opened is dialled, but for our own listeners and denied ports")
    func opened() async throws {
        let listener = try await ServerBootstrap(group: group).bind(host: "127.0.0.1", port: 0).get()
        let port = UInt16(listener.localAddress?.port ?? 0)
        let target = try #require(TargetAddress(host: "127.0.0.1", port: port))
        let ranges = EgressPolicy.PrivateAccess.ranges([try #require(IPPrefix("127.0.0.0/8"))])
        let open = EgressGuard(access: ranges, denyPorts: [], listenerPorts: [])
        open.refresh()
        let channel = try await open.dialer(resolver: Forbidden(), options: .init()).dial(target, on: group.any()).get()
        try await channel.close()
        for other in [
            EgressGuard(access: ranges, denyPorts: [port], listenerPorts: []),
            EgressGuard(access: .all, denyPorts: [], listenerPorts: [port]),
        ] {
            other.refresh()
            await #expect(throws: DialError.notAllowed) {
                try await other.dialer(resolver: Forbidden(), options: .init()).dial(target, on: group.any()).get()
            }
        }
        try await listener.close()
    }
}

/// Must not be asked.
private struct Forbidden: NameResolver {
    func resolve(_ name: HostName, on eventLoop: any EventLoop) -> EventLoopFuture<[IPAddress]> {
        Issue.record("\(name) was looked up")
        return eventLoop.makeFailedFuture(DialError.nameNotFound)
    }
}
