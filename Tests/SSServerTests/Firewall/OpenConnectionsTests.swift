import SSServerCore
import Testing

@testable import ssserver

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension FirewallTests {
    @Suite("Connections that are open when their source is banned")
    struct Connections {}
}

extension FirewallTests.Connections {
    /// Both ends of it.
    private func connection(
        _ rig: FirewallRig, _ listener: NamespaceSocket, _ source: String, port: UInt16 = 8388
    ) async throws -> (NamespaceSocket, NamespaceSocket) {
        let target = source.contains(":") ? "fd77::1" : "10.77.0.1"
        let connection = try await NamespaceSocket.connection(
            rig.client, from: source, to: target, port: port, seconds: 3)
        let far = try #require(connection)
        return (far, try listener.accepted())
    }

    @Test("Those of who is banned are ended, of both families, and no others", .timeLimit(.minutes(1)))
    func cut() async throws {
        let rig = try FirewallRig(cable: true)
        // It has both families: those of IPv4 are IPv4-mapped there.
        let listener = try NamespaceSocket.listener(rig.server)
        let sources = ["10.77.0.2", "10.77.0.3", "10.77.0.4", "fd77::2", "fd77:0:0:1::2"]
        var ends: [(NamespaceSocket, NamespaceSocket)] = []
        for source in sources { ends.append(try await connection(rig, listener, source)) }
        defer { withExtendedLifetime(ends) {} }
        let connections = OpenConnections(tools: try rig.tools())
        // More than one command can take.
        var banned = try FirewallChanges.many(600).bans.map(\.prefix)
        banned += try ["10.77.0.2/31", "fd77::2"].map { try BanPrefix($0) }
        #expect(connections.cut(banned) == .cut)
        for (end, isEnded) in zip(ends, [true, true, false, true, false]) {
            #expect(try await end.1.isEnded(within: 0.3) == isEnded)
        }
        // Nothing that matches is no failure.
        #expect(connections.cut(banned) == .cut && connections.cut([]) == .cut)
    }

    @Test("Of other ports than those that are named they stay", .timeLimit(.minutes(1)))
    func ports() async throws {
        let rig = try FirewallRig(cable: true)
        let listeners = try [8388, 22].map { try NamespaceSocket.listener(rig.server, port: $0) }
        let closed = try await connection(rig, listeners[0], "10.77.0.2")
        let kept = try await connection(rig, listeners[1], "10.77.0.2", port: 22)
        defer { withExtendedLifetime((closed, kept)) {} }
        #expect(OpenConnections(tools: try rig.tools(), ports: [8388, 443]).cut([try BanPrefix("10.77.0.2")]) == .cut)
        #expect(try await closed.1.isEnded(within: 0.3))
        #expect(try await !kept.1.isEnded(within: 0.3))
    }

    @Test("Where it cannot be done, that is said", .timeLimit(.minutes(1)))
    func refused() async throws {
        let rig = try FirewallRig(cable: true)
        let listener = try NamespaceSocket.listener(rig.server)
        let end = try await connection(rig, listener, "10.77.0.2")
        defer { withExtendedLifetime(end) {} }
        var tools = try rig.tools()
        tools.folders = ["/nowhere"]
        #expect(OpenConnections(tools: tools).cut([try BanPrefix("10.77.0.2")]) == .noTool)
        let helpless = OpenConnections(tools: try rig.toolsWithoutLeave())
        guard case .refused(let failure) = helpless.cut([try BanPrefix("10.77.0.2")]) else {
            Issue.record("ended without leave")
            return
        }
        #expect(failure.isPermission)
        #expect(try await !end.1.isEnded(within: 0.2))
    }
}
