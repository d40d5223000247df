// Rules about names, a million of them in some fifteen bytes each: an open hash table of fingerprints, none of the text. The
// names themselves are in the lists; what a person is shown is put together again from the name that was asked for.

/// What a rule about a name covers.
package enum NameScope: UInt32, Hashable, Sendable, CaseIterable {
    /// The name and everything below it.
    case tree
    /// The name alone.
    case exact
    /// What is below it.
    case below
}

/// A rule that a name fits.
package struct NameMatch: Hashable, Sendable {
    package let scope: NameScope
    package let isAllowed: Bool
    package let place: RulePlace
    /// Bytes of the name's end that the rule names.
    package let suffix: Int
}

/// Immutable; looked at from any thread.
package struct NameTable: Sendable {
    /// Collects rules, in pieces that are given back one by one when the table is made.
    package struct Builder {
        fileprivate struct Entry {
            var fingerprint: UInt64
            var word: UInt32
        }

        private static let pieceSize = 1 << 15

        fileprivate let hash: NameHash
        fileprivate var fingerprints: [[UInt64]] = []
        fileprivate var words: [[UInt32]] = []
        fileprivate var depths: UInt64 = 0
        package private(set) var count = 0

        package init(seed: (UInt64, UInt64)) { hash = NameHash(seed: seed) }

        /// `name` is as `DomainName` has it: lower case, no dot at its end, 1...253 bytes.
        package mutating func add(
            _ name: UnsafeRawBufferPointer, _ scope: NameScope, isAllowed: Bool, at place: RulePlace
        ) {
            var fingerprint = hash.empty
            var depth = 0
            NameTable.forEachLabelFromEnd(name) { label, _ in
                fingerprint = hash.extended(fingerprint, by: label)
                depth += 1
            }
            depths |= 1 << UInt64(min(depth, 63))
            if count % Self.pieceSize == 0 {
                fingerprints.append([])
                words.append([])
                fingerprints[fingerprints.count - 1].reserveCapacity(Self.pieceSize)
                words[words.count - 1].reserveCapacity(Self.pieceSize)
            }
            fingerprints[fingerprints.count - 1].append(fingerprint)
            words[words.count - 1].append(NameTable.word(scope, isAllowed, place))
            count += 1
        }
    }

    private let hash: NameHash
    /// 0 for a free slot.
    private let fingerprints: [UInt64]
    private let words: [UInt32]
    /// A bit for each number of labels that a rule has; those beyond 62 share the last.
    private let depths: UInt64
    /// Rules, without those that say what an earlier one says.
    package let count: Int

    /// Bytes that the table takes.
    package var byteCount: Int { fingerprints.count * 8 + words.count * 4 }

    package init(_ builder: consuming Builder) {
        hash = builder.hash
        depths = builder.depths
        // At least one slot stays free, where every search ends.
        let capacity = builder.count + builder.count / 4 + 1
        var fingerprints = [UInt64](repeating: 0, count: capacity)
        var words = [UInt32](repeating: 0, count: capacity)
        var count = 0
        fingerprints.withUnsafeMutableBufferPointer { slots in
            words.withUnsafeMutableBufferPointer { values in
                for index in builder.fingerprints.indices {
                    for (fingerprint, word) in zip(builder.fingerprints[index], builder.words[index]) {
                        if Self.insert(fingerprint, word, slots, values) { count += 1 }
                    }
                    builder.fingerprints[index] = []
                    builder.words[index] = []
                }
            }
        }
        self.fingerprints = fingerprints
        self.words = words
        self.count = count
    }

    /// False if another rule says the same.
    private static func insert(
        _ fingerprint: UInt64, _ word: UInt32, _ slots: UnsafeMutableBufferPointer<UInt64>,
        _ words: UnsafeMutableBufferPointer<UInt32>
    ) -> Bool {
        var slot = Int(fingerprint.multipliedFullWidth(by: UInt64(slots.count)).high)
        while slots[slot] != 0 {
            // The lowest bits are what it says, the rest where.
            if slots[slot] == fingerprint, (words[slot] ^ word) & 7 == 0 { return false }
            slot += 1
            if slot == slots.count { slot = 0 }
        }
        slots[slot] = fingerprint
        words[slot] = word
        return true
    }

    /// The rule that decides about `name`, which is as `DomainName` has it: the longest suffix, and of two rules for the same
    /// one that which allows.
    package func match(_ name: UnsafeRawBufferPointer) -> NameMatch? {
        guard count > 0 else { return nil }
        var best: NameMatch?
        var fingerprint = hash.empty
        var depth: UInt64 = 0
        fingerprints.withUnsafeBufferPointer { slots in
            words.withUnsafeBufferPointer { words in
                Self.forEachLabelFromEnd(name) { label, suffix in
                    fingerprint = hash.extended(fingerprint, by: label)
                    depth += 1
                    guard depths >> min(depth, 63) & 1 == 1 else { return }
                    if let word = Self.find(fingerprint, isWhole: suffix == name.count, slots, words) {
                        best = NameMatch(
                            scope: NameScope(rawValue: word & 3) ?? .tree, isAllowed: word & 4 != 0,
                            place: RulePlace(word >> 3), suffix: suffix)
                    }
                }
            }
        }
        return best
    }

    /// What the rules for one suffix say about a name, of which it is the `isWhole` or a part.
    @inline(__always)
    private static func find(
        _ fingerprint: UInt64, isWhole: Bool, _ slots: UnsafeBufferPointer<UInt64>, _ words: UnsafeBufferPointer<UInt32>
    ) -> UInt32? {
        var slot = Int(fingerprint.multipliedFullWidth(by: UInt64(slots.count)).high)
        var found: UInt32?
        while slots[slot] != 0 {
            if slots[slot] == fingerprint {
                let word = words[slot]
                let fits =
                    switch NameScope(rawValue: word & 3) {
                    case .exact: isWhole
                    case .below: !isWhole
                    case .tree, nil: true
                    }
                if fits {
                    if word & 4 != 0 { return word }
                    found = found ?? word
                }
            }
            slot += 1
            if slot == slots.count { slot = 0 }
        }
        return found
    }

    fileprivate static func word(_ scope: NameScope, _ isAllowed: Bool, _ place: RulePlace) -> UInt32 {
        scope.rawValue | (isAllowed ? 4 : 0) | place.number << 3
    }

    /// Each label from the last to the first, with the number of bytes from it to the end.
    @inline(__always)
    fileprivate static func forEachLabelFromEnd(
        _ name: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer, Int) -> Void
    ) {
        var end = name.count
        var position = end
        while position > 0 {
            position -= 1
            guard name[position] == UInt8(ascii: ".") else { continue }
            body(UnsafeRawBufferPointer(rebasing: name[position + 1..<end]), name.count - position - 1)
            end = position
        }
        body(UnsafeRawBufferPointer(rebasing: name[0..<end]), name.count)
    }
}
