// One memory of salts for all loops of a process, of either edition.
package import SSCommon
internal import NIOConcurrencyHelpers
internal import NIOCore

/// A memory of salts behind a lock; held for a hash and a table look-up.
package final class ReplayGuard: Sendable {
    private struct Memory {
        var filter: SaltFilter
        var window: SaltWindow
    }

    private let memory: NIOLockedValueBox<Memory>
    private let start = NIODeadline.now()

    /// Remembers the latest `capacity` salts of SIP004, and those of SIP022 for as long as they are any good, up to
    /// `limit`.
    package init(capacity: Int = 500_000, limit: Int = 4_000_000) {
        memory = NIOLockedValueBox(
            Memory(filter: SaltFilter(capacity: capacity), window: SaltWindow(capacity: limit)))
    }

    /// True, and recorded, if the SIP004 `salt` was not seen before.
    package func isFresh(_ salt: Salt) -> Bool {
        memory.withLockedValue { $0.filter.insert(salt) }
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
            switch memory.withLockedValue({ $0.window.insert(salt, clock: clock) }) {
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
