// Rules about names, a million of them in some seventeen bytes each: an open hash table of fingerprints, none of the text. The
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
            var walk = NameTable.LabelWalk(name)
            while let label = walk.next() {
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

    /// Twelve bytes, side by side: a slot is seldom in a cache.
    private struct Slot {
        var low: UInt32 = 0
        var high: UInt32 = 0
        /// The lowest bits are what it says, the rest where.
        var word: UInt32 = 0

        @inline(__always)
        func holds(_ fingerprint: UInt64) -> Bool { UInt64(high) << 32 | UInt64(low) == fingerprint }
    }

    /// Of eight slots a byte each: seven bits of the fingerprint there, or only the highest bit for a free one. There are so few
    /// of them that a cache holds them, and most look-ups end here.
    private struct Tags {
        static let count = 8
        private static let lowest: UInt64 = 0x0101_0101_0101_0101
        private static let highest: UInt64 = 0x8080_8080_8080_8080

        private var bytes = highest

        /// The highest bit of each byte that is free.
        @inline(__always)
        var free: UInt64 { bytes & Self.highest }

        /// The highest bit of each byte that may be of `fingerprint`: of all that are, and seldom of others.
        @inline(__always)
        func candidates(_ fingerprint: UInt64) -> UInt64 {
            let difference = bytes ^ (fingerprint & 0x7f) &* Self.lowest
            return (difference &- Self.lowest) & ~difference & Self.highest
        }

        mutating func set(_ lane: Int, _ fingerprint: UInt64) {
            bytes = bytes & ~(0xff << UInt64(lane * 8)) | (fingerprint & 0x7f) << UInt64(lane * 8)
        }

        /// The byte of the lowest bit of what one of the above returned.
        @inline(__always)
        static func lane(_ bits: UInt64) -> Int { bits.trailingZeroBitCount / 8 }
    }

    private let hash: NameHash
    private let tags: [Tags]
    private let slots: [Slot]
    /// A bit for each number of labels that a rule has; those beyond 62 share the last.
    private let depths: UInt64
    /// Rules, without those that say what an earlier one says.
    package let count: Int

    /// Bytes that the table takes.
    package var byteCount: Int { tags.count * MemoryLayout<Tags>.stride + slots.count * MemoryLayout<Slot>.stride }

    package init(_ builder: consuming Builder) {
        hash = builder.hash
        depths = builder.depths
        // A fifth of the slots stays free, and at least one, where every search ends.
        let groups = (builder.count + builder.count / 4) / Tags.count + 1
        var tags = [Tags](repeating: Tags(), count: groups)
        var slots = [Slot](repeating: Slot(), count: groups * Tags.count)
        var count = 0
        tags.withUnsafeMutableBufferPointer { tags in
            slots.withUnsafeMutableBufferPointer { slots in
                for index in builder.fingerprints.indices {
                    for (fingerprint, word) in zip(builder.fingerprints[index], builder.words[index]) {
                        if Self.insert(fingerprint, word, tags, slots) { count += 1 }
                    }
                    builder.fingerprints[index] = []
                    builder.words[index] = []
                }
            }
        }
        self.tags = tags
        self.slots = slots
        self.count = count
    }

    /// False if another rule says the same.
    private static func insert(
        _ fingerprint: UInt64, _ word: UInt32, _ tags: UnsafeMutableBufferPointer<Tags>,
        _ slots: UnsafeMutableBufferPointer<Slot>
    ) -> Bool {
        var group = home(fingerprint, tags.count)
        while true {
            var candidates = tags[group].candidates(fingerprint)
            while candidates != 0 {
                let slot = slots[group * Tags.count + Tags.lane(candidates)]
                if slot.holds(fingerprint), (slot.word ^ word) & 7 == 0 { return false }
                candidates &= candidates - 1
            }
            if tags[group].free != 0 { break }
            group = group + 1 == tags.count ? 0 : group + 1
        }
        let lane = Tags.lane(tags[group].free)
        tags[group].set(lane, fingerprint)
        slots[group * Tags.count + lane] = Slot(
            low: UInt32(truncatingIfNeeded: fingerprint), high: UInt32(truncatingIfNeeded: fingerprint >> 32),
            word: word)
        return true
    }

    /// The group where a fingerprint is looked for first; it goes by the highest bits.
    @inline(__always)
    private static func home(_ fingerprint: UInt64, _ count: Int) -> Int {
        Int(fingerprint.multipliedFullWidth(by: UInt64(count)).high)
    }

    /// A suffix that rules may be about.
    private struct Probe {
        var fingerprint: UInt64 = 0
        var group = 0
        /// Bytes from it to the name's end.
        var suffix = 0
        var tags = Tags()
    }

    /// The rule that decides about `name`, which is as `DomainName` has it: the longest suffix, and of two rules for the same
    /// one that which allows.
    package func match(_ name: UnsafeRawBufferPointer) -> NameMatch? {
        guard count > 0 else { return nil }
        return tags.withUnsafeBufferPointer { tags in
            slots.withUnsafeBufferPointer { slots in match(name, tags, slots) }
        }
    }

    /// What a large table costs is waiting for memory, so several suffixes' tags are asked for before the first is looked at.
    @inline(__always)
    private func match(
        _ name: UnsafeRawBufferPointer, _ tags: UnsafeBufferPointer<Tags>, _ slots: UnsafeBufferPointer<Slot>
    ) -> NameMatch? {
        var best: NameMatch?
        var walk = LabelWalk(name)
        var fingerprint = hash.empty
        var depth: UInt64 = 0
        while !walk.isOver {
            var probes = InlineArray<4, Probe>(repeating: Probe())
            var waiting = 0
            while waiting < 4, let label = walk.next() {
                fingerprint = hash.extended(fingerprint, by: label)
                depth += 1
                guard depths >> min(depth, 63) & 1 == 1 else { continue }
                probes[waiting] = Probe(
                    fingerprint: fingerprint, group: Self.home(fingerprint, tags.count), suffix: walk.suffix)
                waiting += 1
            }
            for index in 0..<waiting { probes[index].tags = tags[probes[index].group] }
            for index in 0..<waiting {
                let probe = probes[index]
                if let word = Self.find(probe, isWhole: probe.suffix == name.count, tags, slots) {
                    best = NameMatch(
                        scope: NameScope(rawValue: word & 3) ?? .tree, isAllowed: word & 4 != 0,
                        place: RulePlace(word >> 3), suffix: probe.suffix)
                }
            }
        }
        return best
    }

    /// What the rules for one suffix say about a name, of which it is the `isWhole` or a part.
    @inline(__always)
    private static func find(
        _ probe: Probe, isWhole: Bool, _ tags: UnsafeBufferPointer<Tags>, _ slots: UnsafeBufferPointer<Slot>
    ) -> UInt32? {
        var group = probe.group
        var here = probe.tags
        var found: UInt32?
        while true {
            var candidates = here.candidates(probe.fingerprint)
            while candidates != 0 {
                let slot = slots[group * Tags.count + Tags.lane(candidates)]
                candidates &= candidates - 1
                guard slot.holds(probe.fingerprint) else { continue }
                let fits =
                    switch NameScope(rawValue: slot.word & 3) {
                    case .exact: isWhole
                    case .below: !isWhole
                    case .tree, nil: true
                    }
                guard fits else { continue }
                if slot.word & 4 != 0 { return slot.word }
                found = found ?? slot.word
            }
            if here.free != 0 { return found }
            group = group + 1 == tags.count ? 0 : group + 1
            here = tags[group]
        }
    }

    fileprivate static func word(_ scope: NameScope, _ isAllowed: Bool, _ place: RulePlace) -> UInt32 {
        scope.rawValue | (isAllowed ? 4 : 0) | place.number << 3
    }

    /// Each label from the last to the first.
    fileprivate struct LabelWalk {
        private let name: UnsafeRawBufferPointer
        /// What is before here has not been looked at; below 0 when all has.
        private var end: Int

        init(_ name: UnsafeRawBufferPointer) {
            self.name = name
            end = name.count
        }

        var isOver: Bool { end < 0 }

        /// Bytes from the latest label to the name's end.
        var suffix: Int { name.count - end - 1 }

        @inline(__always)
        mutating func next() -> UnsafeRawBufferPointer? {
            guard end >= 0 else { return nil }
            var start = end
            while start >= 8 {
                let dots = Self.dots(name.loadUnaligned(fromByteOffset: start - 8, as: UInt64.self).littleEndian)
                start -= dots == 0 ? 8 : dots.leadingZeroBitCount / 8
                if dots != 0 { break }
            }
            while start > 0, name[start - 1] != UInt8(ascii: ".") { start -= 1 }
            let label = UnsafeRawBufferPointer(rebasing: name[start..<end])
            end = start - 1
            return label
        }

        /// The highest bit of each byte that is a dot.
        @inline(__always)
        private static func dots(_ bytes: UInt64) -> UInt64 {
            let low: UInt64 = 0x7f7f_7f7f_7f7f_7f7f
            let difference = bytes ^ 0x2e2e_2e2e_2e2e_2e2e
            return ~((difference & low &+ low) | difference | low)
        }
    }
}
