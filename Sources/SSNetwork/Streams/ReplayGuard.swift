// One memory of salts for all loops of a process, of either edition.
package import SSCommon
internal import NIOConcurrencyHelpers
internal import NIOCore

/// A memory of salts behind a lock; held for a hash, a table look-up and the writing of a record where it is kept in files.
package final class ReplayGuard: Sendable {
    fileprivate struct Memory {
        var filter: SaltFilter
        var window: SaltWindow
        var store: ReplayStore?
        /// The window's generation that the store's newer file holds.
        var stored = 0
    }

    private let memory: NIOLockedValueBox<Memory>
    private let start = NIODeadline.now()
    private let onFailure: @Sendable (ReplayStore.Failure) -> Void

    /// Remembers the latest `capacity` salts of SIP004, and those of SIP022 for as long as they are any good, up to
    /// `limit`.
    package init(capacity: Int = 500_000, limit: Int = 4_000_000) {
        memory = NIOLockedValueBox(
            Memory(filter: SaltFilter(capacity: capacity), window: SaltWindow(capacity: limit), store: nil))
        onFailure = { _ in }
    }

    /// The same, with what was remembered in `directory` and is remembered there from now on. What cannot be written is told
    /// to `onFailure` once; from then on it is remembered in memory only.
    package init(
        directory: String, capacity: Int = 500_000, limit: Int = 4_000_000,
        onFailure: @escaping @Sendable (ReplayStore.Failure) -> Void
    ) throws(ReplayStore.Failure) {
        let (store, known) = try ReplayStore.open(directory, classicLimit: capacity, saltLimit: limit)
        var filter = SaltFilter(capacity: capacity, key: known.key)
        filter.restore(old: known.older, young: known.newer)
        var window = SaltWindow(capacity: limit)
        // A clock that was set back meanwhile must not make old headers good again.
        if let latest = known.salts.map(\.time).max() { WallClock.system.hasShown(latest) }
        let now = WallClock.now()
        for record in known.salts where record.time + SaltWindow.memory >= now {
            _ = window.insert(record.salt, clock: 0)
        }
        memory = NIOLockedValueBox(Memory(filter: filter, window: window, store: store))
        self.onFailure = onFailure
    }

    /// True, and recorded, if the SIP004 `salt` was not seen before.
    package func isFresh(_ salt: Salt) -> Bool {
        let (isFresh, failure) = memory.withLockedValue { memory in
            guard let recorded = memory.filter.record(salt) else { return (false, nil as ReplayStore.Failure?) }
            return (true, memory.write { (store) throws(ReplayStore.Failure) in try store.append(recorded) })
        }
        if let failure { onFailure(failure) }
        return isFresh
    }

    /// Whether the salt of a stream of `method` was seen; nothing is recorded.
    package func isKnown(_ salt: Salt, _ method: CipherMethod) -> Bool {
        switch method.edition {
        case .sip004: false
        case .sip022: memory.withLockedValue { $0.window.contains(salt) }
        }
    }

    /// Records the salt of a stream of `method`. Throws `.replayed` if it was seen before, `.memoryFull` if it cannot be
    /// recorded.
    package func remember(_ salt: Salt, _ method: CipherMethod) throws(StreamFault) {
        switch method.edition {
        case .sip004:
            guard isFresh(salt) else { throw .replayed }
        case .sip022:
            let clock = UInt64((NIODeadline.now() - start).nanoseconds / 1_000_000_000)
            let now = WallClock.now()
            let (outcome, failure) = memory.withLockedValue { memory in
                let outcome = memory.window.insert(salt, clock: clock)
                guard outcome == .fresh else { return (outcome, nil as ReplayStore.Failure?) }
                let begins = memory.window.generation != memory.stored
                memory.stored = memory.window.generation
                let failure = memory.write { (store) throws(ReplayStore.Failure) in
                    try store.append(SaltRecord(salt, time: now), beginsGeneration: begins)
                }
                return (outcome, failure)
            }
            if let failure { onFailure(failure) }
            switch outcome {
            case .fresh: break
            case .seen: throw .replayed
            case .full: throw .memoryFull
            }
        }
    }

    /// Records a salt that this process made itself, so that its own stream sent back to it is refused. In SIP022 the
    /// headers' types do that.
    package func record(_ salt: Salt, _ method: CipherMethod) {
        switch method.edition {
        case .sip004: _ = isFresh(salt)
        case .sip022: break
        }
    }
}

extension ReplayGuard.Memory {
    /// Gives the store up when it fails.
    fileprivate mutating func write(
        _ body: (ReplayStore) throws(ReplayStore.Failure) -> Void
    ) -> ReplayStore.Failure? {
        guard let store else { return nil }
        do throws(ReplayStore.Failure) {
            try body(store)
            return nil
        } catch {
            self.store = nil
            return error
        }
    }
}
