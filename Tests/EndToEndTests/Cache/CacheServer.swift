// Our server with a cache that is started anew, or killed, while its client and its origin stay.
import Foundation
import Testing

final class CacheServer {
    let users: UserServer
    let pair: CachePair

    var origin: ScriptedOrigin { pair.origin }
    var process: ProcessUnderTest { users.process }
    var directory: String { "\(users.state)/cache" }

    /// `keys` are laid over the section, `others` over the configuration.
    init(_ stage: Stage, keys: [String: Any] = [:], others: [String: Any] = [:]) throws {
        let origin = try stage.scriptedOrigin()
        let section: [String: Any] = ["enabled": true, "ports": [Int(origin.endpoint.port)]]
        let all: [String: Any] = ["cache": section.merging(keys) { $1 }]
        users = try UserServer(stage, keys: all.merging(others) { $1 })
        pair = CachePair(stage, origin, try users.client(users.key).running)
    }

    /// Ends the server and starts it again; `between` happens while it does not run.
    func restart(_ signal: Int32 = SIGTERM, between: () throws -> Void = {}) throws {
        process.signal(signal)
        guard process.wait(seconds: 15) != nil else { throw HarnessError("ssserver does not end") }
        try between()
        try users.restart(signal)
        waitForDisk()
    }

    /// What is on disk is known only a moment after the start.
    func waitForDisk() { _ = process.waitForLine { $0.contains("the cache on disk is ready") } }

    /// Paths of the files in which answers are.
    var files: [String] { Self.files(directory) }

    static func files(_ directory: String) -> [String] {
        (FileManager.default.enumerator(atPath: directory) ?? .init()).compactMap { $0 as? String }
            .filter { $0.wholeMatch(of: /[0-9a-f]{2}\/[0-9a-f]{16}-[0-9a-f]+-[0-9a-f]+/) != nil }
            .map { "\(directory)/\($0)" }.sorted()
    }

    func waitForFiles(_ count: Int) -> Bool { eventually(5) { files.count == count } }

    /// Bytes of all answers on disk.
    var bytesOnDisk: Int {
        files.reduce(0) { $0 + ((try? FileManager.default.attributesOfItem(atPath: $1)[.size] as? Int) ?? 0) }
    }

    /// `ssserver cache …`.
    func run(_ arguments: [String]) throws -> Finished {
        try users.stage.run(.ssserver, ["cache"] + arguments + ["-c", users.config])
    }

    /// The same, which must succeed.
    @discardableResult
    func must(_ arguments: [String], at location: SourceLocation = #_sourceLocation) throws -> Finished {
        let finished = try run(arguments)
        #expect(
            finished.exit == .status(0), "\(arguments): \(finished.exit) \(finished.errors)", sourceLocation: location)
        return finished
    }

    /// What `stats --json` says.
    func stats() throws -> [String: Any] {
        let text = try must(["stats", "--json"]).output
        return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(text)")
    }

    /// What `why` says of a path.
    func why(_ path: String) throws -> String { try must(["why", pair.url(path)]).output }

    /// Other keys in the section, read again by the server; what `reload` says.
    func reload(_ keys: [String: Any]) throws -> Finished {
        let url = URL(fileURLWithPath: users.config)
        var config = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
        let section = config["cache"] as? [String: Any] ?? [:]
        config["cache"] = section.merging(keys) { $1 }
        try JSONSerialization.data(withJSONObject: config).write(to: url)
        chmod(users.config, 0o600)
        return try users.stage.run(.ssserver, ["reload", "-c", users.config])
    }
}

extension CachePair {
    init(_ stage: Stage, _ origin: ScriptedOrigin, _ running: RunningPair) {
        self.stage = stage
        self.origin = origin
        self.running = running
    }

    /// Serves a body of its own for each path.
    func serve(_ path: String, _ count: Int, _ fields: [String] = ["Cache-Control: max-age=600"]) {
        origin.on(path) { _, _ in ScriptedAnswer(fields, Made.body(path, count)) }
    }

    /// Asks until the answer has come so often.
    func fill(_ path: String, times: Int = 2) throws {
        for _ in 0..<times { try ask(path) }
    }
}

/// Bytes that belong to a path.
enum Made {
    static func body(_ path: String, _ count: Int) -> [UInt8] {
        let seed = path.utf8.reduce(17) { ($0 &* 31 &+ Int($1)) & 0xf_ffff } % (Pattern.period - 1)
        var bytes = Array("\(path) ".utf8)
        bytes.reserveCapacity(count + Pattern.period)
        var start = seed
        while bytes.count < count {
            bytes += Pattern.block[start..<min(Pattern.period, start + count - bytes.count)]
            start = 0
        }
        return Array(bytes.prefix(count))
    }
}
