// A program of the system that changes or lists a firewall. What it is handed is made of numbers that our own types have
// printed, never of text from elsewhere; what it answers is cleaned before a person reads it.
#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Where the tools are looked for, and how they are started.
struct FirewallTools: Sendable {
    var folders = ChildOutput.folders
    /// Put before each command: `/usr/sbin/ip netns exec NAME` makes it act in another network namespace.
    var prefix: [String] = []

    func find(_ name: String) -> FirewallTool? {
        ChildOutput.find(name, in: folders).map { FirewallTool(name: name, words: prefix + [$0]) }
    }

    /// - Parameter package: what has to be installed when it is missing.
    func require(_ name: String, package: String) throws(FirewallFailure) -> FirewallTool {
        if let tool = find(name) { return tool }
        throw FirewallFailure(text: "\(name) is not installed", help: "install it: apt-get install \(package)")
    }
}

struct FirewallTool: Sendable {
    let name: String
    fileprivate let words: [String]

    /// Seconds; another program may hold the lock of the firewall for some time.
    private static let patience = 10
    /// In bytes: a listing of half a million bans.
    private static let sizeLimit = 32 << 20

    /// Runs it whatever it says in the end.
    func run(_ arguments: [String], input: String = "") throws(FirewallFailure) -> ChildOutput.Outcome {
        guard
            let outcome = ChildOutput.run(
                words + arguments, input: Array(input.utf8), sizeLimit: Self.sizeLimit, seconds: Self.patience)
        else {
            throw FirewallFailure(text: "\(name) could not be started", help: nil)
        }
        guard !outcome.wasStopped else {
            throw FirewallFailure(
                text: "\(name) did not end within \(Self.patience) s",
                help: "another program may hold the lock of the firewall")
        }
        return outcome
    }

    /// What it writes to standard output when all is well.
    @discardableResult
    func succeed(_ arguments: [String], input: String = "") throws(FirewallFailure) -> [UInt8] {
        let outcome = try run(arguments, input: input)
        guard outcome.status == 0 else { throw failure(outcome) }
        return outcome.output
    }

    /// The outcome in words.
    func failure(_ outcome: ChildOutput.Outcome) -> FirewallFailure {
        let said = Self.firstLines(outcome.errors)
        let end = outcome.status.map { "it ended with status \($0)" } ?? "a signal ended it"
        let mayNot = Self.denials.contains { said.contains($0) }
        return FirewallFailure(text: "\(name): \(said.isEmpty ? end : said)", help: mayNot ? Self.permission : nil)
    }

    private static let denials = ["Operation not permitted", "Permission denied", "you must be root"]
    static let permission =
        "run it as root, or give it CAP_NET_ADMIN (AmbientCapabilities= in its unit), with the old iptables CAP_NET_RAW too"

    /// Of what was written to standard error; at most 200 bytes of three lines, for iptables says in the first who it is, and nothing
    /// that would move a terminal's cursor.
    private static func firstLines(_ bytes: [UInt8]) -> String {
        let lines = bytes.split(separator: UInt8(ascii: "\n")).prefix(3).joined(separator: [UInt8(ascii: " ")])
        let clean = lines.prefix(200).map { (0x20..<0x7f).contains($0) ? $0 : UInt8(ascii: "?") }
        return String(decoding: clean, as: UTF8.self)
    }
}

extension FirewallFailure {
    /// The tool was there and may not do what it was told.
    var isPermission: Bool { help == FirewallTool.permission }
}
