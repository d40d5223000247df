// Which salts were seen (SIP004 leaves replay to the implementation). Two generations of exact sets of 64-bit
// keyed hashes: when the young one is full it becomes the old one, so that at least `capacity` and at most twice
// as many of the latest salts are remembered, in bounded memory. The hash key is random per process, so nobody
// can aim for a collision; by accident one happens for a given salt with probability below 2^-43 at a million.
internal import CSodium

package struct SaltFilter: Sendable {
    private var young: HashSet64
    private var old: HashSet64
    private let capacity: Int
    private let key: [UInt8]

    /// Remembers at least the latest `capacity` salts; about 16 bytes each, two generations, grown as needed.
    package init(capacity: Int) {
        precondition(capacity > 0, "a filter that remembers nothing")
        self.capacity = capacity
        young = HashSet64()
        old = HashSet64()
        key = Sodium.random(Int(crypto_shorthash_KEYBYTES))
    }

    /// True, and recorded, if `salt` was not seen before.
    package mutating func insert(_ salt: Salt) -> Bool {
        let hash = hash(salt)
        if old.contains(hash) { return false }
        guard young.insert(hash) else { return false }
        if young.count >= capacity {
            old = young
            young = HashSet64()
        }
        return true
    }

    private func hash(_ salt: Salt) -> UInt64 {
        var result: UInt64 = 0
        withUnsafeMutableBytes(of: &result) { output in
            _ = salt.withUnsafeBytes { bytes in
                crypto_shorthash(
                    output.baseAddress!.assumingMemoryBound(to: UInt8.self),
                    bytes.baseAddress!.assumingMemoryBound(to: UInt8.self), UInt64(bytes.count), key)
            }
        }
        return result
    }
}

/// An open-addressing set of hashes, at most half full; zero is kept apart because it marks an empty slot.
private struct HashSet64: Sendable {
    private var slots: [UInt64] = []
    private(set) var count = 0
    private var hasZero = false

    func contains(_ hash: UInt64) -> Bool {
        if hash == 0 { return hasZero }
        return !slots.isEmpty && slots[slot(of: hash)] == hash
    }

    /// False if it was there already.
    mutating func insert(_ hash: UInt64) -> Bool {
        if hash == 0 {
            defer { hasZero = true }
            return !hasZero
        }
        if 2 * (count + 1) > slots.count { grow() }
        let index = slot(of: hash)
        if slots[index] == hash { return false }
        slots[index] = hash
        count += 1
        return true
    }

    /// Where `hash` is or would go; linear probing ends because half the slots are empty.
    private func slot(of hash: UInt64) -> Int {
        let mask = slots.count - 1
        var index = Int(truncatingIfNeeded: hash) & mask
        while slots[index] != 0, slots[index] != hash { index = (index + 1) & mask }
        return index
    }

    private mutating func grow() {
        let former = slots
        slots = [UInt64](repeating: 0, count: max(64, former.count * 2))
        for hash in former where hash != 0 { slots[slot(of: hash)] = hash }
    }
}
