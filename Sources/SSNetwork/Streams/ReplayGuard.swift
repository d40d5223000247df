// One salt filter for all loops of a process.
package import SSCommon
internal import NIOConcurrencyHelpers

/// A salt filter behind a lock; held for a hash and a table look-up.
package final class ReplayGuard: Sendable {
    private let filter: NIOLockedValueBox<SaltFilter>

    package init(capacity: Int = 500_000) {
        filter = NIOLockedValueBox(SaltFilter(capacity: capacity))
    }

    /// True, and recorded, if `salt` was not seen before.
    package func isFresh(_ salt: Salt) -> Bool {
        filter.withLockedValue { $0.insert(salt) }
    }

    /// Records a salt that this process made itself, so that its own stream sent back to it is refused.
    package func record(_ salt: Salt) {
        _ = isFresh(salt)
    }
}
