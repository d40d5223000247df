// Our server with rules, a client of it, and the commands that change them.
import Foundation
import Testing

final class PolicyServer {
    let users: UserServer
    let client: UserServer.Client
    let list: String

    var process: ProcessUnderTest { users.process }

    /// `lines` are a list's; `keys` are laid over the section, `others` over the configuration.
    init(
        _ stage: Stage, _ lines: [String] = [], keys: [String: Any] = [:], others: [String: Any] = [:],
        method: Method = .blake3AES256
    ) throws {
        list = stage.workspace.unusedPath("list.txt")
        try Self.write(lines, to: list)
        let section: [String: Any] = ["files": [list], "contact": "https://example.org/ask"]
        let blacklist: [String: Any] = ["blacklist": section.merging(keys) { $1 }]
        users = try UserServer(stage, method, keys: blacklist.merging(others) { $1 })
        client = try users.client(users.key)
    }

    static func write(_ lines: [String], to path: String) throws {
        try Data((lines + [""]).joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: path))
    }

    func run(_ arguments: [String]) throws -> Finished {
        try users.stage.run(.ssserver, arguments + ["-c", users.config])
    }

    @discardableResult
    func must(_ arguments: [String], at location: SourceLocation = #_sourceLocation) throws -> Finished {
        let finished = try run(arguments)
        #expect(finished.exit == .status(0), "\(arguments): \(finished.errors)", sourceLocation: location)
        return finished
    }

    /// What `blocked` says, without its line feed.
    func blocked(_ address: String, _ flags: [String] = []) throws -> String {
        try must(["blocked", address] + flags).output.trimmingCharacters(in: .newlines)
    }

    /// The status that a proxy's client gets for a URL; 0 if none.
    func fetch(_ url: String, _ flags: [String] = [], by front: CurlFront = .http) throws -> Int {
        let result = try users.stage.curl(
            front.arguments(client.front) + flags + ["-o", "/dev/null", "-w", "%{http_code}", url])
        return Int(result.output) ?? 0
    }

    /// Lines about what was refused, without their times.
    var lines: [String] {
        process.errorLines.filter { $0.contains(" blocked ") }.map { String($0.dropFirst(20)) }
    }
}
