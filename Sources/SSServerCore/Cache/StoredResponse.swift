// An answer that is kept. It is never changed: what a 304 renews is another value with the same body.
package import SSCommon
package import Synchronization

/// A body that is not in memory. Every call may take as long as a disk does.
package protocol StoredFile: Sendable {
    /// Open for reading, and to be read though the file goes; nil if it cannot be had.
    func opened() -> (any StoredFileReader)?
}

package protocol StoredFileReader: Sendable {
    /// The block with the byte at `offset`, and where it begins; nil if it cannot be read, or is not what was written.
    func block(at offset: Int) -> (block: BodyBlock, start: Int)?
}

package final class StoredResponse: Sendable {
    /// A body of at most so many bytes lies in one block with its head.
    static let packedBody = 32 * 1024

    package let key: CacheKey
    /// Nil where it varies in nothing.
    package let variant: VariantKey?
    package let terms: StoredTerms
    package let head: StoredHead
    /// Empty where the body is in a file.
    package let body: BlockBytes
    package let file: (any StoredFile)?
    /// Bytes of the body, wherever it is.
    package let bodyCount: Int
    /// The bytes of the whole that the body is; all of them but for a part (RFC 9111 3.3).
    package let part: Range<UInt64>?
    /// Of the whole.
    package let length: UInt64
    /// Where it came from; nil where that is not known.
    package let origin: IPAddress?
    /// Milliseconds from the question to the last byte.
    package let cost: UInt32
    /// Whether it is on disk, or on its way there.
    package let isWritten = Atomic(false)

    package init(
        _ key: CacheKey, _ variant: VariantKey?, _ terms: StoredTerms, _ head: StoredHead, _ body: BlockBytes,
        part: Range<UInt64>? = nil, length: UInt64? = nil, origin: IPAddress?, cost: UInt32
    ) {
        self.key = key
        self.variant = variant
        self.terms = terms
        self.head = head
        self.body = body.packed(Self.packedBody)
        file = nil
        bodyCount = body.count
        self.part = part
        self.length = length ?? UInt64(body.count)
        self.origin = origin
        self.cost = cost
    }

    /// One whose body is in a file.
    package init(
        _ key: CacheKey, _ variant: VariantKey?, _ terms: StoredTerms, _ head: StoredHead, file: any StoredFile,
        count: Int, origin: IPAddress?, cost: UInt32
    ) {
        self.key = key
        self.variant = variant
        self.terms = terms
        self.head = head
        body = BlockBytes()
        self.file = file
        isWritten.store(true, ordering: .relaxed)
        bodyCount = count
        part = nil
        length = UInt64(count)
        self.origin = origin
        self.cost = cost
    }

    /// The same, renewed.
    package func renewed(_ terms: StoredTerms, _ head: StoredHead) -> StoredResponse {
        if let file {
            return StoredResponse(key, variant, terms, head, file: file, count: bodyCount, origin: origin, cost: cost)
        }
        return StoredResponse(
            key, variant, terms, head, body, part: part, length: length, origin: origin, cost: cost)
    }

    /// Bytes of memory, with what the tables about it take.
    package var byteCount: Int {
        let names = variant.map { $0.values.count + 64 * ($0.names.count + 1) } ?? 0
        return Self.overhead + key.bytes.count + head.lines.count + body.byteCount + names
    }

    /// The object itself, its arrays' headers, its places in the tables: what a process grew by for thousands of small ones
    /// (docs/performance.md), less what is counted above.
    private static let overhead = 800

    /// Whether it is what a request asks for, as far as fields of the request decide.
    package func matches(_ request: HTTPHead) -> Bool { variant?.matches(request) ?? true }
}
