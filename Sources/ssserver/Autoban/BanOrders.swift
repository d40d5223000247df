// What a person orders: to ban somebody, to end a ban or all of them.
internal import SSCommon
internal import SSNetwork
internal import SSServerCore

extension BanKeeper {
    /// Why an order is not carried out.
    enum OrderFault: Error {
        /// It is never banned, for a reason that follows "it is".
        case exempt(String)
        /// There are too many.
        case full
        /// The firewall says no.
        case firewall(FirewallFailure)
        /// It is not banned.
        case notBanned
        /// It is banned with others, all of which would have to be let go.
        case wider(BanPrefix)
        /// autoban is just starting, or about to end.
        case ending
    }

    /// Bans for `seconds`, or as long as its next ban would be.
    func order(_ prefix: BanPrefix, seconds: Int64?, reason: String, now: UnixSeconds) throws(OrderFault) -> Ban {
        try locked { (state) throws(OrderFault) in
            if state.hasEnded || !state.hasBegun { throw .ending }
            if let reason = state.engine.exemption(of: prefix, now: Int64(clamping: now)) { throw .exempt(reason) }
            act(&state, now)
            let before = state.engine.book.ban(of: prefix)
            guard
                let ban = state.engine.order(prefix, seconds: seconds, reason: reason, now: Int64(clamping: now))
            else { throw .full }
            enforce([ban], &state, now)
            if let failure = state.lastFailure {
                // Whoever is told so does not expect it later.
                state.engine.undo(prefix, to: before, now: Int64(clamping: now))
                state.untold.removeAll { $0 == ban }
                throw .firewall(FirewallFailure(text: failure))
            }
            state.archive.put(StoredBan(ban: ban, lines: []))
            settle(&state)
            return ban
        }
    }

    /// Makes ready for an order, and puts nothing else into force.
    func prepare() throws(FirewallFailure) {
        try locked { (state) throws(FirewallFailure) in
            if try !state.backend.contents().isWhole { try state.backend.prepare() }
        }
    }

    /// Ends a ban, and forgets that there was one.
    func lift(_ prefix: BanPrefix, now: UnixSeconds) throws(OrderFault) {
        try locked { (state) throws(OrderFault) in
            if state.hasEnded || !state.hasBegun { throw .ending }
            act(&state, now)
            var isBanned = false
            do throws(FirewallFailure) {
                // It may have what we know nothing of; and where it has nothing, nothing is to be made.
                if try state.backend.contents().bans[prefix] != nil {
                    try state.backend.apply(FirewallChanges(unbans: [prefix]))
                    isBanned = true
                }
            } catch {
                throw .firewall(error)
            }
            if state.engine.lift(prefix, now: Int64(clamping: now)) != nil { isBanned = true }
            state.archive.forget(prefix)
            state.archive.pardon(prefix, now)
            state.archive.save(state.engine)
            if isBanned { log.log(.info, "unbanned", [("address", "\(prefix)")]) }
            if let wider = Self.wider(prefix, state, now) { throw .wider(wider) }
            if !isBanned { throw .notBanned }
        }
    }

    /// A ban in force of several sources, `prefix` among them.
    static func wider(_ prefix: BanPrefix, _ state: State, _ now: UnixSeconds) -> BanPrefix? {
        guard prefix.isNarrow else { return nil }
        let ban = state.engine.book.ban(on: BanSource(prefix.address), now: Int64(clamping: now))
        return ban.flatMap { $0.prefix == prefix ? nil : $0.prefix }
    }

    /// Ends all bans; how many there were.
    func liftAll(now: UnixSeconds) throws(OrderFault) -> Int {
        try locked { (state) throws(OrderFault) in
            if state.hasEnded || !state.hasBegun { throw .ending }
            act(&state, now)
            do throws(FirewallFailure) {
                // Those too that we know nothing of.
                let bans = try state.backend.contents().bans.keys
                if !bans.isEmpty { try state.backend.apply(FirewallChanges(unbans: Array(bans))) }
            } catch {
                throw .firewall(error)
            }
            var count = 0
            state.archive.forgetAll()
            state.archive.pardon(nil, now)
            for ban in state.engine.book.all {
                if state.engine.lift(ban.prefix, now: Int64(clamping: now)) != nil { count += 1 }
                state.archive.forget(ban.prefix)
            }
            state.archive.save(state.engine)
            log.log(.info, "all bans are ended", [("count", "\(count)")])
            return count
        }
    }

    /// Takes away every rule of ours; without anybody who puts them back.
    func removeRules() throws(FirewallFailure) {
        try locked { (state) throws(FirewallFailure) in try state.backend.remove() }
    }
}
