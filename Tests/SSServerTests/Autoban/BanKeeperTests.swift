import SSCommon
import SSNetwork
import SSServerCore
import Testing

@testable import ssserver

/// Remembers what it is told, and can refuse or lose it.
private final class FakeFirewall: FirewallBackend {
    let name = "fake"
    var bans: [BanPrefix: UInt32] = [:]
    var isWhole = false
    var isRefusing = false
    var preparations = 0
    var isRemoved = false

    private func check() throws(FirewallFailure) {
        if isRefusing { throw FirewallFailure(text: "it refuses") }
    }

    func prepare() throws(FirewallFailure) {
        try check()
        preparations += 1
        isWhole = true
    }

    func apply(_ changes: FirewallChanges) throws(FirewallFailure) {
        try check()
        for prefix in changes.unbans { bans[prefix] = nil }
        for ban in changes.bans { bans[ban.prefix] = ban.seconds }
    }

    func contents() throws(FirewallFailure) -> FirewallContents {
        try check()
        return FirewallContents(bans: Set(bans.keys), isWhole: isWhole)
    }

    func remove() {
        bans = [:]
        isWhole = false
        isRemoved = true
    }
}

@Suite("Bans while autoban runs")
struct BanKeeperTests {
    private static let start: UnixSeconds = 1_800_000_000

    /// A keeper, its firewall and its file, for the time of `body`.
    private func onKeeper(
        _ body: (BanKeeper, FakeFirewall, _ again: () throws -> (BanKeeper, FakeFirewall)) throws -> Void
    ) throws {
        let directory = LogFolder()
        let log = try LogSink(.file("/dev/null"))
        defer { log.close() }
        func make() throws -> (BanKeeper, FakeFirewall) {
            let engine = BanEngine(
                BanRules(maxRetry: 3, findTime: 600, ratio: 0.8), BanTerms(first: 100, longest: 1000),
                exemptions: BanExemptions(ignored: [IPPrefix("198.51.100.0/24")!]), year: 2026, chance: { 0 })
            let firewall = FakeFirewall()
            let store = try BanStore(path: directory["autoban.sqlite"])
            return (BanKeeper(engine, firewall, store, nil, log: log), firewall)
        }
        let (keeper, firewall) = try make()
        try keeper.begin(now: Self.start)
        try body(keeper, firewall, make)
    }

    private func fail(_ keeper: BanKeeper, _ peer: String, times: Int = 3, at now: UnixSeconds = start) throws {
        let line = "2026-11-21 02:50:02 ERROR    can not parse header when handling connection from \(peer):51234"
        let bytes = Array(line.utf8)
        try keeper.read(now: now) { each throws(UnreadableLog) in for _ in 0..<times { each(bytes.span.bytes) } }
        keeper.settle(now: now)
    }

    @Test func `what is decided is in the firewall, and stored with its lines`() throws {
        try onKeeper { keeper, firewall, again in
            #expect(firewall.isWhole)
            try fail(keeper, "198.18.0.1")
            try fail(keeper, "[2001:db8::1]")
            #expect(firewall.bans == [try BanPrefix("198.18.0.1"): 100, try BanPrefix("2001:db8::/64"): 100])
            #expect(keeper.reasons(try BanPrefix("198.18.0.1"), now: Self.start).lines.count == 3)
            // Another one goes on where this one is.
            let (second, other) = try again()
            try second.begin(now: Self.start + 40)
            #expect(other.bans == [try BanPrefix("198.18.0.1"): 60, try BanPrefix("2001:db8::/64"): 60])
            #expect(second.reasons(try BanPrefix("198.18.0.1"), now: Self.start).lines.count == 3)
        }
    }

    @Test func `who has begun to fail is known after a restart, unless the log is read from its start`() throws {
        try onKeeper { keeper, _, again in
            try fail(keeper, "198.18.0.1", times: 2)
            keeper.end(position: nil, removesRules: false, now: Self.start)
            let (second, firewall) = try again()
            try second.begin(now: Self.start + 10)
            try fail(second, "198.18.0.1", times: 1, at: Self.start + 10)
            #expect(firewall.bans.count == 1)
            let (third, other) = try again()
            try third.begin(now: Self.start + 2000, fromStart: true)
            #expect(third.reasons(try BanPrefix("198.18.0.1"), now: Self.start).account == nil)
            #expect(other.bans.isEmpty)
        }
    }

    @Test func `a firewall that refuses is told again`() throws {
        try onKeeper { keeper, firewall, _ in
            firewall.isRefusing = true
            try fail(keeper, "198.18.0.1")
            #expect(keeper.overview(now: Self.start).failure == "it refuses")
            keeper.tick(position: nil, now: Self.start + 5)
            firewall.isRefusing = false
            keeper.tick(position: nil, now: Self.start + 7)
            #expect(firewall.bans.isEmpty)
            keeper.tick(position: nil, now: Self.start + 10)
            #expect(firewall.bans == [try BanPrefix("198.18.0.1"): 90])
            #expect(keeper.overview(now: Self.start + 10).failure == nil)
        }
    }

    @Test func `once a minute it is seen whether all is there`() throws {
        try onKeeper { keeper, firewall, _ in
            try fail(keeper, "198.18.0.1")
            firewall.bans = [:]
            firewall.isWhole = false
            keeper.tick(position: nil, now: Self.start + 59)
            #expect(firewall.bans.isEmpty && firewall.preparations == 1)
            keeper.tick(position: nil, now: Self.start + 60)
            #expect(firewall.bans == [try BanPrefix("198.18.0.1"): 40] && firewall.preparations == 2)
            // What is over is not put back.
            firewall.bans = [:]
            keeper.tick(position: nil, now: Self.start + 130)
            #expect(firewall.bans.isEmpty)
        }
    }

    @Test func `a ban is stored until it no longer counts`() throws {
        try onKeeper { keeper, _, again in
            try fail(keeper, "198.18.0.1")
            // A hundred seconds, and twice as many.
            keeper.tick(position: nil, now: Self.start + 299)
            #expect(keeper.reasons(try BanPrefix("198.18.0.1"), now: Self.start).ban != nil)
            keeper.tick(position: nil, now: Self.start + 300)
            keeper.tick(position: nil, now: Self.start + 301)
            let (second, _) = try again()
            try second.begin(now: Self.start)
            #expect(second.overview(now: Self.start).bans.isEmpty)
        }
    }

    @Test func `orders are carried out, or it is said why not`() throws {
        try onKeeper { keeper, firewall, _ in
            let network = try BanPrefix("203.0.113.0/24")
            let ban = try keeper.order(network, seconds: 60, reason: "scans", now: Self.start)
            #expect(ban.seconds == 60 && firewall.bans == [network: 60])
            try keeper.lift(network, now: Self.start)
            #expect(firewall.bans.isEmpty)
            func fault(_ body: () throws(BanKeeper.OrderFault) -> Void) -> String {
                do throws(BanKeeper.OrderFault) {
                    try body()
                    return "none"
                } catch {
                    return BanRoutes.failure(error).message
                }
            }
            #expect(
                fault { () throws(BanKeeper.OrderFault) in try keeper.lift(network, now: Self.start) }
                    == "it is not banned")
            let exempt = fault { () throws(BanKeeper.OrderFault) in
                _ = try keeper.order(try! BanPrefix("198.51.100.7"), seconds: nil, reason: "", now: Self.start)
            }
            #expect(exempt == "it is never banned: it is told to be ignored")
            firewall.isRefusing = true
            let refused = fault { () throws(BanKeeper.OrderFault) in
                _ = try keeper.order(network, seconds: nil, reason: "", now: Self.start)
            }
            #expect(refused == "it refuses")
        }
    }

    @Test func `all bans are ended, those too that nobody knows of`() throws {
        try onKeeper { keeper, firewall, _ in
            try fail(keeper, "198.18.0.1")
            firewall.bans[try BanPrefix("198.18.0.2")] = 5
            #expect(try keeper.liftAll(now: Self.start) == 1)
            #expect(firewall.bans.isEmpty)
            keeper.end(position: nil, removesRules: true, now: Self.start)
            #expect(firewall.isRemoved)
        }
    }

    // MARK: What it must not ban

    @Test func `gateways, name servers and logins are found where the system says them`() {
        let routes: [Substring] = [
            "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
            "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0",
            "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0",
        ]
        #expect(MachineSurroundings.gateways4(routes).map { "\($0)" } == ["192.0.2.1"])
        let zero = String(repeating: "0", count: 32)
        let wide: [Substring] = [
            "\(zero) 00 \(zero) 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 eth0",
            "\(zero) 00 \(zero) 00 \(zero) ffffffff 00000001 00000000 00200200 lo",
        ]
        #expect(MachineSurroundings.gateways6(wide).map { "\($0)" } == ["fe80::1"])
        let names: [Substring] = [
            "# nameserver 9.9.9.9", "nameserver 1.1.1.1", "search x", "nameserver fe80::53%eth0", "nameserver",
        ]
        #expect(MachineSurroundings.nameservers(names).map { "\($0)" } == ["1.1.1.1", "fe80::53"])
        #expect(MachineSurroundings.sshPorts(["#Port 99", "Port 2222", "port=2200", "Port x"]) == [22, 2222, 2200])
        let sockets: [Substring] = [
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
            "   0: 0100007F:0016 097100CB:C822 01 00000000:00000000 00:00000000 00000000     0        0 1",
            "   1: 0100007F:0016 0A7100CB:C822 06 00000000:00000000 00:00000000 00000000     0        0 1",
            "   2: 0100007F:01BB 0B7100CB:C822 01 00000000:00000000 00:00000000 00000000     0        0 1",
            "   3: 00000000000000000000000001000000:0016 B80D0120000000000000000007000000:C822 01 0:0 0:0 0 0 0 1",
            "   4: 00000000000000000000000001000000:0016 0000000000000000FFFF00000C7100CB:C822 01 0:0 0:0 0 0 0 1",
        ]
        let peers = sockets.compactMap { MachineSurroundings.peer($0, at: [22]) }
        #expect(peers.map { "\($0)" } == ["203.0.113.9", "2001:db8::7", "203.0.113.12"])
    }

    @Test func `the clock of a log is that of its last line`() {
        let text = "2026-11-21 02:50:02 INFO     x\nTraceback\n2026-11-21 02:50:09 ERROR    y\n  no time\n"
        #expect(LogClock.lastStamp(Array(text.utf8)[...])?.description == "2026-11-21T02:50:09")
        #expect(LogClock.lastStamp([]) == nil)
    }

    @Test func `a position is a line of text`() {
        let position = LogPosition(FileIdentity(device: 3, inode: 4), offset: 500, fingerprint: [0, 10, 255])
        #expect(LogPosition(text: position.text) == position)
        for text in ["", "1 2 3", "1 2 3 x 5", "a 2 3 AAAA", "1 2 3 !"] { #expect(LogPosition(text: text) == nil) }
    }

    @Test(arguments: [
        (0, "0 s"), (59, "59 s"), (60, "1 min"), (119, "1 min"), (3600, "1 h"), (7500, "2 h 5 min"),
        (90_000, "1 d 1 h"),
    ])
    func `times are told in words`(seconds: Int, words: String) {
        #expect(BanText.time(seconds) == words)
    }
}
