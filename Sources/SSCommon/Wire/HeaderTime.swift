// SIP022 3.1.3, 3.2.2: every header says when it was made, and whoever reads it 30 seconds off refuses it. So nothing
// recorded can be sent again later than the memory of salts and packets reaches back.

/// Seconds since 1970-01-01 00:00:00 UTC.
package typealias UnixSeconds = UInt64

package enum HeaderTime {
    /// How far a header's time may be from ours, in seconds, in either direction.
    package static let tolerance: UInt64 = 30

    /// Throws `.stale` if `time` is further from `now`.
    static func check(_ time: UnixSeconds, now: UnixSeconds) throws(StreamFault) {
        let distance = time > now ? time - now : now - time
        guard distance > tolerance else { return }
        let seconds = Int64(clamping: distance)
        throw .stale(seconds: time > now ? seconds : -seconds)
    }
}
