// Parts of one object, put together (RFC 9111 3.4, RFC 9110 15.3.7.3): only under the same strong validator, and only where they
// touch. What is kept is one part without a gap, until it is the whole.
package import SSCommon

/// What a 206 says of the part that it brings.
package struct PartialContent: Hashable, Sendable {
    /// Bytes of the whole.
    package let range: Range<UInt64>
    /// Of the whole.
    package let length: UInt64

    /// Nil for what can never be put together with anything: several parts, a length that nobody knows, no strong validator.
    package init?(_ response: HTTPResponse) {
        guard response.status == 206, let text = response.head.value(named: "content-range"),
            let said = ContentRange(text), let length = said.length,
            let etag = response.head.value(named: "etag").flatMap({ EntityTag($0) }), !etag.isWeak
        else { return nil }
        if case .length(let count) = response.framing, count != UInt64(said.range.count) { return nil }
        range = said.range
        self.length = length
    }
}

extension StoredHead {
    /// The head that the whole has of which this is the head of a part.
    package var ofWhole: StoredHead {
        guard status == 206 else { return self }
        var writer = HTTPHeadWriter(capacity: lines.count)
        for (name, value) in fields where !equalIgnoringCase(name, "content-range") {
            writer.raw(name)
            writer.text(": ")
            writer.raw(value)
            writer.text("\r\n")
        }
        return StoredHead(status: 200, reason: Array("OK".utf8), lines: writer.bytes)
    }
}

extension StoredResponse {
    /// This part with what `other`, which is older, has on either side of it; nil if they are not of the same object, leave a
    /// gap between them, nothing would be won, it would be more than `limit`, or so little is new that copying is not worth it.
    package func combined(with other: StoredResponse, limit: Int = .max) -> StoredResponse? {
        guard let part, other.file == nil, other.length == length, other.variant == variant,
            let etag = head.etag, other.head.etag.map(etag.matchesStrongly) == true
        else { return nil }
        let old = other.part ?? 0..<other.length
        guard old.lowerBound <= part.upperBound, part.lowerBound <= old.upperBound,
            old.lowerBound < part.lowerBound || old.upperBound > part.upperBound
        else { return nil }
        let all = min(old.lowerBound, part.lowerBound)..<max(old.upperBound, part.upperBound)
        let expected = all.count
        guard expected <= limit, part.count >= old.count / Self.leastGrowth else { return nil }
        var bytes = BlockBytes()
        other.append(all.lowerBound..<max(all.lowerBound, part.lowerBound), to: &bytes, expected: expected)
        append(part, to: &bytes, expected: expected)
        other.append(min(part.upperBound, all.upperBound)..<all.upperBound, to: &bytes, expected: expected)
        guard bytes.count == expected else { return nil }
        return StoredResponse(
            key, variant, terms, head, bytes, part: all == 0..<length ? nil : all, length: length, origin: origin,
            cost: cost)
    }

    /// A part of fewer than this share of what is there is not put to it: it would be copied again and again.
    private static let leastGrowth = 64

    /// Bytes of the whole that lie in this one.
    private func append(_ range: Range<UInt64>, to bytes: inout BlockBytes, expected: Int) {
        guard let content = content(range) else { return }
        var offset = content.lowerBound
        while offset < content.upperBound, let piece = piece(at: offset, limit: content.upperBound - offset) {
            piece.withBytes { bytes.append($0, expected: expected) }
            offset += piece.count
        }
    }
}
