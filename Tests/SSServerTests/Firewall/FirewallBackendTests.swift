import SSCommon
import SSServerCore
import Testing

@testable import ssserver

@Suite("Firewalls", .enabled(if: canMakeNamespaces))
struct FirewallTests {
    @Suite("Every firewall")
    struct Backends {}
}

extension FirewallTests.Backends {
    @Test(
        "Who is banned gets no answer, whoever is beside gets one", .timeLimit(.minutes(1)),
        arguments: Firewall.allCases)
    func drops(firewall: Firewall) async throws {
        let rig = try FirewallRig(cable: true)
        let listener = try NamespaceSocket.listener(rig.server)
        defer { withExtendedLifetime(listener) {} }
        var backend = try rig.backend(firewall)
        try backend.prepare()
        #expect(try backend.held() == Held())
        #expect(try await rig.answers("10.77.0.2"))
        #expect(try await rig.answers("fd77::2"))

        try backend.apply(.ban("10.77.0.2"))
        try backend.apply(.ban("fd77::2"))
        #expect(try backend.held() == Held(bans: rig.prefixes("10.77.0.2", "fd77::/64")))
        #expect(try await rig.ignores("10.77.0.2"))
        #expect(try await rig.answers("10.77.0.3"))
        // The whole /64, and no more.
        #expect(try await rig.ignores("fd77::2"))
        #expect(try await rig.ignores("fd77::3"))
        #expect(try await rig.answers("fd77:0:0:1::2"))

        try backend.apply(.unban("10.77.0.2"))
        try backend.apply(.unban("fd77::"))
        #expect(try backend.held() == Held())
        #expect(try await rig.answers("10.77.0.2"))
        #expect(try await rig.answers("fd77::2"))
    }

    @Test("A network is banned as a whole", .timeLimit(.minutes(1)), arguments: Firewall.allCases)
    func networks(firewall: Firewall) async throws {
        let rig = try FirewallRig(cable: true)
        let listener = try NamespaceSocket.listener(rig.server)
        defer { withExtendedLifetime(listener) {} }
        var backend = try rig.backend(firewall)
        try backend.prepare()
        // One within another, whichever came first.
        for prefix in ["10.77.0.2/31", "10.77.0.0/30", "10.77.0.0/29", "10.77.0.2", "10.77.0.3"] {
            try backend.apply(.ban(prefix))
        }
        for prefix in ["fd77:0:0:0::/56", "fd77::/48"] { try backend.apply(.ban(prefix)) }
        #expect(try await rig.ignores("10.77.0.2"))
        #expect(try await rig.ignores("10.77.0.4"))
        #expect(try await rig.ignores("fd77:0:0:1::2"))
        for prefix in ["10.77.0.0/29", "fd77::/48"] { try backend.apply(.unban(prefix)) }
        #expect(try await rig.ignores("10.77.0.2"))
        #expect(try await rig.answers("10.77.0.4"))
        #expect(try await rig.ignores("fd77:0:0:1::2"))
        try backend.apply(.unban("10.77.0.2/31"))
        #expect(
            try backend.held()
                == Held(bans: rig.prefixes("10.77.0.0/30", "10.77.0.2", "10.77.0.3", "fd77::/56")))
    }

    @Test("A ban ends by itself, and a later one counts", .timeLimit(.minutes(1)), arguments: Firewall.allCases)
    func ends(firewall: Firewall) async throws {
        let rig = try FirewallRig(cable: true)
        let listener = try NamespaceSocket.listener(rig.server)
        defer { withExtendedLifetime(listener) {} }
        var backend = try rig.backend(firewall)
        try backend.prepare()
        try backend.apply(.ban("10.77.0.2", seconds: 1))
        try backend.apply(.ban("10.77.0.3", seconds: 1))
        try backend.apply(.ban("fd77::", seconds: 1))
        try backend.apply(.ban("10.77.0.3", seconds: 600))
        try backend.apply(.ban("10.77.0.4", seconds: 600))
        try backend.apply(.ban("10.77.0.4", seconds: 1))
        #expect(try backend.held().bans.isSuperset(of: rig.prefixes("10.77.0.2", "10.77.0.3", "fd77::/64")))
        try await Task.sleep(for: .seconds(2.2))
        // Before anybody has looked again.
        #expect(try await rig.answers("10.77.0.2"))
        #expect(try await rig.answers("fd77::2"))
        #expect(try await rig.ignores("10.77.0.3"))
        #expect(try await rig.answers("10.77.0.4"))
        #expect(try backend.held() == Held(bans: rig.prefixes("10.77.0.3")))
    }

    @Test("Only the ports that are named are closed", .timeLimit(.minutes(1)), arguments: Firewall.allCases)
    func ports(firewall: Firewall) async throws {
        let rig = try FirewallRig(cable: true)
        let listeners = try [NamespaceSocket.listener(rig.server), NamespaceSocket.listener(rig.server, port: 22)]
        defer { withExtendedLifetime(listeners) {} }
        // More than one match of iptables can take.
        var backend = try rig.backend(firewall, ports: Array(9000..<9020) + [8388])
        try backend.prepare()
        try backend.apply(.ban("10.77.0.2"))
        #expect(try await rig.ignores("10.77.0.2"))
        #expect(try await rig.answers("10.77.0.2", port: 22))
        #expect(try backend.held().isWhole)
        var other = try rig.backend(firewall, ports: [22])
        #expect(try !other.held().isWhole)
        try other.prepare()
        #expect(try await rig.answers("10.77.0.2"))
        #expect(try await rig.ignores("10.77.0.2", port: 22))
        #expect(try other.held() == Held(bans: rig.prefixes("10.77.0.2")))
    }

    @Test("What is not there need not be removed, and the same thing twice is once", arguments: Firewall.allCases)
    func repeated(firewall: Firewall) throws {
        let rig = try FirewallRig()
        var backend = try rig.backend(firewall)
        try backend.prepare()
        try backend.apply(FirewallChanges())
        try backend.apply(.unban("192.0.2.1"))
        try backend.apply(.unban("192.0.2.0/28"))
        try backend.apply(.unban("2001:db8::/56"))
        var changes = try FirewallChanges.many(3)
        changes.bans += changes.bans
        changes.unbans = changes.bans.map(\.prefix)
        try backend.apply(changes)
        try backend.apply(changes)
        // A new program finds the old one's.
        var next = try rig.backend(firewall)
        for _ in 0..<3 { try next.prepare() }
        let bans = Set(changes.bans.map(\.prefix))
        #expect(try next.held() == Held(bans: bans))
        try next.apply(changes)
        #expect(try next.held() == Held(bans: bans))
        let longest = FirewallChanges.Ban(prefix: try BanPrefix("192.0.2.1"), seconds: .max)
        try next.apply(FirewallChanges(bans: [longest]))
        #expect(try next.held().bans.count == 4)
    }

    @Test("How long each goes on is told", arguments: Firewall.allCases)
    func times(firewall: Firewall) throws {
        let rig = try FirewallRig()
        var backend = try rig.backend(firewall)
        try backend.prepare()
        let wanted: [(String, UInt32)] = [
            ("192.0.2.1", 100), ("198.51.100.0/24", 4000), ("2001:db8::/64", 100_000), ("2001:db8:1::/48", 1_000_000),
        ]
        try backend.apply(
            FirewallChanges(bans: wanted.map { .init(prefix: try BanPrefix($0.0), seconds: $0.1) }))
        let bans = try backend.contents().bans
        #expect(bans.count == wanted.count)
        for (text, seconds) in wanted {
            let left = bans[try BanPrefix(text)] ?? nil
            #expect(left.map { $0 <= seconds && $0 + 20 >= seconds } == true, "\(text): \(left as Any)")
        }
    }

    @Test("What the kernel tells of a set may be cut off anywhere")
    func torn() throws {
        func attribute(_ kind: UInt8, _ body: [UInt8]) -> [UInt8] {
            [UInt8(body.count + 4), 0, kind, 0] + body + [UInt8](repeating: 0, count: -body.count & 3)
        }
        let key = attribute(1, attribute(1, [192, 0, 2, 9]))
        let element = attribute(
            1, key + attribute(4, [0, 0, 0, 0, 0, 0, 39, 16]) + attribute(5, [0, 0, 0, 0, 0, 0, 35, 40]))
        let body: [UInt8] = [1, 0, 0, 0] + attribute(1, Array("autoban\0".utf8)) + attribute(3, element + element)
        let message: [UInt8] = [UInt8(16 + body.count), 0, 0, 0, 12, 10, 2, 0, 7, 0, 0, 0, 0, 0, 0, 0] + body
        var seen: [UInt32?] = []
        func read(_ bytes: some Collection<UInt8>) -> NetlinkMessage.Outcome {
            NFTDump.read(Array(bytes)[...], sequence: 7) { key, seconds in
                if NFTDump.prefix(key, of: NFTSet(isIPv6: false, length: 32)).map({ "\($0)" }) == "192.0.2.9" {
                    seen.append(seconds)
                }
            }
        }
        #expect(read(message) == .more && seen == [9, 9])
        for count in 1..<message.count { #expect(read(message[..<count]) == .failure) }
        for place in 0..<message.count {
            for value in 0...255 as ClosedRange<UInt8> {
                var changed = message
                changed[place] = value
                _ = read(changed)
            }
        }
        let end: [UInt8] = [20, 0, 0, 0, 3, 0, 2, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        #expect(read(message + end) == .end)
        // Changed meanwhile; none of ours.
        #expect(read(message[..<6] + [0x12] + message[7...]) == .failure)
        #expect(read(message[..<8] + [8] + message[9...] + end) == .end)
    }

    @Test("What the socket tells is what nft does")
    func dump() throws {
        let rig = try FirewallRig()
        var tool = try rig.backend(.nftables)
        var socket = try rig.backend(.nftablesSocket)
        try tool.prepare()
        var changes = try FirewallChanges.many(3000)
        changes.bans += try ["10.0.0.0/24", "10.0.0.128/25", "2001:db8::/49", "2001:db8:1:1::/64"].map {
            .init(prefix: try BanPrefix($0), seconds: 5000)
        }
        try tool.apply(changes)
        let (one, other) = (try tool.held(), try socket.held())
        let isSame = one == other
        #expect(isSame && one.bans.count == 3004 && one.isWhole)
        try tool.remove()
        #expect(try socket.held() == Held(isWhole: false))
        try socket.prepare()
        #expect(try socket.held() == Held())
    }

    @Test("Ten thousand at once, and again", .timeLimit(.minutes(2)), arguments: Firewall.allCases)
    func many(firewall: Firewall) throws {
        let rig = try FirewallRig()
        var backend = try rig.backend(firewall)
        try backend.prepare()
        let changes = try FirewallChanges.many(10_000)
        let clock = ContinuousClock()
        let first = try clock.measure { try backend.apply(changes) }
        let second = try clock.measure { try backend.apply(changes) }
        let one = try clock.measure { try backend.apply(.ban("192.0.2.9")) }
        var contents = Held()
        let listed = try clock.measure { contents = try backend.held() }
        print("\(firewall.rawValue): 10,000 bans \(first), again \(second), one more \(one), listed \(listed)")
        #expect(contents.isWhole && contents.bans.count == 10_001)
        let isAll = contents.bans.isSuperset(of: changes.bans.map(\.prefix))
        #expect(isAll)
        try backend.apply(FirewallChanges(unbans: Array(contents.bans)))
        let left = try backend.held()
        #expect(left.bans.count == 0 && left.isWhole)
    }

    @Test(
        "What goes on to another machine or into a container is dropped too", .timeLimit(.minutes(1)),
        arguments: Firewall.allCases)
    func forwarded(firewall: Firewall) async throws {
        let rig = try FirewallRig(cable: true)
        let behind = try rig.addMachineBehind()
        let listener = try NamespaceSocket.listener(behind)
        defer { withExtendedLifetime(listener) {} }
        func answers(_ source: String, seconds: Double) async throws -> Bool {
            try await NamespaceSocket.connection(
                rig.client, from: source, to: FirewallRig.behind, port: 8388, seconds: seconds) != nil
        }
        for ports in [[], [8388]] as [[UInt16]] {
            var backend = try rig.backend(firewall, ports: ports)
            try backend.prepare()
            try backend.apply(.ban("10.77.0.2"))
            #expect(try await !answers("10.77.0.2", seconds: 0.25))
            #expect(try await answers("10.77.0.3", seconds: 3))
            try backend.apply(.unban("10.77.0.2"))
            #expect(try await answers("10.77.0.2", seconds: 3))
            try backend.remove()
        }
    }

    @Test(
        "Nobody stays banned because rules of others use what is ours",
        arguments: [Firewall.ipset, .iptables, .iptablesLegacy])
    func usedByOthers(firewall: Firewall) throws {
        let rig = try FirewallRig()
        var backend = try rig.backend(firewall)
        try backend.prepare()
        try backend.apply(.ban("192.0.2.1"))
        try backend.apply(.ban("2001:db8::"))
        try rig.run(firewall, ["iptables", "-N", "MINE"])
        try rig.run(firewall, ["iptables", "-A", "MINE", "-j", "AUTOBAN"])
        if firewall == .ipset {
            try rig.run(
                firewall, ["iptables", "-A", "MINE", "-m", "set", "--match-set", "autoban4", "src", "-j", "DROP"])
        }
        #expect(throws: FirewallFailure.self) { try backend.remove() }
        #expect(try backend.held().bans.isEmpty)
        #expect(try !rig.run(firewall, ["ip6tables", "-S"]).contains("AUTOBAN"))
        try rig.run(firewall, ["iptables", "-F", "MINE"])
        try backend.remove()
        #expect(try !rig.everything(firewall).lowercased().contains("autoban"))
    }

    @Test("Removing takes away all that is ours and nothing else", arguments: Firewall.allCases)
    func removal(firewall: Firewall) throws {
        let rig = try FirewallRig()
        let others = """
            *filter
            :MINE - [0:0]
            -A INPUT -s 192.0.2.77/32 -j DROP
            -A MINE -j ACCEPT
            COMMIT

            """
        if firewall == .nftables || firewall == .nftablesSocket {
            try rig.run(
                .nftables, ["nft", "-f", "-"],
                input: "table inet mine { chain c { accept; }; set s { type ipv4_addr; }; }\n")
        } else {
            try rig.run(firewall, ["iptables-restore"], input: others)
        }
        let before = try rig.everything(firewall)
        var backend = try rig.backend(firewall)
        try backend.remove()
        try backend.prepare()
        try backend.apply(.ban("192.0.2.1"))
        try backend.apply(.ban("2001:db8::/56"))
        #expect(try rig.everything(firewall) != before)
        try backend.remove()
        #expect(try rig.everything(firewall) == before)
        try backend.remove()
        #expect(try rig.everything(firewall) == before)
        // And it can begin anew.
        try backend.prepare()
        try backend.apply(.ban("192.0.2.1"))
        #expect(try backend.held() == Held(bans: rig.prefixes("192.0.2.1")))
    }
}

extension FirewallRig {
    /// Whether the server answers a connection from there; the other end's address may have to be found first.
    func answers(_ source: String, port: UInt16 = 8388) async throws -> Bool {
        try await connect(source, port, seconds: 3)
    }

    /// Whether nothing at all comes back.
    func ignores(_ source: String, port: UInt16 = 8388) async throws -> Bool {
        try await !connect(source, port, seconds: 0.25)
    }

    private func connect(_ source: String, _ port: UInt16, seconds: Double) async throws -> Bool {
        let target = source.contains(":") ? "fd77::1" : "10.77.0.1"
        return try await NamespaceSocket.connection(client, from: source, to: target, port: port, seconds: seconds)
            != nil
    }

    /// All rules of the server's side, without what is counted.
    func everything(_ firewall: Firewall) throws -> String {
        switch firewall {
        case .nftables, .nftablesSocket: try run(.nftables, ["nft", "-s", "list", "ruleset"])
        case .ipset, .iptables, .iptablesLegacy:
            try run(firewall, ["iptables", "-S"]) + run(firewall, ["ip6tables", "-S"])
                + run(.ipset, ["ipset", "list", "-n"])
        }
    }
}
