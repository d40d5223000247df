// Rules about addresses, laid flat: where prefixes lie in one another the longest counts, so what is looked up in the end is in
// which of many ranges beside one another an address lies. Of IPv4 the first sixteen bits say where to begin to look.
package import SSCommon

/// A rule that an address fits.
package struct AddressMatch: Hashable, Sendable {
    /// Bits of the prefix.
    package let length: Int
    package let isAllowed: Bool
    package let place: RulePlace
}

/// Immutable; looked at from any thread.
package struct AddressTable: Sendable {
    /// Collects rules.
    package struct Builder {
        fileprivate var ipv4: [Rule<UInt32>] = []
        fileprivate var ipv6: [Rule<UInt128>] = []

        package init() {}

        package var count: Int { ipv4.count + ipv6.count }

        package mutating func add(_ prefix: IPPrefix, isAllowed: Bool, at place: RulePlace) {
            let word = (isAllowed ? 1 : 0) | place.number << 1
            switch prefix.address {
            case .v4(let address):
                ipv4.append(Rule(first: address.value, length: UInt8(prefix.length), word: word))
            case .v6(let address):
                let first = UInt128(address.high) << 64 | UInt128(address.low)
                ipv6.append(Rule(first: first, length: UInt8(prefix.length), word: word))
            }
        }
    }

    fileprivate struct Rule<Number: FixedWidthInteger & UnsignedInteger & Sendable>: Sendable {
        /// The prefix's first address.
        var first: Number
        var length: UInt8
        var word: UInt32

        var last: Number { length == 0 ? .max : first | (length == Number.bitWidth ? 0 : Number.max >> Number(length)) }
    }

    private let ipv4: FlatRanges<UInt32>
    private let ipv6: FlatRanges<UInt128>
    /// For each value of the first sixteen bits of an IPv4 address, the first range that may hold such a one.
    private let starts: [UInt32]
    /// Rules.
    package let count: Int

    /// Bytes that the table takes.
    package var byteCount: Int { ipv4.byteCount + ipv6.byteCount + starts.count * 4 }

    package init(_ builder: consuming Builder) {
        count = builder.count
        ipv4 = FlatRanges(builder.ipv4)
        ipv6 = FlatRanges(builder.ipv6)
        var starts: [UInt32] = []
        if ipv4.count > 0 {
            starts.reserveCapacity(1 << 16)
            var range = 0
            for first in 0..<(UInt32(1) << 16) {
                // The last range that begins at or before the first such address.
                while range + 1 < ipv4.count, ipv4.start(range + 1) <= first << 16 { range += 1 }
                starts.append(UInt32(range))
            }
        }
        self.starts = starts
    }

    /// The rule that decides about `address`: the longest prefix, and of two rules for the same one that which allows.
    package func match(_ address: IPAddress) -> AddressMatch? {
        switch address {
        case .v4(let address):
            guard ipv4.count > 0 else { return nil }
            let high = Int(address.value >> 16)
            let upper = high + 1 < starts.count ? Int(starts[high + 1]) : ipv4.count - 1
            return ipv4.find(address.value, from: Int(starts[high]), through: upper)
        case .v6(let address):
            let value = UInt128(address.high) << 64 | UInt128(address.low)
            return ipv6.count > 0 ? ipv6.find(value, from: 0, through: ipv6.count - 1) : nil
        }
    }
}

/// Ranges beside one another that cover all numbers from the first's start on; some have no rule.
private struct FlatRanges<Number: FixedWidthInteger & UnsignedInteger & Sendable>: Sendable {
    private struct Range: Sendable {
        var start: Number
        /// `none` without a rule.
        var word: UInt32
    }

    private static var none: UInt32 { .max }

    private var ranges: [Range] = []
    /// Of the rules' prefixes; apart, so that more of what is searched fits a cache.
    private var lengths: [UInt8] = []

    var count: Int { ranges.count }
    var byteCount: Int { ranges.count * (MemoryLayout<Range>.stride + 1) }

    func start(_ index: Int) -> Number { ranges[index].start }

    init(_ rules: [AddressTable.Rule<Number>]) {
        // Wider ones first, so that each lies in those that are open when it comes; of the same ones first what allows.
        let sorted = rules.sorted {
            if $0.first != $1.first { return $0.first < $1.first }
            if $0.length != $1.length { return $0.length < $1.length }
            return $0.word & 1 > $1.word & 1
        }
        var open: [AddressTable.Rule<Number>] = []
        for rule in sorted {
            while let inner = open.last, inner.last < rule.first { close(&open, inner) }
            if let outer = open.last, outer.first == rule.first, outer.length == rule.length { continue }
            append(rule.first, rule)
            open.append(rule)
        }
        while let inner = open.last { close(&open, inner) }
        // Growing has left room that nothing will fill.
        ranges = Array(ranges[...])
        lengths = Array(lengths[...])
    }

    /// `inner` is over: what follows is its outer one's, or nobody's.
    private mutating func close(_ open: inout [AddressTable.Rule<Number>], _ inner: AddressTable.Rule<Number>) {
        open.removeLast()
        guard inner.last < .max else { return }
        append(inner.last + 1, open.last)
    }

    private mutating func append(_ start: Number, _ rule: AddressTable.Rule<Number>?) {
        // What was said to begin here is empty.
        if ranges.last?.start == start {
            ranges.removeLast()
            lengths.removeLast()
        }
        ranges.append(Range(start: start, word: rule?.word ?? Self.none))
        lengths.append(rule?.length ?? 0)
    }

    /// The rule of the range that holds `value`, which is one of `low` to `high`, or lies before the first.
    func find(_ value: Number, from low: Int, through high: Int) -> AddressMatch? {
        ranges.withUnsafeBufferPointer { ranges in
            // Every range before `low` begins at or before the value, none that is `count` or more behind it does.
            var (low, count) = (low, high + 1 - low)
            while count > 0 {
                let half = count / 2
                let isBefore = ranges[low + half].start <= value
                low = isBefore ? low + half + 1 : low
                count = isBefore ? count - half - 1 : half
            }
            guard low > 0, ranges[low - 1].word != Self.none else { return nil }
            let word = ranges[low - 1].word
            return AddressMatch(
                length: Int(lengths[low - 1]), isAllowed: word & 1 == 1, place: RulePlace(word >> 1))
        }
    }
}
