// Two machines for the tests of firewalls: network namespaces joined by a cable. Nothing outside of them is changed.
// It takes root and the tools; where they are missing the tests are skipped, but with CI=true they fail.
import SSCommon
import SSServerCore
import Synchronization
import Testing

@testable import ssserver

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Whether namespaces can be made here; said once.
let canMakeNamespaces: Bool = {
    guard let reason = whyNoNamespaces() else { return true }
    // They run, and fail.
    let mustRun = getenv("CI").map { String(cString: $0) } == "true"
    print("firewall tests \(mustRun ? "cannot run" : "are skipped"): \(reason)")
    return mustRun
}()

private func whyNoNamespaces() -> String? {
    let missing = ["ip", "nft", "ipset", "iptables", "ip6tables", "ss", "setpriv"].filter {
        ChildOutput.find($0) == nil
    }
    guard missing.isEmpty else { return "\(missing.joined(separator: ", ")) not found" }
    let name = "fwt-\(getpid())"
    // A container's root may not.
    guard ChildOutput.of("ip", ["netns", "add", name]) != nil else { return "no network namespace can be made" }
    _ = ChildOutput.of("ip", ["netns", "del", name])
    return nil
}

/// The firewalls, with both kinds of iptables.
enum Firewall: String, CaseIterable, Sendable {
    case nftables
    /// Without starting `nft` for each ban.
    case nftablesSocket = "nftables-socket"
    case ipset, iptables
    case iptablesLegacy = "iptables-legacy"
}

/// The server's side has 10.77.0.1 and fd77::1, the other's 10.77.0.2...4, fd77::2, fd77::3 and fd77:0:0:1::2.
final class FirewallRig {
    let server: String
    let client: String
    private let hasCable: Bool
    private var folder: String?
    private var further: [String] = []

    private static let count = Atomic(0)

    init(cable: Bool = false) throws {
        let number = Self.count.add(1, ordering: .relaxed).newValue
        hasCable = cable
        server = "fws-\(getpid())-\(number)"
        client = "fwc-\(getpid())-\(number)"
        try Self.ip("netns", "add", server)
        try Self.ip("-n", server, "link", "set", "lo", "up")
        if !cable { return }
        try Self.ip("netns", "add", client)
        let (near, far) = ("02:00:00:00:00:01", "02:00:00:00:00:02")
        try Self.ip(
            ["link", "add", "s", "address", near, "netns", server]
                + ["type", "veth", "peer", "name", "c", "address", far, "netns", client])
        let servers = ["10.77.0.1/24", "fd77::1/48"]
        let clients = [
            "10.77.0.2/24", "10.77.0.3/24", "10.77.0.4/24", "fd77::2/48", "fd77::3/48", "fd77:0:0:1::2/48",
        ]
        for address in servers { try add(address, server, "s") }
        for address in clients { try add(address, client, "c") }
        try Self.ip("-n", server, "link", "set", "s", "up")
        try Self.ip("-n", client, "link", "set", "c", "up")
        // In the first second of a cable a question for an address is lost now and then.
        for address in servers { try know(address, near, client, "c") }
        for address in clients { try know(address, far, server, "s") }
    }

    private func add(_ address: String, _ namespace: String, _ device: String) throws {
        try Self.ip(
            ["-n", namespace, "addr", "add", address, "dev", device] + (address.contains(":") ? ["nodad"] : []))
    }

    private func know(_ address: String, _ link: String, _ namespace: String, _ device: String) throws {
        let host = String(address.prefix { $0 != "/" })
        try Self.ip("-n", namespace, "neigh", "add", host, "lladdr", link, "dev", device, "nud", "permanent")
    }

    /// The address of the machine behind the server.
    static let behind = "10.78.0.2"

    /// Another machine, which the other side reaches through the server alone.
    func addMachineBehind() throws -> String {
        let name = "fwb\(server.dropFirst(3))"
        try Self.ip("netns", "add", name)
        further.append(name)
        try Self.ip("link", "add", "mid", "netns", server, "type", "veth", "peer", "name", "back", "netns", name)
        try add("10.78.0.1/24", server, "mid")
        try add("\(Self.behind)/24", name, "back")
        try Self.ip("-n", server, "link", "set", "mid", "up")
        try Self.ip("-n", name, "link", "set", "back", "up")
        try Self.ip("-n", name, "route", "add", "default", "via", "10.78.0.1")
        try Self.ip("-n", client, "route", "add", "10.78.0.0/24", "via", "10.77.0.1")
        try run(.nftables, ["sysctl", "-q", "-w", "net.ipv4.ip_forward=1"])
        return name
    }

    deinit {
        for name in further + (hasCable ? [server, client] : [server]) { _ = try? Self.ip("netns", "del", name) }
        guard let folder else { return }
        for name in Self.tables + ["ipset"] { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }

    private static let tables = ["iptables", "iptables-restore", "ip6tables", "ip6tables-restore"]

    private static func ip(_ words: String...) throws { try ip(words) }

    private static func ip(_ words: [String]) throws {
        let path = try #require(ChildOutput.find("ip"), "ip is not installed")
        let outcome = try #require(ChildOutput.run([path] + words, input: [], sizeLimit: 1 << 20, seconds: 10))
        try #require(outcome.status == 0, "ip \(words): \(String(decoding: outcome.errors, as: UTF8.self))")
    }

    func tools(_ firewall: Firewall = .nftables) throws -> FirewallTools {
        switch firewall {
        case .nftables, .nftablesSocket, .ipset, .iptables:
            FirewallTools(prefix: [try #require(ChildOutput.find("ip")), "netns", "exec", server])
        // As on a machine whose iptables is the old one.
        case .iptablesLegacy: try tools(only: Self.tables, file: "xtables-legacy-multi")
        }
    }

    /// As on a machine that has no others. All are links to `file`, if there is one.
    func tools(only names: [String], file: String? = nil) throws -> FirewallTools {
        var tools = try tools()
        if folder == nil {
            var name = Array("/tmp/firewall-tools.XXXXXX".utf8CString)
            folder = name.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
        }
        let folder = try #require(folder)
        for name in Self.tables + ["ipset"] { unlink("\(folder)/\(name)") }
        for name in names { symlink(try #require(ChildOutput.find(file ?? name)), "\(folder)/\(name)") }
        tools.folders = [folder]
        return tools
    }

    func backend(_ firewall: Firewall, ports: [UInt16] = []) throws -> any FirewallBackend {
        let tools = try tools(firewall)
        return switch firewall {
        case .nftables: try NFTables(tools: tools, ports: ports)
        case .nftablesSocket:
            try NFTables(tools: tools, ports: ports, elements: NFTElements(adopting: netfilterSocket()))
        case .ipset: try IPSet(tools: tools, ports: ports)
        case .iptables, .iptablesLegacy: try IPTables(tools: tools, ports: ports)
        }
    }

    /// Of the server's side.
    func netfilterSocket() throws -> CInt {
        let socket = try NamespaceSocket(server, family: AF_NETLINK, kind: CInt(SOCK_RAW.rawValue), number: 12)
        return withExtendedLifetime(socket) { dup(socket.descriptor) }
    }

    /// Runs a command on the server's side; what it prints.
    @discardableResult
    func run(_ firewall: Firewall = .nftables, _ words: [String], input: String = "") throws -> String {
        let tools = try tools(firewall)
        let tool = try #require(tools.find(words[0]))
        return String(decoding: try tool.succeed(Array(words.dropFirst()), input: input), as: UTF8.self)
    }

    func prefixes(_ texts: String...) throws -> Set<BanPrefix> { Set(try texts.map { try BanPrefix($0) }) }
}

/// What a firewall has, whatever is left of the times.
struct Held: Hashable {
    var bans: Set<BanPrefix> = []
    var isWhole = true
}

extension FirewallBackend {
    mutating func held() throws -> Held {
        let contents = try contents()
        return Held(bans: Set(contents.bans.keys), isWhole: contents.isWhole)
    }
}

extension FirewallChanges {
    static func ban(_ text: String, seconds: UInt32 = 600) throws -> FirewallChanges {
        FirewallChanges(bans: [Ban(prefix: try BanPrefix(text), seconds: seconds)])
    }

    static func unban(_ text: String) throws -> FirewallChanges { FirewallChanges(unbans: [try BanPrefix(text)]) }

    /// 10.128.0.0 and on.
    static func many(_ count: Int, seconds: UInt32 = 600) throws -> FirewallChanges {
        FirewallChanges(
            bans: try (0..<count).map {
                Ban(prefix: try BanPrefix("10.128.\($0 >> 8).\($0 & 255)"), seconds: seconds)
            })
    }
}
