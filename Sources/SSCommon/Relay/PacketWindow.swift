// Which packets of a session were seen (SIP022 3.2.4): WireGuard's ring (RFC 6479), in which bits of blocks that fall out
// of the window are cleared as a whole instead of being shifted.

package struct PacketWindow: Sendable {
    private static let blockBits = 64
    private static let blockCount = 128
    /// How far a packet may be behind the newest and still be taken.
    package static let size: UInt64 = UInt64((blockCount - 1) * blockBits)

    private var blocks: [UInt64]
    private var newest: UInt64 = 0

    package init() {
        blocks = [UInt64](repeating: 0, count: Self.blockCount)
    }

    /// Everything up to `packet` was seen.
    package init(seenUpTo packet: UInt64) {
        blocks = [UInt64](repeating: .max, count: Self.blockCount)
        newest = packet
        // What comes behind it in its own block was not.
        let last = packet % UInt64(Self.blockBits)
        blocks[Self.index(packet)] = last == 63 ? .max : (1 << (last + 1)) - 1
    }

    /// Whether `packet` was not recorded and is not too old to be known.
    package func isFresh(_ packet: UInt64) -> Bool {
        if packet > newest { return true }
        guard newest - packet <= Self.size else { return false }
        return blocks[Self.index(packet)] & Self.bit(packet) == 0
    }

    /// Remembers `packet`, which `isFresh` and has proved authentic and well formed.
    package mutating func record(_ packet: UInt64) {
        precondition(isFresh(packet), "recorded twice")
        if packet > newest {
            let (from, to) = (newest / UInt64(Self.blockBits), packet / UInt64(Self.blockBits))
            for block in 0..<min(to - from, UInt64(Self.blockCount)) {
                blocks[Int(truncatingIfNeeded: (to - block) % UInt64(Self.blockCount))] = 0
            }
            newest = packet
        }
        blocks[Self.index(packet)] |= Self.bit(packet)
    }

    private static func index(_ packet: UInt64) -> Int {
        Int(truncatingIfNeeded: packet / UInt64(blockBits) % UInt64(blockCount))
    }

    private static func bit(_ packet: UInt64) -> UInt64 { 1 << (packet % UInt64(blockBits)) }
}
