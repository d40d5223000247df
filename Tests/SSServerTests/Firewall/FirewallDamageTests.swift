import SSServerCore
import Testing

@testable import ssserver

/// What others do to a firewall behind our back.
enum Damage: String, CaseIterable, Sendable {
    case flushRuleset = "nft flush ruleset"
    case deleteTable = "nft delete table inet autoban"
    case flushTable = "nft flush table inet autoban"
    case flushChain = "nft flush chain inet autoban prerouting"
    case deleteChain = "nft delete chain inet autoban prerouting"
    case flushSet = "nft flush set inet autoban v4_32"
    case addRule = "nft insert rule inet autoban prerouting accept"
    case acceptInOurName = "nft insert rule inet autoban prerouting accept comment v4_32"
    case switchOff = "nft add table inet autoban {flags dormant;}"
    case flushINPUT = "iptables -F INPUT"
    case acceptBefore = "iptables -I INPUT -p tcp --dport 8388 -j ACCEPT"
    case forwardBefore = "iptables -I FORWARD -j ACCEPT"
    case flushAll = "iptables -F"
    case flushAUTOBAN = "iptables -F AUTOBAN"
    case appendToAUTOBAN = "iptables -I AUTOBAN -j RETURN"
    case secondJump = "iptables -A INPUT -j AUTOBAN"
    case flushIPv6 = "ip6tables -F"
    case flushSets = "ipset flush"

    static func of(_ firewall: Firewall) -> [Damage] {
        let iptables: [Damage] = [
            .flushINPUT, .flushAll, .flushAUTOBAN, .appendToAUTOBAN, .secondJump, .flushIPv6, .acceptBefore,
            .forwardBefore,
        ]
        return switch firewall {
        case .nftables, .nftablesSocket:
            [
                .flushRuleset, .deleteTable, .flushTable, .flushChain, .deleteChain, .flushSet, .addRule,
                .acceptInOurName,
                .switchOff,
            ]
        case .ipset: iptables + [.flushSets]
        case .iptables, .iptablesLegacy: iptables
        }
    }

    var words: [String] { rawValue.split(separator: " ").map(String.init) }

    static let all = Firewall.allCases.flatMap { firewall in of(firewall).map { (firewall, $0) } }
}

extension FirewallTests {
    @Suite("A firewall that others change")
    struct Damages {}
}

extension FirewallTests.Damages {
    @Test("What was damaged is seen, and made whole", .timeLimit(.minutes(1)), arguments: Damage.all)
    func damage(firewall: Firewall, damage: Damage) async throws {
        let rig = try FirewallRig(cable: true)
        let listener = try NamespaceSocket.listener(rig.server)
        defer { withExtendedLifetime(listener) {} }
        var backend = try rig.backend(firewall)
        try backend.prepare()
        var changes = try FirewallChanges.ban("10.77.0.2")
        changes.bans += try FirewallChanges.ban("fd77::").bans
        changes.bans += try FirewallChanges.ban("192.0.2.0/24").bans
        try backend.apply(changes)
        let wanted = try backend.held()
        #expect(wanted.isWhole && wanted.bans.count == 3)

        try rig.run(firewall, damage.words)
        let damaged = try backend.held()
        #expect(!damaged.isWhole || damaged.bans.count < 3)

        // As the program that was running, or as one started anew.
        var next = damage == .addRule ? try rig.backend(firewall) : backend
        if !damaged.isWhole { try next.prepare() }
        let there = try next.held().bans
        let missing = changes.bans.filter { !there.contains($0.prefix) }
        try next.apply(FirewallChanges(bans: missing))
        #expect(try next.held() == wanted)
        #expect(try await rig.ignores("10.77.0.2"))
        #expect(try await rig.answers("10.77.0.3"))
        #expect(try await rig.ignores("fd77::2"))
    }

    @Test("A ban is kept though everything has been taken away before", arguments: Firewall.allCases)
    func unseenDamage(firewall: Firewall) throws {
        let rig = try FirewallRig()
        var backend = try rig.backend(firewall)
        try backend.prepare()
        try backend.apply(.ban("192.0.2.1"))
        var other = try rig.backend(firewall)
        try other.remove()
        try backend.apply(.ban("192.0.2.2"))
        try backend.apply(.ban("198.51.100.0/24"))
        let contents = try backend.held()
        let wanted = try rig.prefixes("192.0.2.2", "198.51.100.0/24")
        #expect(contents.isWhole && contents.bans.isSuperset(of: wanted))
    }

    @Test("Two programs of ours take nothing away from each other", arguments: Firewall.allCases)
    func two(firewall: Firewall) throws {
        let rig = try FirewallRig()
        var (first, second) = (try rig.backend(firewall), try rig.backend(firewall))
        try first.prepare()
        try second.prepare()
        try first.apply(.ban("192.0.2.0/28"))
        try second.apply(.ban("198.51.100.0/24"))
        try first.apply(.unban("198.51.100.0/24"))
        let expected = Held(bans: try rig.prefixes("192.0.2.0/28"))
        #expect(try first.held() == expected)
        #expect(try second.held() == expected)
    }

    @Test("Something of another kind under one of our names gives way")
    func otherKind() throws {
        let rig = try FirewallRig()
        try rig.run(
            .nftables, ["nft", "-f", "-"],
            input: "table inet autoban { set v4_32 { type ipv6_addr; }; chain prerouting { }; }\n")
        var nftables = try rig.backend(.nftables)
        #expect(try !nftables.held().isWhole)
        try nftables.prepare()
        try nftables.apply(.ban("192.0.2.1"))
        #expect(try nftables.held() == Held(bans: rig.prefixes("192.0.2.1")))

        try rig.run(.ipset, ["ipset", "create", "autoban4", "hash:ip"])
        var ipset = try rig.backend(.ipset)
        #expect(try !ipset.held().isWhole)
        try ipset.prepare()
        try ipset.apply(.ban("192.0.2.1"))
        #expect(try ipset.held() == Held(bans: rig.prefixes("192.0.2.1")))
    }

    @Test("Where the kernel has no clock for rules, they are cleared away when they are over")
    func withoutClock() async throws {
        let rig = try FirewallRig()
        var backend = try IPTables(tools: rig.tools(), canExpire: false)
        try backend.prepare()
        try backend.apply(.ban("192.0.2.1", seconds: 1))
        try backend.apply(.ban("192.0.2.2"))
        try backend.apply(.ban("2001:db8::", seconds: 1))
        #expect(!backend.expiresByItself)
        #expect(try backend.held().bans.count == 3)
        // One started anew knows when they end.
        var next = try IPTables(tools: rig.tools(), canExpire: false)
        try next.prepare()
        try await Task.sleep(for: .seconds(2.1))
        #expect(try next.held() == Held(bans: rig.prefixes("192.0.2.2")))
        #expect(try !rig.everything(.iptables).contains("192.0.2.1"))
    }
}

extension FirewallTests.Backends {
    @Test("Bans through the socket alone are the same as those through nft")
    func socket() throws {
        let rig = try FirewallRig()
        let elements = NFTElements(adopting: try rig.netfilterSocket())
        var backend = try rig.backend(.nftables)
        let changes = try FirewallChanges.many(NFTElements.capacity)
        let steps = NFTStep.steps(changes, NFTables.usual)
        // There is no table yet; and what has failed leaves nothing behind for the next answer.
        #expect(!elements.apply(steps) && !elements.apply(steps))
        try backend.prepare()
        #expect(elements.apply(steps) && elements.apply(steps))
        #expect(elements.apply(NFTStep.steps(try .ban("2001:db8:1:2::"), NFTables.usual)))
        #expect(try backend.held().bans.count == NFTElements.capacity + 1)
        #expect(try rig.run(.nftables, ["nft", "list", "ruleset"]).contains("2001:db8:1:2:: timeout 10m expires"))
        let clock = ContinuousClock()
        var times: [Duration] = []
        for number in 0..<200 {
            let ban = NFTStep.steps(try .ban("198.51.100.\(number)"), NFTables.usual)
            var isDone = false
            times.append(clock.measure { isDone = elements.apply(ban) })
            try #require(isDone)
        }
        print("one ban through the socket: median \(times.sorted()[100]), slowest \(times.max()!)")
        // A part that cannot be done leaves nothing of the rest.
        let address = try BanPrefix("203.0.113.1").address
        let halves = [32, 25].map { length in
            NFTStep(set: NFTSet(isIPv6: false, length: length), elements: [(address, 600)], isBan: true)
        }
        #expect(!elements.apply(halves))
        #expect(try !backend.held().bans.contains(BanPrefix("203.0.113.1")))
    }
}
