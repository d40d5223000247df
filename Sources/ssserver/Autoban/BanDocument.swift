// Bans as JSON, the same wherever they are shown.
internal import SSCommandLine
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

enum BanDocument {
    static func ban(_ ban: Ban, now: UnixSeconds) -> JSONNode {
        .members([
            "address": .string("\(ban.prefix)"), "since": .number(ban.since), "until": .number(ban.until),
            "seconds_left": .number(ban.left(Int64(clamping: now))), "count": .number(Int64(ban.count)),
            "bad": ban.offence.map { .count($0.bad) } ?? .null, "total": ban.offence.map { .count($0.total) } ?? .null,
            "reason": .string(ban.reason),
        ])
    }

    /// Those that began last come first.
    static func list(_ bans: [Ban], backend: String?, now: UnixSeconds) -> JSONNode {
        let sorted = bans.sorted { ($0.since, "\($0.prefix)") > ($1.since, "\($1.prefix)") }
        return .members([
            "bans": .array(sorted.map { ban($0, now: now) }), "count": .number(Int64(bans.count)),
            "backend": JSONNode(backend),
        ])
    }

    static func reasons(_ reasons: BanKeeper.Reasons, _ prefix: BanPrefix, now: UnixSeconds) -> JSONNode {
        let isBanned = reasons.ban?.isActive(Int64(clamping: now)) ?? false
        return .members([
            "address": .string("\(prefix)"), "banned": .bool(isBanned),
            "ban": reasons.ban.map { ban($0, now: now) } ?? .null,
            "failures": reasons.account.map { .count($0.bad) } ?? .null,
            "events": reasons.account.map { .count($0.total) } ?? .null, "exempt": JSONNode(reasons.exemption),
            "spared": .bool(reasons.isGuest),
            "lines": .array(reasons.lines.map { .string($0) }),
        ])
    }

    static func status(_ overview: BanKeeper.Overview, now: UnixSeconds) -> JSONNode {
        .members([
            "program": .string("autoban"), "version": .string(ProductVersion.current),
            "backend": .string(overview.backend), "bans": .number(Int64(overview.bans.count)),
            "lines": .count(overview.counts.lines), "failures": .count(overview.counts.failures),
            "connections": .count(overview.counts.connections), "bans_total": .count(overview.counts.bans),
            "spared": .count(overview.counts.spared), "refused": .count(overview.counts.refused),
            "storing": .bool(overview.isStoring), "failure": JSONNode(overview.failure),
        ])
    }

    static func metrics(_ overview: BanKeeper.Overview) -> String {
        var page = MetricsPage()
        page.add("ssserver_autoban_bans", "gauge", "Bans in force.", UInt64(overview.bans.count))
        page.add("ssserver_autoban_bans_total", "counter", "Bans that lines have led to.", overview.counts.bans)
        page.add("ssserver_autoban_lines_total", "counter", "Lines that were read.", overview.counts.lines)
        page.add("ssserver_autoban_failures_total", "counter", "Failures that they tell of.", overview.counts.failures)
        page.add(
            "ssserver_autoban_connections_total", "counter", "Connections that they tell of.",
            overview.counts.connections)
        page.add(
            "ssserver_autoban_spared_total", "counter", "Failures of those who are not banned for a reason.",
            overview.counts.spared)
        page.add("ssserver_autoban_refused_total", "counter", "Bans that were one too many.", overview.counts.refused)
        page.add(
            "ssserver_autoban_failing", "gauge", "1 while the firewall does not take bans.",
            overview.failure == nil ? 0 : 1)
        return page.text
    }
}
