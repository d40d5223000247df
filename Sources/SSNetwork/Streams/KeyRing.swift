// The keys a port accepts, which change while it serves: users come and go.
internal import NIOConcurrencyHelpers
package import SSCommon
internal import Synchronization

package final class KeyRing: Sendable {
    private let box: NIOLockedValueBox<AcceptedKeys>
    private let changes = Atomic<UInt64>(0)

    package init(_ keys: AcceptedKeys) {
        box = NIOLockedValueBox(keys)
    }

    /// What a new connection is judged by.
    package var keys: AcceptedKeys { box.withLockedValue { $0 } }

    /// Grows with every change.
    package var generation: UInt64 { changes.load(ordering: .acquiring) }

    /// From now on; what is open stays.
    package func change(to keys: AcceptedKeys) {
        box.withLockedValue { $0 = keys }
        changes.add(1, ordering: .releasing)
    }
}
