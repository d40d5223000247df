// Several servers of ours and one laptop that may use them all.
import Foundation
import Testing

/// What a test has running; the server numbers are those of the laptop's list.
final class ServerGroup {
    let stage: Stage
    let ports: [UInt16]
    let localPort: UInt16
    let state: String
    let configuration: String
    private(set) var servers: [ProcessUnderTest?]
    private(set) var client: ProcessUnderTest

    static let key = Method.blake3AES256.key

    /// `running` says which of the two servers are started; `settings` are laid over the laptop's configuration. A
    /// `firstPort` is somebody else's.
    init(
        _ stage: Stage, running: [Int]? = nil, settings: [String: Any] = [:], firstPort: UInt16? = nil
    ) throws {
        self.stage = stage
        ports = [try firstPort ?? Ports.free(), try Ports.free()]
        localPort = try Ports.free()
        state = stage.workspace.unusedPath("laptop-state")
        let entries = ports.map { ["server": "127.0.0.1", "server_port": $0, "name": "vps \($0)"] as [String: Any] }
        let config: [String: Any] = [
            "servers": entries, "method": Method.blake3AES256.rawValue, "password": Self.key,
            "local_address": "127.0.0.1", "local_port": localPort, "state_directory": state,
        ]
        configuration = try stage.workspace.config("laptop.json", config.merging(settings) { $1 })
        servers = [nil, nil]
        client = try stage.start(try Tool.sslocal.path(), ["run", "-c", configuration])
        for number in running ?? (firstPort == nil ? [0, 1] : [1]) { try startServer(number) }
        try client.waitUntilListening([localPort])
    }

    func startServer(_ number: Int) throws {
        let config: [String: Any] = [
            "server": "127.0.0.1", "server_port": ports[number], "method": Method.blake3AES256.rawValue,
            "password": Self.key, "egress": ["allow_private": true],
            "state_directory": stage.workspace.unusedPath("server-state"),
        ]
        let file = try stage.workspace.config("server.json", config)
        let server = try stage.start(try Tool.ssserver.path(), ["run", "-c", file])
        try server.waitUntilListening([ports[number]])
        servers[number] = server
    }

    func kill(_ number: Int) { servers[number]?.kill() }

    /// Ends the laptop's program the hard way and starts it again.
    func restartClient(hard: Bool = false) throws {
        if hard { client.kill() } else { client.signal(SIGTERM) }
        _ = client.wait(seconds: 10)
        client = try stage.start(try Tool.sslocal.path(), ["run", "-c", configuration])
        try client.waitUntilListening([localPort])
    }

    var proxy: [String] { ["--socks5-hostname", "127.0.0.1:\(localPort)"] }

    /// Fetches within `seconds`.
    func fetch(_ url: String, seconds: Double = 4) throws -> CurlResult {
        try stage.curl(proxy + [url], seconds: seconds)
    }

    /// A link to a server, by its number.
    func link(_ number: Int) -> String {
        let key = Self.key.replacingOccurrences(of: "/", with: "%2F").replacingOccurrences(of: "+", with: "%2B")
        return "ss://\(Method.blake3AES256.rawValue):\(key)@127.0.0.1:\(ports[number])"
    }

    /// `sslocal use`, with links that never stand on a command line.
    @discardableResult
    func use(_ text: String) throws -> Finished {
        let file = try stage.workspace.file("list", text)
        return try stage.run(try Tool.sslocal.path(), ["use", file, "-c", configuration])
    }

    func useConfiguration() throws -> Finished {
        try stage.run(try Tool.sslocal.path(), ["use", "--config", "-c", configuration])
    }

    struct Status {
        let exit: ProcessUnderTest.Exit
        let works: Bool
        let list: String?
        let servers: [[String: Any]]

        func server(_ port: UInt16) -> [String: Any]? {
            servers.first { $0["address"] as? String == "127.0.0.1:\(port)" }
        }
        var portInUse: Int? {
            let used = servers.first { $0["in_use"] as? Bool == true }?["address"] as? String
            return used.flatMap { $0.split(separator: ":").last }.flatMap { Int($0) }
        }
    }

    func status() throws -> Status {
        let finished = try stage.run(try Tool.sslocal.path(), ["status", "--json", "-c", configuration])
        let json = try JSONSerialization.jsonObject(with: Data(finished.output.utf8)) as? [String: Any]
        guard let json else { throw HarnessError("no status: \(finished.errors)") }
        return Status(
            exit: finished.exit, works: json["works"] as? Bool ?? false, list: json["list"] as? String,
            servers: json["servers"] as? [[String: Any]] ?? [])
    }

    func statusText() throws -> Finished {
        try stage.run(try Tool.sslocal.path(), ["status", "-c", configuration])
    }

    /// Waits until `condition` holds of the status.
    func status(becomes condition: (Status) -> Bool, seconds: Double = 20) throws -> Bool {
        let deadline = Deadline(seconds)
        repeat {
            if condition(try status()) { return true }
            pause(0.2)
        } while !deadline.hasPassed
        return false
    }
}

extension Stage {
    /// A download of some ten seconds.
    func startLongDownload(_ group: ServerGroup, _ origin: HTTPOrigin) throws -> (curl: ProcessUnderTest, file: String)
    {
        let file = workspace.unusedPath("download")
        let url = origin.url("/bytes/\(LongDownload.size)", host: "localhost")
        let curl = try startCurl(group.proxy + ["--limit-rate", "2M", "-o", file, url], seconds: 60)
        let deadline = Deadline(10)
        while LongDownload.length(of: file) < 200_000 {
            guard !deadline.hasPassed, curl.isRunning else { throw HarnessError("no download begins: \(curl.errors)") }
            pause(0.02)
        }
        return (curl, file)
    }
}

enum LongDownload {
    static let size = 20_000_000

    static func length(of file: String) -> Int {
        ((try? FileManager.default.attributesOfItem(atPath: file))?[.size] as? Int) ?? 0
    }

    /// Whether it came to its end, unbroken.
    static func isWhole(_ download: (curl: ProcessUnderTest, file: String)) throws -> Bool {
        guard download.curl.wait(seconds: 60) == .status(0) else { return false }
        let bytes = try Data(contentsOf: URL(fileURLWithPath: download.file))
        let digest = Digest()
        digest.add([UInt8](bytes))
        return digest.count == size && digest.hex() == Pattern.digest(size)
    }
}
