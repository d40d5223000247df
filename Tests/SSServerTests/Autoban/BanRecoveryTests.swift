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

@Suite("Bans that were lost, ended or changed elsewhere")
struct BanRecoveryTests: BanKeeping {
    /// A keeper whose store can be opened only once it is told so.
    private func onLateStore(
        _ stored: [StoredBan],
        _ body: (BanKeeper, FakeFirewall, _ path: String, _ open: () -> Void) throws -> Void
    ) throws {
        let folder = LogFolder()
        let path = folder["autoban.sqlite"]
        try BanStore(path: path).save(stored)
        let log = try LogSink(.file("/dev/null"))
        defer { log.close() }
        let isOpen = NIOLockedValueBox(false)
        let engine = BanEngine(
            BanRules(maxRetry: 3, findTime: 600, ratio: 0.8), BanTerms(first: 100, longest: 1000),
            exemptions: BanExemptions(ignored: [IPPrefix("198.51.100.0/24")].compactMap(\.self)), year: 2026,
            chance: { 0 })
        let firewall = FakeFirewall()
        let keeper = BanKeeper(
            engine, firewall, nil, nil, log: log,
            reopen: { isOpen.withLockedValue { $0 } ? try? BanStore(path: path) : nil })
        try body(keeper, firewall, path) { isOpen.withLockedValue { $0 = true } }
    }

    private static func stored(
        _ text: String, _ since: Int64 = 0, seconds: Int64 = 1000, count: Int = 2, lines: [String] = ["a", "b"]
    ) throws -> StoredBan {
        let start = Int64(start) + since
        return StoredBan(
            ban: Ban(
                try BanPrefix(text), since: start, until: start + seconds, count: count,
                offence: .init(bad: 4, total: 5)), lines: lines)
    }

    @Test func `bans that only the firewall knows of are known from then on`() throws {
        try onKeeper { keeper, firewall, again in
            let (lost, soon, own) = try (
                BanPrefix("198.18.0.7"), BanPrefix("198.18.0.8"), BanPrefix("198.51.100.1")
            )
            (firewall.bans[lost], firewall.bans[soon], firewall.bans[own]) = (500, 60, 500)
            keeper.tick(position: nil, now: Self.start + 60)
            // Who is never banned comes back at once; who comes back soon is left alone.
            #expect(firewall.bans == [lost: 500, soon: 60])
            let bans = keeper.overview(now: Self.start + 60).bans
            #expect(bans.map(\.prefix) == [lost] && bans.first?.until == Int64(Self.start) + 560)
            #expect(bans.first?.reason == "found in the firewall")
            // It is stored, and can be ended.
            let (second, other) = try again()
            try second.begin(now: Self.start + 70)
            #expect(other.bans == [lost: 490])
            try keeper.lift(lost, now: Self.start + 80)
            #expect(firewall.bans == [soon: 60] && keeper.overview(now: Self.start + 80).bans.isEmpty)
        }
    }

    @Test func `a clock that is set forward ends bans when the firewall does`() throws {
        try onKeeper { keeper, firewall, _ in
            try fail(keeper, "198.18.0.1")
            firewall.bans[try BanPrefix("198.18.0.1")] = 95
            keeper.tick(position: nil, now: Self.start + 150)
            let ban = keeper.overview(now: Self.start + 150).bans.first
            #expect(ban?.until == Int64(Self.start) + 245 && ban?.offence?.bad == 3)
            #expect(keeper.reasons(try BanPrefix("198.18.0.1"), now: Self.start + 150).lines.count == 3)
        }
    }

    @Test func `a start that fails halfway leaves nothing`() throws {
        try onKeeper { _, _, again in
            let (second, other) = try again()
            #expect(throws: BanKeeper.OrderFault.self) {
                try second.order(BanPrefix("198.18.0.1"), seconds: 100, reason: "", now: Self.start)
            }
            try second.begin(now: Self.start)
            _ = try second.order(BanPrefix("198.18.0.1"), seconds: 100, reason: "", now: Self.start)
            let (third, firewall) = try again()
            firewall.failsHalfway = true
            #expect(throws: FirewallFailure.self) { try third.begin(now: Self.start) }
            #expect(firewall.isRemoved)
            // What was in force stays.
            let (fourth, full) = try again()
            full.failsHalfway = true
            full.bans = other.bans
            #expect(throws: FirewallFailure.self) { try fourth.begin(now: Self.start) }
            #expect(!full.isRemoved)
        }
    }

    @Test func `a ban that the firewall does not end stays in the list`() throws {
        try onKeeper { keeper, firewall, _ in
            try fail(keeper, "198.18.0.1")
            firewall.isRefusing = true
            #expect(throws: BanKeeper.OrderFault.self) { try keeper.lift(BanPrefix("198.18.0.1"), now: Self.start) }
            #expect(keeper.overview(now: Self.start).bans.count == 1)
        }
    }

    @Test func `where there is no IPv6 a ban of it is only remembered`() throws {
        try onKeeper { keeper, firewall, _ in
            firewall.hasIPv6 = false
            try fail(keeper, "[2001:db8::1]")
            try fail(keeper, "198.18.0.1")
            #expect(firewall.bans.keys.map(\.isIPv6) == [false])
            let preparations = firewall.preparations
            firewall.bans = [:]
            keeper.tick(position: nil, now: Self.start + 60)
            #expect(firewall.bans.count == 1 && firewall.preparations == preparations)
            #expect(keeper.overview(now: Self.start + 60).bans.count == 2)
        }
    }

    @Test func `whoever has authenticated lately is said to be spared`() throws {
        let log = try LogSink(.file("/dev/null"))
        defer { log.close() }
        let rules = BanRules(maxRetry: 3, findTime: 600, ratio: 0.5, grace: 300)
        let engine = BanEngine(rules, BanTerms(), exemptions: BanExemptions(ignored: []), year: 2026)
        let keeper = BanKeeper(engine, FakeFirewall(), nil, nil, log: log)
        let good = Array("2026-11-21 02:50:01 INFO     connecting a.example:443 from 198.18.0.1:51234".utf8)
        try keeper.read(now: Self.start) { each throws(UnreadableLog) in each(good.span.bytes) }
        try fail(keeper, "198.18.0.1", times: 5)
        let reasons = keeper.reasons(try BanPrefix("198.18.0.1"), now: Self.start + 1)
        #expect(reasons.ban == nil && reasons.isGuest)
        let answer = JSONDocument(
            Array(BanDocument.reasons(reasons, try BanPrefix("198.18.0.1"), now: Self.start).text.utf8), path: "x")
        #expect(
            try BanText.reasons(#require(answer.root)).hasPrefix(
                "198.18.0.1 is not banned: 5 of 6 failed lately; it is spared, for it has authenticated not long ago"))
    }

    @Test func `one autoban has the mark, until it ends`() throws {
        let name = "swift-shadowsocks-test-\(UInt64.random(in: 0 ... .max))"
        var first = try AutobanMark(name: name)
        #expect(first != nil)
        // Nobody is used up by those who ask.
        for _ in 0..<500 {
            let fault = #expect(throws: AutobanMark.Taken.self) { try AutobanMark(name: name) }
            #expect(fault != .stranger)
        }
        var fault: AutobanMark.Taken?
        for _ in 0..<200 where fault != .autoban {
            fault = #expect(throws: AutobanMark.Taken.self) { try AutobanMark(name: name) }
            if fault != .autoban { usleep(10_000) }
        }
        #expect(fault == .autoban)
        first = nil
        // It is let go of in another thread.
        var second: AutobanMark?
        for _ in 0..<200 where second == nil {
            second = try? AutobanMark(name: name)
            if second == nil { usleep(10_000) }
        }
        #expect(second != nil)
    }

    @Test func `what the firewall has for too long, or not for long enough, is set right`() throws {
        try onKeeper { keeper, firewall, _ in
            let (one, other) = (try BanPrefix("198.18.0.1"), try BanPrefix("198.18.0.2"))
            _ = try keeper.order(one, seconds: 70, reason: "", now: Self.start)
            _ = try keeper.order(other, seconds: 100_000, reason: "", now: Self.start)
            // By a clock that was a day ahead; by a tool that cannot be told more.
            (firewall.bans[one], firewall.bans[other]) = (86_400, 125)
            keeper.tick(position: nil, now: Self.start + 60)
            #expect(firewall.bans == [one: 10, other: 125])
            firewall.bans = [other: 65]
            keeper.tick(position: nil, now: Self.start + 120)
            #expect(firewall.bans == [other: 99_880])
        }
    }

    @Test(arguments: [false, true])
    func `what was ended while nothing could be stored stays ended`(all: Bool) throws {
        let stored = try [Self.stored("198.18.0.1"), Self.stored("198.18.0.2")]
        try onLateStore(stored) { keeper, firewall, path, open in
            for ban in stored { firewall.bans[ban.ban.prefix] = 900 }
            try keeper.begin(now: Self.start)
            if all {
                #expect(try keeper.liftAll(now: Self.start) == 2)
                try fail(keeper, "198.18.0.2")
            } else {
                try keeper.lift(BanPrefix("198.18.0.1"), now: Self.start)
            }
            open()
            keeper.tick(position: nil, now: Self.start + 61)
            keeper.tick(position: nil, now: Self.start + 62)
            #expect(keeper.overview(now: Self.start + 62).bans.map { "\($0.prefix)" } == ["198.18.0.2"])
            #expect(try BanStore(path: path).load().map { "\($0.prefix) \($0.count)" } == ["198.18.0.2 \(all ? 1 : 2)"])
        }
    }

    @Test func `a store that cannot be opened at first is taken up later, with what it has`() throws {
        let stored = try [
            Self.stored("198.18.0.9"), Self.stored("198.18.0.1", -150, seconds: 100), Self.stored("198.51.100.7"),
            Self.stored("198.18.0.4"), Self.stored("198.18.0.5", seconds: 100_000),
            Self.stored("198.18.0.6", -100_000, seconds: 100, count: 10),
        ]
        try onLateStore(stored) { keeper, firewall, path, open in
            // Killed before, it has left this one.
            firewall.bans[try BanPrefix("198.18.0.4")] = 900
            try keeper.begin(now: Self.start)
            for host in [1, 5, 6] { try fail(keeper, "198.18.0.\(host)") }
            keeper.tick(position: nil, now: Self.start + 1)
            #expect(!keeper.overview(now: Self.start).isStoring)
            open()
            keeper.tick(position: nil, now: Self.start + 61)
            #expect(keeper.overview(now: Self.start + 61).isStoring)
            keeper.tick(position: nil, now: Self.start + 66)
            let hosts = Set(firewall.bans.keys.map { "\($0)" })
            #expect(hosts == Set([1, 4, 5, 6, 9].map { "198.18.0.\($0)" }))
            let store = try BanStore(path: path)
            let anew = try store.load(BanPrefix("198.18.0.1"))
            #expect(anew?.ban.since == Int64(Self.start) && anew?.lines.count == 3 && anew?.ban.count == 3)
            let found = try store.load(BanPrefix("198.18.0.4"))
            #expect(found?.ban.until == Int64(Self.start) + 900 && found?.lines == ["a", "b"])
            #expect(found?.ban.count == 2 && found?.ban.offence?.bad == 4 && found?.ban.reason == "")
            #expect(try store.load(BanPrefix("198.51.100.7")) == nil)
            // The longer one stays, and what is long over counts no more.
            let longer = try store.load(BanPrefix("198.18.0.5"))
            #expect(longer?.ban.seconds == 100_000 && longer?.lines == ["a", "b"] && longer?.ban.count == 3)
            #expect(try store.load(BanPrefix("198.18.0.6"))?.ban.count == 1)
            #expect(try store.state(BanArchive.backendKey) == "fake")
        }
    }
}
