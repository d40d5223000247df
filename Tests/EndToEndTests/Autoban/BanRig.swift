// Two machines for bans: a server that autoban runs on, and another from where it is knocked at. Network namespaces joined by a
// cable; nothing outside of them is changed.
import Foundation
import Synchronization
import Testing

final class BanRig: Sendable {
    private static let count: Atomic<Int> = Atomic(0)

    let stage: Stage
    let server: String
    let client: String
    /// What autoban follows.
    let log: String
    private let ip: String

    init(_ stage: Stage) throws {
        try Self.checkRights()
        self.stage = stage
        ip = try Tool.ip.path()
        let number = Self.count.add(1, ordering: .relaxed).newValue
        (server, client) = ("abs-\(getpid())-\(number)", "abc-\(getpid())-\(number)")
        log = try stage.workspace.file("log", "")
        let (ip, server, client) = (ip, server, client)
        stage.atEnd { for name in [server, client] { _ = try? stage.run(ip, ["netns", "del", name]) } }
        for name in [server, client] { try run("netns", "add", name) }
        let (near, far) = ("02:00:00:00:00:01", "02:00:00:00:00:02")
        try run(
            "link", "add", "s", "address", near, "netns", server, "type", "veth", "peer", "name", "c", "address", far,
            "netns", client)
        let servers = ["10.77.0.1/24", "fd77:0:0:9::1/48"]
        let clients = ["10.77.0.2/24", "10.77.0.3/24", "fd77::2/48", "fd77::3/48", "fd77:0:0:1::2/48"]
        for address in servers { try add(address, server, "s") }
        for address in clients { try add(address, client, "c") }
        for (name, device) in [(server, "s"), (client, "c")] {
            try run("-n", name, "link", "set", "lo", "up")
            try run("-n", name, "link", "set", device, "up")
        }
        // In the first second of a cable a question for an address is lost now and then.
        for address in servers { try know(address, near, client, "c") }
        for address in clients { try know(address, far, server, "s") }
    }

    private static func checkRights() throws {
        if geteuid() != 0 { try missing("root, which network namespaces take") }
    }

    private func run(_ words: String...) throws {
        let result = try stage.run(ip, words)
        guard result.exit == .status(0) else { throw HarnessError("ip \(words): \(result.errors)") }
    }

    private func add(_ address: String, _ name: String, _ device: String) throws {
        let nodad = address.contains(":") ? ["nodad"] : []
        let result = try stage.run(ip, ["-n", name, "addr", "add", address, "dev", device] + nodad)
        guard result.exit == .status(0) else { throw HarnessError("\(address): \(result.errors)") }
    }

    private func know(_ address: String, _ link: String, _ name: String, _ device: String) throws {
        let host = String(address.prefix { $0 != "/" })
        try run("-n", name, "neigh", "add", host, "lladdr", link, "dev", device, "nud", "permanent")
    }

    // MARK: On the server

    func start(_ path: String, _ words: [String]) throws -> ProcessUnderTest {
        try stage.start(ip, ["netns", "exec", server, path] + words)
    }

    /// autoban, once it follows the log.
    func startAutoban(_ words: [String] = [], input: String? = nil) throws -> ProcessUnderTest {
        let process = try start(
            try Tool.ssserver.path(), ["autoban", "run", "--log", log, "--backend", "nftables"] + words)
        guard process.waitForLine(seconds: 10, { $0.contains("autoban follows the log") }) else {
            throw HarnessError("autoban does not start:\n\(process.errors)")
        }
        return process
    }

    func run(_ tool: Tool, _ words: [String]) throws -> Finished {
        try stage.run(ip, ["netns", "exec", server, try tool.path()] + words)
    }

    /// A command of autoban.
    func autoban(_ words: String...) throws -> Finished { try run(.ssserver, ["autoban"] + words) }

    /// All rules of nftables.
    func rules() throws -> String { try run(.nft, ["list", "ruleset"]).output }

    var isClean: Bool { (try? rules().contains("autoban")) == false }

    /// Something that takes connections at port 8388 and says "hello".
    func startListener() throws {
        let words = ["TCP6-LISTEN:8388,fork,reuseaddr,ipv6only=0", "EXEC:/bin/echo hello"]
        let process = try start(try Tool.socat.path(), words)
        guard until(10, { (try? answers("10.77.0.3")) == true }) else {
            throw HarnessError("nobody listens: \(process.errors)")
        }
    }

    // MARK: From the client

    /// Whether the server answers at all to a connection from `source`.
    func answers(_ source: String, seconds: Int = 1, port: UInt16 = 8388) throws -> Bool {
        let target = source.contains(":") ? "[fd77:0:0:9::1]" : "10.77.0.1"
        let result = try stage.run(
            ip,
            [
                "netns", "exec", client, try Tool.curl.path(), "-s", "-o", "/dev/null", "--interface", source,
                "--connect-timeout", "\(seconds)", "-m", "\(seconds + 1)", "-w", "%{time_connect}",
                "telnet://\(target):\(port)",
            ])
        return (Double(result.output) ?? 0) > 0
    }

    // MARK: The log

    static func bad(_ peer: String) -> String {
        "2026-11-21 02:50:02 ERROR    can not parse header when handling connection from \(peer):51234\n"
    }

    static func good(_ peer: String) -> String {
        "2026-11-21 02:50:02 INFO     connecting www.example.com:443 from \(peer):51234\n"
    }

    func append(_ text: String) throws {
        let descriptor = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw HarnessError("cannot write \(log)") }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard write(descriptor, bytes, bytes.count) == bytes.count else { throw HarnessError("cannot write \(log)") }
    }

    /// So many failures of each of `peers`.
    func fail(_ peers: [String], times: Int = 3) throws {
        try append(peers.map { String(repeating: Self.bad($0), count: times) }.joined())
    }

    /// The addresses that autoban says are banned.
    func banned() throws -> Set<String> {
        let result = try autoban("list", "--json")
        guard let root = try? JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any],
            let bans = root["bans"] as? [[String: Any]]
        else { throw HarnessError("list --json: \(result.output) \(result.errors)") }
        return Set(bans.compactMap { $0["address"] as? String })
    }

    /// The same, once they are `expected`, or after a while.
    func banned(soon expected: Set<String>) throws -> Set<String> {
        _ = until(5) { (try? banned()) == expected }
        return try banned()
    }
}

/// Whether `condition` came to hold within so many seconds.
func until(_ seconds: Double, _ condition: () -> Bool) -> Bool {
    let deadline = Deadline(seconds)
    repeat {
        if condition() { return true }
        pause(0.02)
    } while !deadline.hasPassed
    return condition()
}
