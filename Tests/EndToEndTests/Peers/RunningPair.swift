// Starts a pair on loopback and says where its fronts are.
import Foundation

struct PairOptions {
    struct User {
        var name: String
        var password: String
    }

    /// Targets on loopback may be reached: every test's targets are there.
    var allowLoopback = true
    /// What may be reached instead of loopback.
    var allowed: [String]?
    /// Keys laid over the config of our server and of our client.
    var serverKeys: @Sendable () -> [String: Any] = { [:] }
    var clientKeys: @Sendable () -> [String: Any] = { [:] }
    /// The server's port, where a test must know it first.
    var serverPort: UInt16?
    /// Where the client finds its server, when that is not the server itself (a tap between them).
    var serverPortSeenByClient: UInt16?
    /// Fixed target of a `tunnel` local beside the mixed one.
    var tunnelTarget: Endpoint?
    var users: [User] = []
    var clientKey: String?
    /// The port has a user (SIP023), which the client is.
    var hasUser = false
    var startsServer = true
    /// Our server serves datagrams too.
    var serverHasUDP = true
    var startsClient = true
    /// How many seconds the clock of our server is ahead.
    var serverClock = 0
    /// Further flags for our own programs.
    var flags: [String] = []
}

struct RunningPair {
    let pair: Pair
    let client: ProcessUnderTest?
    var server: ProcessUnderTest?
    let serverPort: UInt16
    let localPort: UInt16
    let tunnelPort: UInt16
    /// Where the proxy port of the client is.
    var front: Endpoint { Endpoint("127.0.0.1", localPort) }
    var serverEndpoint: Endpoint { Endpoint("127.0.0.1", serverPort) }
    var tunnel: Endpoint { Endpoint("127.0.0.1", tunnelPort) }

    /// Long enough for every rule about weak passwords; the key of every test, worth nothing.
    static let key = "dGhpcyBrZXkgaXMgZm9yIHRlc3RzIG9ubHksIHJlYWxseQ=="
}

extension Stage {
    /// Starts both programs and returns when they listen.
    func run(_ pair: Pair, _ options: PairOptions = PairOptions()) throws -> RunningPair {
        let plan = PairPlan(
            pair: pair, options: options,
            serverPort: try options.serverPort ?? Ports.free(), localPort: try Ports.free(),
            tunnelPort: try Ports.free())
        let server = options.startsServer ? try startServer(plan) : nil
        let client = options.startsClient ? try startClient(plan) : nil
        return RunningPair(
            pair: pair, client: client, server: server,
            serverPort: plan.serverPort, localPort: plan.localPort, tunnelPort: plan.tunnelPort)
    }

    /// Starts a server like the one of `running`, on the same port.
    func restartServer(of running: RunningPair) throws -> ProcessUnderTest {
        try startServer(
            PairPlan(
                pair: running.pair, options: PairOptions(), serverPort: running.serverPort,
                localPort: running.localPort, tunnelPort: running.tunnelPort))
    }

    private func startServer(_ plan: PairPlan) throws -> ProcessUnderTest {
        let process: ProcessUnderTest
        switch plan.pair.server {
        case .ours: process = try startOurServer(plan)
        case .libev: process = try start(Tool.ssServer.path(), plan.libevServerArguments)
        case .singbox:
            let file = try workspace.config("singbox-server.json", plan.singBoxServer)
            process = try start(Tool.singBox.path(), ["run", "-c", file])
        }
        try process.waitUntilListening([plan.serverPort], udp: plan.options.serverHasUDP ? [plan.serverPort] : [])
        return process
    }

    private func startClient(_ plan: PairPlan) throws -> ProcessUnderTest {
        let process: ProcessUnderTest
        var ports = [plan.localPort]
        switch plan.pair.client {
        case .ours: process = try startOurClient(plan)
        case .libev:
            process = try start(Tool.ssLocal.path(), plan.libevClientArguments)
            if let target = plan.options.tunnelTarget {
                let tunnel = try start(Tool.ssTunnel.path(), plan.libevTunnelArguments(target))
                try tunnel.waitUntilListening([plan.tunnelPort])
            }
        case .singbox:
            let file = try workspace.config("singbox-client.json", plan.singBoxClient)
            process = try start(Tool.singBox.path(), ["run", "-c", file])
        }
        if plan.options.tunnelTarget != nil { ports.append(plan.tunnelPort) }
        try process.waitUntilListening(plan.pair.client == .libev ? [plan.localPort] : ports)
        return process
    }

    private func startOurServer(_ plan: PairPlan) throws -> ProcessUnderTest {
        let file = try workspace.config("ssserver.json", plan.ourServer)
        let clock = plan.options.serverClock
        return try start(
            Tool.ssserver.path(), ["run", "-c", file] + plan.options.flags,
            environment: clock == 0 ? [:] : try ShiftedClock.environment(clock))
    }

    private func startOurClient(_ plan: PairPlan) throws -> ProcessUnderTest {
        let file = try workspace.config("sslocal.json", plan.ourClient)
        return try start(Tool.sslocal.path(), ["run", "-c", file] + plan.options.flags)
    }
}
