// Keepers of bans for tests, and a firewall that does what it is told.
import SSCommon
import SSNetwork
import SSServerCore
import Testing

@testable import ssserver

/// Remembers what it is told, and can refuse or lose it.
final class FakeFirewall: FirewallBackend {
    let name = "fake"
    var bans: [BanPrefix: UInt32] = [:]
    var isWhole = false
    var isRefusing = false
    var preparations = 0
    var isRemoved = false
    /// Refuses once it is whole.
    var failsHalfway = false
    var hasIPv6 = true

    private func check() throws(FirewallFailure) {
        if isRefusing { throw FirewallFailure(text: "it refuses") }
    }

    func prepare() throws(FirewallFailure) {
        try check()
        preparations += 1
        isWhole = true
        isRefusing = failsHalfway
    }

    func apply(_ changes: FirewallChanges) throws(FirewallFailure) {
        try check()
        for prefix in changes.unbans { bans[prefix] = nil }
        for ban in changes.bans { bans[ban.prefix] = ban.seconds }
    }

    func contents() throws(FirewallFailure) -> FirewallContents {
        try check()
        return FirewallContents(bans: bans.mapValues { $0 }, isWhole: isWhole)
    }

    func remove() {
        bans = [:]
        isWhole = false
        isRemoved = true
    }
}

/// Tests of keepers.
protocol BanKeeping {}

extension BanKeeping {
    static var start: UnixSeconds { 1_800_000_000 }

    /// A keeper, its firewall and its file, for the time of `body`.
    func onKeeper(
        laterIgnored: [String] = [],
        _ body: (BanKeeper, FakeFirewall, _ again: () throws -> (BanKeeper, FakeFirewall)) throws -> Void
    ) throws {
        let directory = LogFolder()
        let log = try LogSink(.file("/dev/null"))
        defer { log.close() }
        var runs = 0
        func make() throws -> (BanKeeper, FakeFirewall) {
            runs += 1
            let engine = BanEngine(
                BanRules(maxRetry: 3, findTime: 600, ratio: 0.8), BanTerms(first: 100, longest: 1000),
                exemptions: BanExemptions(
                    ignored: ["198.51.100.0/24"].compactMap { IPPrefix($0) }
                        + (runs > 1 ? laterIgnored.compactMap { IPPrefix($0) } : [])),
                year: 2026, chance: { 0 })
            let firewall = FakeFirewall()
            let store = try BanStore(path: directory["autoban.sqlite"])
            return (BanKeeper(engine, firewall, store, nil, log: log), firewall)
        }
        let (keeper, firewall) = try make()
        try keeper.begin(now: Self.start)
        try body(keeper, firewall, make)
    }

    func fail(_ keeper: BanKeeper, _ peer: String, times: Int = 3, at now: UnixSeconds = Self.start) throws {
        let line = "2026-11-21 02:50:02 ERROR    can not parse header when handling connection from \(peer):51234"
        let bytes = Array(line.utf8)
        try keeper.read(now: now) { each throws(UnreadableLog) in for _ in 0..<times { each(bytes.span.bytes) } }
        keeper.settle(now: now)
    }
}
