// Bytes that are kept because a header is not whole yet. Of a stranger that is some dozens; but whoever holds back a real
// request on its way can send most of it over many connections, each of which then keeps up to 64 KiB. So what a loop
// keeps is bounded: beyond that the one that has waited longest is given up, for honest headers are whole in a moment.

/// Somebody who waits.
protocol HeaderWaiter: AnyObject {
    /// To keep nothing any more.
    func giveUp()
}

/// Those of one loop; only ever touched on it.
package final class WaitingHeaders {
    private struct Entry {
        let waiter: any HeaderWaiter
        var bytes: Int
        let turn: UInt64
    }

    /// Bytes; some hundred of the longest headers.
    static let limit = 16 << 20
    /// Fewer are not worth a place.
    private static let smallest = 1024

    private var entries: [ObjectIdentifier: Entry] = [:]
    private var turns: UInt64 = 0
    /// Bytes kept by all of them.
    private(set) var total = 0

    /// `waiter` keeps so many bytes now.
    func update(_ waiter: any HeaderWaiter, bytes: Int) {
        let id = ObjectIdentifier(waiter)
        let former = entries[id]
        total += (bytes < Self.smallest ? 0 : bytes) - (former?.bytes ?? 0)
        if bytes < Self.smallest {
            entries[id] = nil
            return
        }
        turns += 1
        entries[id] = Entry(waiter: waiter, bytes: bytes, turn: former?.turn ?? turns)
        while total > Self.limit, let oldest = entries.min(by: { $0.value.turn < $1.value.turn }) {
            entries[oldest.key] = nil
            total -= oldest.value.bytes
            oldest.value.waiter.giveUp()
        }
    }

    /// `waiter` keeps nothing any more, if it ever did.
    func leave(_ waiter: any HeaderWaiter) {
        guard !entries.isEmpty, let entry = entries.removeValue(forKey: ObjectIdentifier(waiter)) else { return }
        total -= entry.bytes
    }
}
