// Our server with users, the commands that change them while it runs, and clients of theirs.
import Foundation
import Testing

final class UserServer {
    /// A client with its proxy port.
    struct Client {
        let process: ProcessUnderTest
        let front: Endpoint
        let running: RunningPair
    }

    let stage: Stage
    let method: Method
    let port: UInt16
    let config: String
    let state: String
    private(set) var process: ProcessUnderTest

    var endpoint: Endpoint { Endpoint("127.0.0.1", port) }
    /// The port's own key.
    var key: String { method.key }
    var socket: String { "\(state)/admin.sock" }

    /// `keys` are laid over the configuration.
    init(_ stage: Stage, _ method: Method = .blake3AES256, keys: [String: Any] = [:]) throws {
        self.stage = stage
        self.method = method
        port = try Ports.free()
        state = stage.workspace.unusedPath("state")
        let config: [String: Any] = [
            "server": "127.0.0.1", "server_port": port, "method": method.rawValue, "password": method.key,
            "mode": "tcp_and_udp", "egress": ["allow_private": ["127.0.0.0/8"]], "state_directory": state,
        ]
        self.config = try stage.workspace.config("users.json", config.merging(keys) { $1 })
        process = try stage.start(.ssserver, ["run", "-c", self.config])
        try process.waitUntilListening([port], udp: [port])
        try waitForAdmin()
    }

    /// A server of the same configuration, after this one was ended by `signal`.
    func restart(_ signal: Int32 = SIGTERM) throws {
        process.signal(signal)
        guard process.wait(seconds: 15) != nil else { throw HarnessError("ssserver does not end") }
        process = try stage.start(.ssserver, ["run", "-c", config])
        try process.waitUntilListening([port], udp: [port])
        try waitForAdmin()
    }

    private func waitForAdmin() throws {
        guard eventually(10, { (try? run(["list", "--json"]))?.exit == .status(0) }) else {
            throw HarnessError("no answer at \(socket):\n\(process.tail)")
        }
    }

    /// `ssserver users …`.
    func run(_ arguments: [String]) throws -> Finished {
        try stage.run(.ssserver, ["users"] + arguments + ["-c", config])
    }

    /// The same, which must succeed.
    @discardableResult
    func must(_ arguments: [String], at location: SourceLocation = #_sourceLocation) throws -> Finished {
        let finished = try run(arguments)
        #expect(finished.exit == .status(0), "\(arguments): \(finished.errors)", sourceLocation: location)
        return finished
    }

    /// Adds a user; what their client has as "password".
    func add(_ name: String, _ flags: [String] = []) throws -> String {
        try must(["add", name] + flags).output.trimmingCharacters(in: .newlines)
    }

    /// A user as `users list --json` shows them.
    func user(_ name: String) throws -> [String: Any] {
        let text = try must(["list", "--json"]).output
        let all = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        let users = all?["users"] as? [[String: Any]] ?? []
        return try #require(users.first { $0["name"] as? String == name }, "\(name) is not in \(text)")
    }

    func number(_ key: String, of name: String) throws -> Int { try user(name)[key] as? Int ?? -1 }

    /// A client of `program` with that password.
    func client(_ password: String, _ program: Program = .ours) throws -> Client {
        var options = PairOptions()
        options.startsServer = false
        options.serverPort = port
        options.clientKey = password
        let pair = Pair(client: program, server: .ours, method: method)
        let running = try stage.run(pair, options)
        guard let process = running.client else { throw HarnessError("no client") }
        return Client(process: process, front: running.front, running: running)
    }

    /// Lines about streams of a user who was refused.
    func refusals(of name: String) -> [String] {
        process.errorLines.filter { $0.contains("a stream was refused") && $0.contains(name) }
    }
}

extension UserServer.Client {
    /// Everything a source of `count` bytes has, by a tunnel that is open to the end; nil if that comes too early or never.
    func fetch(_ count: Int, from origin: Origin, seconds: Double = 20) -> String? {
        guard let tunnel = try? SOCKSClient.tunnel(via: front, to: Target(origin.endpoint)) else { return nil }
        defer { tunnel.close() }
        guard let bytes = try? tunnel.receive(exactly: count, seconds: seconds) else { return nil }
        let digest = Digest()
        digest.add(bytes)
        return digest.hex()
    }

    /// Whether an echo comes back.
    func echoes(_ origin: Origin, seconds: Double = 5) -> Bool {
        guard let tunnel = try? SOCKSClient.tunnel(via: front, to: Target(origin.endpoint)) else { return false }
        defer { tunnel.close() }
        guard (try? tunnel.send("hello")) != nil else { return false }
        return (try? tunnel.receive(exactly: 5, seconds: seconds)) == Array("hello".utf8)
    }
}
