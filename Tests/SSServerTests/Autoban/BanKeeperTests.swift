import GRDB
import NIOConcurrencyHelpers
import SSCommon
import SSNetwork
import SSServerCore
import Testing

@testable import ssserver

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite("Bans while autoban runs")
struct BanKeeperTests: BanKeeping {
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
            #expect(keeper.end(position: nil, removesRules: false, now: Self.start))
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
        try onKeeper { keeper, firewall, again in
            try fail(keeper, "198.18.0.1")
            firewall.bans = [:]
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

    @Test func `whoever is told to be ignored after he was banned is let go at the start`() throws {
        try onKeeper(laterIgnored: ["198.18.0.1"]) { keeper, firewall, again in
            try fail(keeper, "198.18.0.1")
            try fail(keeper, "198.18.0.2")
            let (second, other) = try again()
            other.bans = firewall.bans
            try second.begin(now: Self.start + 10)
            #expect(Set(other.bans.keys) == [try BanPrefix("198.18.0.2")])
            #expect(second.overview(now: Self.start + 10).bans.map { "\($0.prefix)" } == ["198.18.0.2"])
            // And it stays so.
            second.tick(position: nil, now: Self.start + 11)
            let (third, last) = try again()
            try third.begin(now: Self.start + 12)
            #expect(Set(last.bans.keys) == [try BanPrefix("198.18.0.2")])
        }
    }

    @Test func `a clock that is set back neither makes a ban longer nor stops anything`() throws {
        try onKeeper { keeper, firewall, again in
            try fail(keeper, "198.18.0.1")
            try fail(keeper, "198.18.0.2", times: 2)
            let day: UnixSeconds = 86_400
            keeper.tick(position: nil, now: Self.start + 1)
            keeper.tick(position: nil, now: Self.start - 100 * day)
            let ban = try #require(keeper.overview(now: Self.start - 100 * day).bans.first)
            #expect(ban.left(Int64(Self.start - 100 * day)) == 99 && ban.seconds == 100)
            // What was counted by the other clock does not count.
            try fail(keeper, "198.18.0.2", times: 1, at: Self.start - 100 * day)
            #expect(firewall.bans.count == 1)
            // It is still looked after.
            firewall.bans = [:]
            keeper.tick(position: nil, now: Self.start - 100 * day + 61)
            #expect(firewall.bans == [try BanPrefix("198.18.0.1"): 38])
            try fail(keeper, "198.18.0.3", at: Self.start - 100 * day + 200)
            #expect(keeper.overview(now: Self.start - 100 * day + 200).bans.map { "\($0.prefix)" } == ["198.18.0.3"])
            // So it is stored, and after a restart with a clock that is further back.
            let (second, other) = try again()
            try second.begin(now: Self.start - 300 * day)
            // What was over is over.
            #expect(other.bans == [try BanPrefix("198.18.0.3"): 100])
        }
    }

    @Test func `a ban that is over does not come back when the clock is set back`() throws {
        try onKeeper { keeper, firewall, again in
            let (over, lasting) = (try BanPrefix("198.18.0.1"), try BanPrefix("198.18.0.2"))
            _ = try keeper.order(over, seconds: 70, reason: "", now: Self.start)
            _ = try keeper.order(lasting, seconds: 10_000, reason: "", now: Self.start)
            firewall.bans[over] = nil
            keeper.tick(position: nil, now: Self.start + 80)
            // Over three hours, and none of them is there.
            for seconds in [UnixSeconds(0), 1, 62] { keeper.tick(position: nil, now: Self.start - 10_800 + seconds) }
            #expect(firewall.bans.keys.contains(lasting) && firewall.bans[over] == nil)
            #expect(keeper.overview(now: Self.start - 10_738).bans.map(\.prefix) == [lasting])
            #expect(keeper.overview(now: Self.start - 10_738).bans.first?.left(Int64(Self.start) - 10_738) == 9858)
            _ = keeper.end(position: nil, removesRules: true, now: Self.start - 10_700)
            // A start on a machine whose clock nobody has set yet, and then somebody does.
            let (second, other) = try again()
            try second.begin(now: 1000)
            #expect(other.bans == [lasting: 9820])
            second.tick(position: nil, now: 1010)
            second.tick(position: nil, now: Self.start)
            second.tick(position: nil, now: Self.start + 61)
            // Ten seconds by the one clock and 61 by the other.
            #expect(other.bans == [lasting: 9749])
            #expect(second.overview(now: Self.start + 61).bans.map(\.prefix) == [lasting])
            // By that clock it is stored.
            let (third, last) = try again()
            try third.begin(now: Self.start + 100)
            #expect(last.bans == [lasting: 9710])
        }
    }

    @Test(arguments: [false, true])
    func `what was ended by command does not come of lines that are read again after a crash`(all: Bool) throws {
        try onKeeper { keeper, _, again in
            keeper.tick(position: nil, now: Self.start)
            try fail(keeper, "198.18.0.1", at: Self.start + 1)
            // It is killed before the position is stored, and nobody but the command runs.
            let (command, firewall) = try again()
            try command.begin(now: Self.start + 10, isLooking: true)
            firewall.bans = [try BanPrefix("198.18.0.1"): 90]
            if all {
                #expect(try command.liftAll(now: Self.start + 10) == 1)
            } else {
                try command.lift(try BanPrefix("198.18.0.1"), now: Self.start + 10)
            }
            let (next, other) = try again()
            try next.begin(now: Self.start + 20)
            func read(_ time: UnixSeconds, _ ahead: Int64?) throws {
                let stamp = LogTime(seconds: Int64(time), offset: 0).text.prefix(19)
                let line = "\(stamp) ERROR    can not parse header when handling connection from 198.18.0.1:1"
                next.countsByTime(ahead: ahead)
                try next.read(now: Self.start + 20) { each throws(UnreadableLog) in
                    for _ in 0..<3 { each(Array(line.utf8).span.bytes) }
                }
                next.tick(position: nil, now: Self.start + 20)
            }
            try read(Self.start + 1, 0)
            #expect(other.bans.isEmpty)
            // What comes since counts.
            try read(Self.start + 15, 0)
            #expect(other.bans.count == 1)
        }
    }

    @Test func `a ban that the firewall takes later is told of then; an order that it does not take is none`() throws {
        let log = try LogSink(.file("/dev/null"))
        defer { log.close() }
        let told = NIOLockedValueBox<[BanPrefix]>([])
        let engine = BanEngine(BanRules(), BanTerms(), exemptions: BanExemptions(ignored: []), year: 2026)
        let firewall = FakeFirewall()
        let keeper = BanKeeper(
            engine, firewall, nil, nil, log: log, onBan: { ban in told.withLockedValue { $0.append(ban.prefix) } })
        try keeper.begin(now: Self.start)
        let (one, other) = (try BanPrefix("198.18.0.1"), try BanPrefix("198.18.0.2"))
        firewall.isRefusing = true
        try fail(keeper, "198.18.0.1")
        #expect(throws: BanKeeper.OrderFault.self) {
            try keeper.order(other, seconds: 60, reason: "", now: Self.start)
        }
        #expect(told.withLockedValue { $0 } == [])
        firewall.isRefusing = false
        keeper.tick(position: nil, now: Self.start + 6)
        keeper.tick(position: nil, now: Self.start + 12)
        #expect(told.withLockedValue { $0 } == [one])
        #expect(Set(firewall.bans.keys) == [one])
        // What there was before the order stays.
        firewall.isRefusing = true
        #expect(throws: BanKeeper.OrderFault.self) {
            try keeper.order(one, seconds: 86_400, reason: "", now: Self.start + 20)
        }
        #expect(keeper.overview(now: Self.start + 20).bans.map(\.seconds).allSatisfy { $0 < 1000 })
        #expect(keeper.overview(now: Self.start + 20).bans.map(\.prefix) == [one])
    }

    @Test func `a file may be of any time`() throws {
        let folder = LogFolder()
        let line = "2026-11-21 02:50:09 ERROR    y\n"
        for (seconds, name) in [(10_413_792_000, "log.1"), (-10_413_792_000, "log.2"), (10_413_792_001, "log")] {
            folder.write(line, to: name)
            var times = [timespec(tv_sec: seconds, tv_nsec: 0), timespec(tv_sec: seconds, tv_nsec: 999_999_999)]
            #expect(utimensat(AT_FDCWD, folder[name], &times, 0) == 0)
        }
        #expect(LogClock.ahead(of: folder["log"]) == nil)
        var status = stat()
        #expect(stat(folder["log"], &status) == 0)
        #expect(
            LogSiblings(path: folder["log"]).file(at: LogPosition(FileIdentity(status)), besides: [], current: nil)
                == nil)
    }

    @Test func `who is banned with others is said to be, and not let go by himself`() throws {
        try onKeeper { keeper, _, _ in
            let network = try BanPrefix("203.0.113.0/24")
            _ = try keeper.order(network, seconds: 60, reason: "", now: Self.start)
            let one = try BanPrefix("203.0.113.7")
            let why = BanText.reasons(
                try #require(
                    JSONDocument(
                        Array(
                            BanDocument.reasons(keeper.reasons(one, now: Self.start), one, now: Self.start).text.utf8),
                        path: "x"
                    ).root))
            #expect(why.hasPrefix("203.0.113.7 is banned for another 1 min as part of 203.0.113.0/24"), "\(why)")
            do throws(BanKeeper.OrderFault) {
                try keeper.lift(one, now: Self.start)
                Issue.record("let go")
            } catch {
                #expect(BanRoutes.failure(error).message == "it is banned as part of 203.0.113.0/24; end that ban")
            }
            #expect(keeper.overview(now: Self.start).bans.count == 1)
        }
    }

    @Test func `what only the firewall knows of can be ended, and nothing is begun at the end`() throws {
        try onKeeper { keeper, firewall, _ in
            let one = try BanPrefix("203.0.113.7")
            firewall.bans[one] = 5
            try keeper.lift(one, now: Self.start)
            #expect(firewall.bans.isEmpty)
            #expect(keeper.end(position: nil, removesRules: true, now: Self.start))
            do throws(BanKeeper.OrderFault) {
                _ = try keeper.order(one, seconds: 60, reason: "", now: Self.start)
                Issue.record("banned")
            } catch {
                #expect(BanRoutes.failure(error).message == "autoban is just starting or ending; try again")
            }
            try keeper.reconcile(now: Self.start + 100)
            #expect(firewall.bans.isEmpty && !firewall.isWhole)
        }
    }

    @Test func `a failure that is over is no longer told of`() throws {
        try onKeeper { keeper, firewall, _ in
            firewall.isRefusing = true
            try fail(keeper, "198.18.0.1")
            firewall.isRefusing = false
            keeper.tick(position: nil, now: Self.start + 200)
            #expect(keeper.overview(now: Self.start + 200).failure == nil)
        }
    }

    @Test func `where a log was read up to is known from the first moment on`() throws {
        try onKeeper { keeper, _, again in
            #expect(keeper.follow("/log") == .unknown)
            keeper.tick(position: nil, now: Self.start)
            let (second, _) = try again()
            #expect(second.follow("/log") == .wasMissing)
            let first = LogPosition(FileIdentity(device: 3, inode: 4), offset: 0)
            second.tick(position: first, now: Self.start + 1)
            let (third, _) = try again()
            #expect(third.follow("/log") == .position(first))
            // With lines the position waits for what they say.
            let later = LogPosition(FileIdentity(device: 3, inode: 4), offset: 100, fingerprint: [1])
            try fail(third, "198.18.0.1", times: 1)
            third.tick(position: later, now: Self.start + 2)
            #expect(try again().0.follow("/log") == .position(later))
            try fail(third, "198.18.0.1", times: 1)
            third.tick(position: first, now: Self.start + 3)
            #expect(try again().0.follow("/log") == .position(later))
            #expect(third.follow("-") == .unknown)
        }
    }

    @Test func `rows that nobody can have written are passed over`() throws {
        let folder = LogFolder()
        let path = folder["autoban.sqlite"]
        let store = try BanStore(path: path)
        let rows = [
            "('198.18.0.1', 'abc', 1800000100, 1, NULL, NULL, '', '')",
            "(NULL, 1800000000, 1800000100, 1, NULL, NULL, '', '')",
            "('198.18.0.2', 1800000000, 9223372036854775807, 1, NULL, NULL, '', '')",
            "('198.18.0.3', -9223372036854775808, 9223372036854775807, 1, NULL, NULL, '', '')",
            "('198.18.0.4', 1800000000, 1799999999, 1, NULL, NULL, '', '')",
            "('nobody', 1800000000, 1800000100, 1, NULL, NULL, '', '')",
            "('10.0.0.0/8', 1800000000, 1800000100, 1, NULL, NULL, '', '')",
            "('198.18.0.5', 1800000000, 1800000100, 9223372036854775807, 'x', -5, x'00ff', 7)",
            "('198.18.0.6', 1800000000, 1800000100, -3, 4, 5, 'r', 'a' || char(10) || 'b')",
        ]
        for row in rows { try Self.execute(path, "INSERT INTO ban VALUES \(row)") }
        try Self.execute(path, "INSERT INTO state VALUES ('ledger', x'ff'), ('backend', 5)")
        let bans = try store.load()
        #expect(bans.map { "\($0.prefix) \($0.count)" }.sorted() == ["198.18.0.5 64", "198.18.0.6 1"])
        #expect(try store.load(BanPrefix("198.18.0.6"))?.lines == ["a", "b"])
        #expect(try store.latest(5, now: Self.start).count == 2)
        let log = try LogSink(.file("/dev/null"))
        defer { log.close() }
        let engine = BanEngine(BanRules(), BanTerms(), exemptions: BanExemptions(ignored: []), year: 2026)
        let keeper = BanKeeper(engine, FakeFirewall(), store, nil, log: log)
        try keeper.begin(now: Self.start)
        keeper.tick(position: nil, now: Self.start + 1)
        #expect(keeper.overview(now: Self.start).bans.count == 2)
    }

    private static func execute(_ path: String, _ sql: String) throws {
        try DatabaseQueue(path: path).write { try $0.execute(sql: sql) }
    }

    @Test func `those that end last are remembered, and the others thrown away`() throws {
        let folder = LogFolder()
        let store = try BanStore(path: folder["autoban.sqlite"])
        let bans = try (0..<(BanBook.maximum + 3)).map { number in
            StoredBan(
                ban: Ban(
                    try BanPrefix("10.\(number >> 16).\(number >> 8 & 255).\(number & 255)"), since: Int64(number),
                    until: Int64(number) + 100, count: 1), lines: [])
        }
        try store.save(bans)
        try store.trim()
        let loaded = try store.load()
        #expect(loaded.count == BanBook.maximum && loaded.map(\.since).min() == 3)
        try store.retime([bans[5].ban])
        #expect(try store.load(bans[0].ban.prefix) == nil)
    }

    @Test func `all bans are ended, those too that nobody knows of`() throws {
        try onKeeper { keeper, firewall, _ in
            try fail(keeper, "198.18.0.1")
            firewall.bans[try BanPrefix("198.18.0.2")] = 5
            #expect(try keeper.liftAll(now: Self.start) == 1)
            #expect(firewall.bans.isEmpty)
            #expect(keeper.end(position: nil, removesRules: true, now: Self.start))
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
        let text = Array(sockets.joined(separator: "\n").utf8)
        #expect(MachineSurroundings.connections(text, at: [22]) == [1, 2, 4, 5].map { sockets[$0] })
        #expect(MachineSurroundings.connections(text, at: [443]) == [sockets[3]])
        #expect(MachineSurroundings.connections(Array("::\n0:\n  1: A:00".utf8), at: [22]).isEmpty)
        let listening: [Substring] = [
            "ListenAddress 0.0.0.0:2022", "ListenAddress [::]:2023", "ListenAddress ::", "ListenAddress 192.0.2.1",
            "ListenStream=2024", "ListenStream=[::]:2025",
        ]
        #expect(MachineSurroundings.sshPorts(listening) == [22, 2022, 2023, 2024, 2025])
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
