import SSCommon
import Testing

@testable import SSServerCore

@Suite("From lines to bans")
struct BanEngineTests {
    private static func engine(
        maxRetry: Int = 3, findTime: Int64 = 600, ratio: Double = 0.8, grace: Int64 = 300, ignored: [String] = [],
        surroundings: @escaping () -> [BanExemptions.Entry] = { [] }
    ) -> BanEngine {
        BanEngine(
            BanRules(maxRetry: maxRetry, findTime: findTime, ratio: ratio, grace: grace),
            BanTerms(first: 100, longest: 10_000),
            exemptions: BanExemptions(ignored: ignored.compactMap { IPPrefix($0) }), year: 2026,
            surroundings: surroundings, chance: { 0 })
    }

    private static func bad(_ peer: String, _ time: String = "02:50:02") -> String {
        "2026-11-21 \(time) ERROR    can not parse header when handling connection from \(peer):51234"
    }

    private static func good(_ peer: String) -> String {
        "2026-11-21 02:50:01 INFO     connecting www.example.com:443 from \(peer):51234"
    }

    private static func read(_ line: String, _ engine: inout BanEngine, at now: Int64) {
        engine.read(Array(line.utf8).span.bytes, now: now)
    }

    private static func bans(_ engine: inout BanEngine) -> [String] {
        engine.takeDecisions().compactMap { if case .ban(let ban, _) = $0 { "\(ban.prefix)" } else { nil } }
    }

    @Test func `the third failure bans, and what comes while it holds counts for nothing`() {
        var engine = Self.engine()
        for _ in 1...2 { Self.read(Self.bad("203.0.113.9"), &engine, at: 1000) }
        #expect(!engine.hasDecisions)
        Self.read(Self.bad("203.0.113.9"), &engine, at: 1001)
        #expect(Self.bans(&engine) == ["203.0.113.9"])
        for _ in 1...10 { Self.read(Self.bad("203.0.113.9"), &engine, at: 1002) }
        #expect(!engine.hasDecisions)
        #expect(engine.counts.failures == 13 && engine.counts.bans == 1)
    }

    @Test func `whoever comes back is banned for longer`() {
        var engine = Self.engine()
        for now in [1000, 1200] as [Int64] { for _ in 1...3 { Self.read(Self.bad("203.0.113.9"), &engine, at: now) } }
        let bans = engine.takeDecisions().compactMap { if case .ban(let ban, _) = $0 { ban } else { nil } }
        #expect(bans.map(\.seconds) == [100, 200])
    }

    @Test func `what is read again after a ban does not lead to another one`() {
        var engine = Self.engine()
        let lines = (1...3).map { Self.bad("203.0.113.9", "02:50:0\($0)") }
        // As the last of them says it.
        let now: Int64 = 1795229403
        for line in lines { engine.read(Array(line.utf8).span.bytes, now: now, ahead: 0) }
        #expect(Self.bans(&engine) == ["203.0.113.9"])
        for line in lines { engine.read(Array(line.utf8).span.bytes, now: now + 500, ahead: 0) }
        #expect(!engine.hasDecisions)
        // What came after it counts.
        for second in 5...7 {
            engine.read(Array(Self.bad("203.0.113.9", "02:57:0\(second)").utf8).span.bytes, now: now + 500, ahead: 0)
        }
        #expect(Self.bans(&engine) == ["203.0.113.9"])
    }

    @Test func `what was long ago bans nobody now`() {
        var engine = Self.engine()
        let now: Int64 = 1795229400
        for second in 1...3 {
            engine.read(Array(Self.bad("203.0.113.9", "02:50:0\(second)").utf8).span.bytes, now: now + 603, ahead: 0)
        }
        #expect(Self.bans(&engine) == ["203.0.113.9"])
        for second in 1...3 {
            engine.read(Array(Self.bad("203.0.113.8", "02:50:0\(second)").utf8).span.bytes, now: now + 604, ahead: 0)
        }
        #expect(Self.bans(&engine).isEmpty && engine.counts.spared == 1)
    }

    @Test func `those behind a translator of addresses are not all banned for one`() {
        var engine = Self.engine()
        for host in 1...9 { Self.read(Self.bad("[64:ff9b::198.51.100.\(host)]"), &engine, at: 1000) }
        #expect(Self.bans(&engine).isEmpty && engine.counts.spared > 0)
    }

    @Test func `addresses of one network of IPv6 are one`() {
        var engine = Self.engine()
        for host in 1...3 { Self.read(Self.bad("[2001:db8:1:2::\(host)]"), &engine, at: 1000) }
        #expect(Self.bans(&engine) == ["2001:db8:1:2::/64"])
    }

    @Test func `IPv4 in IPv6 is IPv4`() {
        var engine = Self.engine()
        for peer in ["203.0.113.9", "[::ffff:203.0.113.9]", "[::ffff:cb00:7109]"] {
            Self.read(Self.bad(peer), &engine, at: 1000)
        }
        #expect(Self.bans(&engine) == ["203.0.113.9"])
    }

    @Test(arguments: ["127.0.0.1", "[::1]", "198.51.100.7", "[2001:db8:9:9::1]"])
    func `who is never banned is not, and it is said why`(peer: String) {
        var engine = Self.engine(ignored: ["198.51.100.0/24", "2001:db8:9::/48"])
        for _ in 1...3 { Self.read(Self.bad(peer), &engine, at: 1000) }
        let decisions = engine.takeDecisions()
        #expect(decisions.count == 1)
        #expect(decisions.allSatisfy { if case .exempt(_, let reason) = $0 { !reason.isEmpty } else { false } })
        #expect(engine.counts.spared == 1 && engine.counts.bans == 0)
    }

    @Test func `a network with an address in it that is never banned is not banned`() throws {
        let gateway = BanExemptions.Entry(try #require(IPAddress("2001:db8:1:2::1")), "a gateway")
        var looks = 0
        var engine = Self.engine {
            looks += 1
            return [gateway]
        }
        Self.read(Self.bad("[2001:db8:1:2::ffff]"), &engine, at: 990)
        #expect(looks == 0)
        for _ in 1...3 { Self.read(Self.bad("[2001:db8:1:2::ffff]"), &engine, at: 1000) }
        #expect(Self.bans(&engine).isEmpty)
        let reasons = try ["2001:db8:1::/48", "2001:db8:1:3::/64"].map { try BanPrefix($0) }
            .map { engine.exemption(of: $0, now: 1000) }
        #expect(reasons == ["a gateway", nil])
        // Once in a second.
        #expect(looks == 1)
    }

    @Test func `whoever has authenticated lately is spared, and later is not`() {
        var engine = Self.engine()
        Self.read(Self.good("203.0.113.9"), &engine, at: 1000)
        for _ in 1...20 { Self.read(Self.bad("203.0.113.9"), &engine, at: 1300) }
        #expect(Self.bans(&engine).isEmpty)
        #expect(engine.counts.spared > 0)
        Self.read(Self.bad("203.0.113.9"), &engine, at: 1301)
        #expect(Self.bans(&engine) == ["203.0.113.9"])
    }

    @Test func `an address that many share is spared by its share of failures`() {
        var engine = Self.engine(grace: 0)
        for _ in 1...2 { Self.read(Self.good("203.0.113.9"), &engine, at: 1000) }
        for _ in 1...7 { Self.read(Self.bad("203.0.113.9"), &engine, at: 1000) }
        #expect(Self.bans(&engine).isEmpty)
        Self.read(Self.bad("203.0.113.9"), &engine, at: 1000)
        #expect(Self.bans(&engine) == ["203.0.113.9"])
    }

    @Test func `old lines count by their own time, new ones by when they come`() {
        var engine = Self.engine()
        let now: Int64 = 1795227070
        // Eleven minutes lie between the first two and the third.
        for line in [
            Self.bad("203.0.113.9", "02:00:00"), Self.bad("203.0.113.9", "02:00:01"),
            Self.bad("203.0.113.9", "02:11:01"),
        ] {
            engine.read(Array(line.utf8).span.bytes, now: now, ahead: 0)
        }
        #expect(Self.bans(&engine).isEmpty)
        engine.read(Array(Self.bad("203.0.113.9", "02:11:02").utf8).span.bytes, now: now, ahead: 0)
        engine.read(Array(Self.bad("203.0.113.9", "02:11:03").utf8).span.bytes, now: now, ahead: 0)
        #expect(Self.bans(&engine) == ["203.0.113.9"])
        for time in ["01:00:00", "02:00:00", "03:00:00"] {
            Self.read(Self.bad("203.0.113.10", time), &engine, at: now + 1)
        }
        #expect(Self.bans(&engine) == ["203.0.113.10"])
    }

    @Test func `a clock that is set back bans nobody and forgets nobody`() {
        var engine = Self.engine()
        Self.read(Self.bad("203.0.113.9"), &engine, at: 100_000)
        Self.read(Self.bad("203.0.113.9"), &engine, at: 90_000)
        #expect(!engine.hasDecisions)
        Self.read(Self.bad("203.0.113.9"), &engine, at: 90_001)
        #expect(Self.bans(&engine) == ["203.0.113.9"])
    }

    @Test func `the lines that led to a ban are there for whoever asks`() throws {
        var engine = Self.engine()
        for second in 1...3 { Self.read(Self.bad("203.0.113.9", "02:50:0\(second)"), &engine, at: 1000) }
        Self.read(Self.bad("203.0.113.10"), &engine, at: 1000)
        #expect(
            engine.lines(about: try BanPrefix("203.0.113.9")) == (1...3).map { Self.bad("203.0.113.9", "02:50:0\($0)") }
        )
        #expect(engine.lines(about: try BanPrefix("203.0.113.11")).isEmpty)
    }

    @Test func `of many lines the last are kept, whoever knocks`() {
        var evidence = BanEvidence(capacity: 16)
        let sources = (1...40).map { BanSource(.v4(IPv4Address(UInt32($0)))) }
        for source in sources {
            for number in 1...2 { evidence.add(Array("\(source) \(number)".utf8).span.bytes, about: source) }
        }
        for source in sources.suffix(8) {
            #expect(evidence.lines(about: source) == ["\(source) 1", "\(source) 2"])
        }
        for source in sources.prefix(30) { #expect(evidence.lines(about: source).isEmpty) }
        let long = String(repeating: "x", count: 1000)
        evidence.add(Array(long.utf8).span.bytes, about: sources[0])
        #expect(evidence.lines(about: sources[0]) == [String(long.prefix(BanEvidence.maximumLine))])
        for number in 1...30 { evidence.add(Array("\(number)\u{1b}[2J".utf8).span.bytes, about: sources[0]) }
        let lines = evidence.lines(about: sources[0])
        #expect(lines.count == BanEvidence.maximumLines && lines.last == "30\\x1b[2J")
    }

    @Test func `what a ledger knows survives as bytes, at every point of a history`() {
        var model = Self.engine(grace: 0)
        var lines: [String] = []
        for step in 0..<60 {
            let peer = step % 3 == 0 ? "[2001:db8:0:\(step % 5)::1]" : "203.0.113.\(step % 5)"
            lines.append(step % 7 == 0 ? Self.good(peer) : Self.bad(peer))
        }
        var expected: [[String]] = []
        for (step, line) in lines.enumerated() {
            Self.read(line, &model, at: 1000 + Int64(step))
            expected.append(Self.bans(&model))
        }
        for cut in 0...lines.count {
            var first = Self.engine(grace: 0)
            for step in 0..<cut { Self.read(lines[step], &first, at: 1000 + Int64(step)) }
            _ = first.takeDecisions()
            var second = Self.engine(grace: 0)
            second.restore(first.book.all)
            LedgerSnapshot.decode(LedgerSnapshot.encode { first.forEachRecord($0) }) {
                second.restore($0, now: 2000)
            }
            for step in cut..<lines.count {
                Self.read(lines[step], &second, at: 1000 + Int64(step))
                #expect(Self.bans(&second) == expected[step])
            }
        }
    }

    @Test func `a torn or foreign snapshot gives what is whole of it`() {
        var engine = Self.engine()
        for host in 1...5 { Self.read(Self.bad("203.0.113.\(host)"), &engine, at: 1000) }
        let bytes = LedgerSnapshot.encode { engine.forEachRecord($0) }
        var counts: Set<Int> = []
        for count in 0...bytes.count {
            var read = 0
            LedgerSnapshot.decode(Array(bytes.prefix(count))) { _ in read += 1 }
            counts.insert(read)
        }
        #expect(counts == [0, 1, 2, 3, 4, 5])
        LedgerSnapshot.decode([9] + bytes.dropFirst()) { _ in Issue.record("of another version") }
        for seed in 0..<2000 {
            var noise = bytes
            noise[1 + seed * 7919 % (bytes.count - 1)] ^= UInt8(truncatingIfNeeded: 1 + seed)
            var other = Self.engine()
            LedgerSnapshot.decode(noise) { other.restore($0, now: 2000) }
        }
    }

    @Test func `what seems to have happened later than now is not taken up`() {
        let start: UInt32 = 1_800_000_000
        var engine = Self.engine(grace: 300)
        let source = BanSource(.v4(IPv4Address(1)))
        func isTaken(_ time: UInt32, _ lastGood: UInt32, at now: UInt32 = start) -> Bool {
            engine.forgetCounts()
            engine.restore(
                .init(source: source, lastGood: lastGood, moments: [.init(time: time, bad: 1, good: 0)]),
                now: Int64(now))
            return engine.account(of: BanPrefix(source)) != nil
        }
        #expect(isTaken(start, 0))
        #expect(!isTaken(.max, 0))
        #expect(!isTaken(0, .max))
        // A machine that does not know the time yet is not believed.
        #expect(isTaken(start, 0, at: 1000))
        #expect(isTaken(start + 60, start + 60))
        #expect(engine.isGuest(BanPrefix(source), now: Int64(start) + 100))
        #expect(!engine.isGuest(BanPrefix(source), now: Int64(start) + 400))
    }
}
