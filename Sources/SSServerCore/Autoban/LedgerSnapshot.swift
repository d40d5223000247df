// What a ledger knows, as bytes: so that who has failed twice before a restart is banned at the third time after it. Numbers are
// little-endian. Whoever reads it takes what is whole of it and nothing of what is not.
internal import SSCommon

package enum LedgerSnapshot {
    /// Of this layout.
    private static let version: UInt8 = 1

    package static func encode(_ forEachRecord: ((BanLedger.Record) -> Void) -> Void) -> [UInt8] {
        var bytes: [UInt8] = [version]
        forEachRecord { record in
            bytes.append(record.source.isIPv6 ? 6 : 4)
            append(record.source.number, 8, to: &bytes)
            append(UInt64(record.lastGood), 4, to: &bytes)
            append(UInt64(record.moments.count), 2, to: &bytes)
            for moment in record.moments {
                append(UInt64(moment.time), 4, to: &bytes)
                append(moment.bad, 8, to: &bytes)
                append(moment.good, 8, to: &bytes)
            }
        }
        return bytes
    }

    package static func decode(_ bytes: [UInt8], _ body: (BanLedger.Record) -> Void) {
        var rest = bytes[...]
        guard rest.popFirst() == version else { return }
        while let family = rest.popFirst() {
            guard family == 4 || family == 6, let number = take(8, from: &rest), let lastGood = take(4, from: &rest),
                let count = take(2, from: &rest), let source = source(family, number)
            else { return }
            var moments: [BanLedger.Record.Moment] = []
            for _ in 0..<count {
                guard let time = take(4, from: &rest), let bad = take(8, from: &rest), let good = take(8, from: &rest),
                    bad < 1 << 48, good < 1 << 48
                else { return }
                moments.append(.init(time: UInt32(time), bad: bad, good: good))
            }
            body(BanLedger.Record(source: source, lastGood: UInt32(lastGood), moments: moments))
        }
    }

    private static func source(_ family: UInt8, _ number: UInt64) -> BanSource? {
        if family == 6 { return BanSource(.v6(IPv6Address(high: number, low: 0))) }
        return UInt32(exactly: number).map { BanSource(.v4(IPv4Address($0))) }
    }

    private static func append(_ number: UInt64, _ count: Int, to bytes: inout [UInt8]) {
        for index in 0..<count { bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(8 * index))) }
    }

    private static func take(_ count: Int, from bytes: inout ArraySlice<UInt8>) -> UInt64? {
        guard bytes.count >= count else { return nil }
        defer { bytes.removeFirst(count) }
        return bytes.prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
