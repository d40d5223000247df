// What a keeper of bans answers to questions.
internal import SSCommon
internal import SSServerCore

extension BanKeeper {
    struct Overview: Sendable {
        var bans: [Ban]
        var counts: BanEngine.Counts
        var backend: String
        /// What the firewall said last, if it refused.
        var failure: String?
        var isStoring: Bool
    }

    /// All that is known of one.
    struct Reasons: Sendable {
        var ban: Ban?
        var lines: [String]
        var account: BanLedger.Offence?
        var exemption: String?
        /// It has authenticated lately, and is spared for that.
        var isGuest = false
    }

    func overview(now: UnixSeconds) -> Overview {
        locked { state in
            Overview(
                bans: state.engine.book.active(Int64(clamping: now)), counts: state.engine.counts,
                backend: state.backend.name, failure: state.lastFailure,
                isStoring: state.archive.isStoring)
        }
    }

    var isStoring: Bool { locked { $0.archive.isStoring } }

    func reasons(_ prefix: BanPrefix, now: UnixSeconds) -> Reasons {
        var (reasons, store) = locked { state in
            let wider = Self.wider(prefix, state, now)
            let reasons = Reasons(
                ban: state.engine.book.ban(of: wider ?? prefix), lines: state.engine.lines(about: prefix),
                account: state.engine.account(of: prefix),
                exemption: state.engine.exemption(of: prefix, now: Int64(clamping: now)),
                isGuest: state.engine.isGuest(prefix, now: Int64(clamping: now)))
            return (reasons, state.archive.store)
        }
        // What led to a ban was stored with it; what came since says less.
        if let ban = reasons.ban, let stored = try? store?.load(ban.prefix), !stored.lines.isEmpty {
            reasons.lines = stored.lines
        }
        return reasons
    }
}
