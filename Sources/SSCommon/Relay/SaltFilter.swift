// Which salts were seen (SIP004 leaves replay to the implementation). Two generations of exact sets of 64-bit
// keyed hashes: when the young one is full it becomes the old one, so that at least `capacity` and at most twice
// as many of the latest salts are remembered, in bounded memory. The hash key is random per process, so nobody
// can aim for a collision; by accident one happens for a given salt with probability below 2^-43 at a million.
//
// All event loops share one filter behind a lock, so no single insertion may take long: a generation is many small
// sets that grow each for itself, and a forgotten one is given back piece by piece.
internal import CSodium

package struct SaltFilter: Sendable {
    private var young: Generation
    private var old: Generation
    /// What is left of the generation before the old one; nobody asks it any more.
    private var forgotten: [HashSet64] = []
    private let capacity: Int
    private let key: [UInt8]

    /// Bytes of a key.
    package static let keyLength = Int(crypto_shorthash_KEYBYTES)

    /// A salt that was new.
    package struct Recorded: Sendable {
        /// What is remembered of it.
        package let hash: UInt64
        /// The generation it belongs to was full with it, and the next one has begun.
        package let endsGeneration: Bool
    }

    /// Remembers at least the latest `capacity` salts; about 16 bytes each, two generations, grown as needed. `key` is random
    /// and secret; hashes that are kept somewhere are worth something with the same key only.
    package init(capacity: Int, key: [UInt8] = Sodium.random(keyLength)) {
        precondition(capacity > 0, "a filter that remembers nothing")
        precondition(key.count == Self.keyLength, "a key of the wrong length")
        self.capacity = capacity
        self.key = key
        young = Generation(capacity: capacity)
        old = Generation(capacity: capacity)
    }

    /// True, and recorded, if `salt` was not seen before.
    package mutating func insert(_ salt: Salt) -> Bool { record(salt) != nil }

    /// Nil if `salt` was seen before; recorded if not.
    package mutating func record(_ salt: Salt) -> Recorded? { record(hash: hash(salt)) }

    mutating func insert(hash: UInt64) -> Bool { record(hash: hash) != nil }

    private mutating func record(hash: UInt64) -> Recorded? {
        if old.contains(hash) { return nil }
        guard young.insert(hash) else { return nil }
        // There are far fewer pieces than insertions in a generation, so all are gone before the next ones come.
        _ = forgotten.popLast()
        let isFull = young.count >= capacity
        if isFull { beginGeneration() }
        return Recorded(hash: hash, endsGeneration: isFull)
    }

    private mutating func beginGeneration() {
        forgotten = old.sets
        old = young
        young = Generation(capacity: capacity)
    }

    /// Takes over what an earlier filter with the same key and capacity had recorded; this one is new.
    package mutating func restore(old earlier: [UInt64], young later: [UInt64]) {
        for hash in earlier { _ = young.insert(hash) }
        beginGeneration()
        for hash in later where !old.contains(hash) { _ = young.insert(hash) }
    }

    /// Bytes of hashes that are allocated.
    var footprint: Int {
        (young.sets + old.sets + forgotten).reduce(0) { $0 + $1.footprint }
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

/// Exact, like one set, but no insertion costs more than the growth of one small piece.
private struct Generation: Sendable {
    /// Hashes a piece holds at most when its generation is full, on average. A piece has room for 640 before it would
    /// grow to 2,048 slots, which is more than five standard deviations away.
    private static let share = 512

    private(set) var sets: [HashSet64]
    private(set) var count = 0
    /// How far a hash is shifted to give its piece.
    private let shift: Int

    init(capacity: Int) {
        var bits = 0
        while bits < 16, capacity >> bits > Self.share { bits += 1 }
        shift = UInt64.bitWidth - bits
        sets = [HashSet64](repeating: HashSet64(), count: 1 << bits)
    }

    func contains(_ hash: UInt64) -> Bool {
        sets[piece(of: hash)].contains(hash)
    }

    /// False if it was there already.
    mutating func insert(_ hash: UInt64) -> Bool {
        guard sets[piece(of: hash)].insert(hash) else { return false }
        count += 1
        return true
    }

    /// By the highest bits; inside a piece the lowest decide. (A shift by the whole width gives 0.)
    private func piece(of hash: UInt64) -> Int {
        Int(truncatingIfNeeded: hash >> shift)
    }
}

/// An open-addressing set of hashes, at most five eighths full; zero is kept apart because it marks an empty slot.
private struct HashSet64: Sendable {
    private static let smallest = 8

    private var slots: [UInt64] = []
    private var count = 0
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
        if 8 * (count + 1) > 5 * slots.count { grow() }
        let index = slot(of: hash)
        if slots[index] == hash { return false }
        slots[index] = hash
        count += 1
        return true
    }

    /// Where `hash` is or would go; linear probing ends because some slots are empty.
    private func slot(of hash: UInt64) -> Int {
        let mask = slots.count - 1
        var index = Int(truncatingIfNeeded: hash) & mask
        while slots[index] != 0, slots[index] != hash { index = (index + 1) & mask }
        return index
    }

    var footprint: Int { slots.count * MemoryLayout<UInt64>.size }

    private mutating func grow() {
        let former = slots
        slots = [UInt64](repeating: 0, count: max(Self.smallest, former.count * 2))
        for hash in former where hash != 0 { slots[slot(of: hash)] = hash }
    }
}
