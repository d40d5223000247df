// A kept answer as a file: a head that says what it is, the body, and at the end what the body's blocks sum up to. Nothing of it
// is believed before its sum is right, so that what a crash has torn, and what somebody else has put there, is never served.
internal import SSCommon

/// 64 bits of bytes, with a key of the store's own: not against forgers who have the key, but against chance and old files.
package struct DiskSum: Sendable {
    package static let keyLength = ShortHash.keyLength

    private let hash: ShortHash

    /// `key` has `keyLength` bytes.
    package init(key: [UInt8]) { hash = ShortHash(key: key) }

    /// The same bytes at another `offset` of a body have another sum.
    package func sum(_ bytes: UnsafeRawBufferPointer, at offset: Int = 0) -> UInt64 {
        hash.hash(bytes) ^ UInt64(offset) &* 0x9e37_79b9_7f4a_7c15
    }

    package func sum(_ bytes: [UInt8]) -> UInt64 { bytes.withUnsafeBytes { sum($0) } }
}

package enum DiskRecord {
    /// Bytes of the body that one sum is of.
    package static let blockSize = 64 * 1024
    /// Bytes that a head may take.
    package static let maximumHead = 96 * 1024
    /// Magic, length of the head, sum of the head.
    package static let prefixCount = 24
    private static let magic: UInt64 = 0x3130_6568_6361_4373

    /// What stands in front of the body.
    package static func front(_ response: StoredResponse, _ sum: DiskSum) -> [UInt8] {
        var head = DiskWriter()
        head.bytes(response.key.bytes)
        head.number(response.variant == nil ? 0 : 1)
        if let variant = response.variant {
            head.number(UInt64(variant.names.count))
            for name in variant.names { head.bytes(name) }
            head.bytes(variant.values)
        }
        let stored = response.head
        head.number(UInt64(stored.status))
        head.bytes(stored.reason)
        head.bytes(stored.lines)
        let terms = response.terms
        head.number(UInt64(terms.source.rawValue))
        for number in [
            terms.received, terms.initialAge, terms.lifetime, terms.staleWhileRevalidate, terms.staleIfError,
            terms.mustAsk ? 1 : 0, terms.mustNotBeStale ? 1 : 0, UInt64(response.cost), UInt64(response.bodyCount),
        ] {
            head.number(number)
        }
        head.bytes(response.origin.map { Array("\($0)".utf8) } ?? [])
        var front = DiskWriter()
        front.number(magic)
        front.number(UInt64(head.written.count))
        front.number(sum.sum(head.written))
        return front.written + head.written
    }

    /// What stands behind it.
    package static func back(_ response: StoredResponse, _ sum: DiskSum) -> [UInt8] {
        back(
            stride(from: 0, to: response.bodyCount, by: blockSize).map { offset in
                let end = min(offset + blockSize, response.bodyCount)
                return response.withContiguous(offset..<end) { sum.sum($0, at: offset) }
            })
    }

    /// The same of sums that are known.
    package static func back(_ sums: [UInt64]) -> [UInt8] {
        var back = DiskWriter()
        for sum in sums { back.number(sum) }
        return back.written
    }

    /// Bytes that the sums of a body take.
    package static func backCount(_ bodyCount: Int) -> Int { (bodyCount + blockSize - 1) / blockSize * 8 }

    /// How long the head is that a file begins with; nil if it is none of ours.
    package static func headCount(_ prefix: [UInt8]) -> Int? {
        var reader = DiskReader(prefix)
        guard reader.number() == magic, let count = reader.number(), count <= UInt64(maximumHead) else { return nil }
        return Int(count)
    }

    /// What a head says; nil if it is not whole. The body is `file`'s.
    package static func read(
        _ prefix: [UInt8], _ head: [UInt8], _ sum: DiskSum, file: (Int) -> any StoredFile
    ) -> StoredResponse? {
        var start = DiskReader(prefix)
        _ = start.number()
        _ = start.number()
        guard start.number() == sum.sum(head) else { return nil }
        var reader = DiskReader(head)
        guard let key = reader.bytes(), let variant = variant(&reader), let status = reader.number(),
            let reason = reader.bytes(), let lines = reader.bytes(),
            let source = reader.number().flatMap({ StoredTerms.Source(rawValue: UInt8(clamping: $0)) })
        else { return nil }
        var numbers: [UInt64] = []
        for _ in 0..<9 { reader.number().map { numbers.append($0) } }
        guard numbers.count == 9, let origin = reader.bytes(), let count = Int(exactly: numbers[8]) else { return nil }
        let terms = StoredTerms(
            source: source, received: numbers[0], initialAge: numbers[1], lifetime: numbers[2],
            staleWhileRevalidate: numbers[3], staleIfError: numbers[4], mustAsk: numbers[5] == 1,
            mustNotBeStale: numbers[6] == 1)
        return StoredResponse(
            CacheKey(bytes: key), variant.first, terms,
            StoredHead(status: Int(clamping: status), reason: reason, lines: lines), file: file(count), count: count,
            origin: IPAddress(String(decoding: origin, as: UTF8.self)), cost: UInt32(clamping: numbers[7]))
    }

    /// None or one.
    private static func variant(_ reader: inout DiskReader) -> [VariantKey]? {
        guard let flag = reader.number() else { return nil }
        guard flag == 1 else { return [] }
        guard let count = reader.number(), count <= UInt64(VariantKey.maximumFields) else { return nil }
        var names: [[UInt8]] = []
        for _ in 0..<count {
            guard let name = reader.bytes() else { return nil }
            names.append(name)
        }
        guard let values = reader.bytes() else { return nil }
        return [VariantKey(names: names, values: values)]
    }
}

private struct DiskWriter {
    var written: [UInt8] = []

    mutating func number(_ value: UInt64) { withUnsafeBytes(of: value.littleEndian) { written += $0 } }

    mutating func bytes(_ value: [UInt8]) {
        number(UInt64(value.count))
        written += value
    }
}

private struct DiskReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    mutating func number() -> UInt64? {
        guard rest.count >= 8 else { return nil }
        defer { rest = rest.dropFirst(8) }
        return rest.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    mutating func bytes() -> [UInt8]? {
        guard let count = number(), count <= UInt64(rest.count) else { return nil }
        defer { rest = rest.dropFirst(Int(count)) }
        return Array(rest.prefix(Int(count)))
    }
}
