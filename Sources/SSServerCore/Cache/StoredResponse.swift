// An answer that is kept. It is never changed: what a 304 renews is another value with the same body.
package import SSCommon
package import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// A body that is not in memory. Every call may take as long as a disk does.
package protocol StoredFile: Sendable {
    /// Open for reading, and to be read though the file goes; nil if it cannot be had.
    func opened() -> (any StoredFileReader)?
}

package protocol StoredFileReader: Sendable {
    /// The block with the byte at `offset`, and where it begins; nil if it cannot be read, or is not what was written.
    func block(at offset: Int) -> (block: BodyBlock, start: Int)?
}

/// Small ones are two allocations and no more: hundreds of thousands of them are what memory is for. `@unchecked Sendable`: its
/// bytes are written before anybody has it, and never again.
package final class StoredResponse: @unchecked Sendable {
    /// A body of at most so many bytes lies with the head.
    static let packedBody = 32 * 1024

    /// What few have.
    private final class More: Sendable {
        let variant: VariantKey?
        let body: BlockBytes?
        let file: (any StoredFile)?
        let part: Range<UInt64>?
        let length: UInt64

        init(
            _ variant: VariantKey?, _ body: BlockBytes?, _ file: (any StoredFile)?, _ part: Range<UInt64>?,
            _ length: UInt64
        ) {
            self.variant = variant
            self.body = body
            self.file = file
            self.part = part
            self.length = length
        }
    }

    /// The key, the reason, the head's lines, and the body if it is small.
    private let base: UnsafeMutableRawPointer
    private let more: More?
    /// Bytes of the body, wherever it is.
    package let bodyCount: Int
    private let received: UnixSeconds
    private let keyCount: UInt32
    private let linesCount: UInt32
    private let initialAge: UInt32
    private let lifetime: UInt32
    private let staleWhileRevalidate: UInt32
    private let staleIfError: UInt32
    /// Milliseconds from the question to the last byte.
    package let cost: UInt32
    private let reasonCount: UInt16
    private let statusCode: UInt16
    private let source: StoredTerms.Source
    private let mustAsk: Bool
    private let mustNotBeStale: Bool
    /// Whether it is on disk, or on its way there.
    package let isWritten: Atomic<Bool>
    /// Where it came from; nil where that is not known.
    package let origin: IPAddress?

    /// One whose body is in memory.
    package convenience init(
        _ key: CacheKey, _ variant: VariantKey?, _ terms: StoredTerms, _ head: StoredHead, _ body: BlockBytes,
        part: Range<UInt64>? = nil, length: UInt64? = nil, origin: IPAddress?, cost: UInt32
    ) {
        self.init(
            key, variant, terms, head, small: { body.piece(at: $0, limit: .max) },
            large: body.count > Self.packedBody ? body.fitted : nil, file: nil, count: body.count, part: part,
            length: length ?? UInt64(body.count), origin: origin, cost: cost)
    }

    /// One whose body is in a file.
    package convenience init(
        _ key: CacheKey, _ variant: VariantKey?, _ terms: StoredTerms, _ head: StoredHead, file: any StoredFile,
        count: Int, origin: IPAddress?, cost: UInt32
    ) {
        self.init(
            key, variant, terms, head, small: { _ in nil }, large: nil, file: file, count: count, part: nil,
            length: UInt64(count), origin: origin, cost: cost)
    }

    private init(
        _ key: CacheKey, _ variant: VariantKey?, _ terms: StoredTerms, _ head: StoredHead,
        small: (Int) -> BodyPiece?, large: BlockBytes?, file: (any StoredFile)?, count: Int, part: Range<UInt64>?,
        length: UInt64, origin: IPAddress?, cost: UInt32
    ) {
        let reason = head.reason.prefix(Int(UInt16.max))
        let names = key.bytes.count + reason.count + head.lines.count
        let isSmall = large == nil && file == nil
        let byteCount = names + (isSmall ? count : 0)
        let base = UnsafeMutableRawPointer.allocate(byteCount: max(1, byteCount), alignment: 8)
        var filled = 0
        func add(_ bytes: UnsafeRawBufferPointer) {
            precondition(filled + bytes.count <= byteCount, "beyond the memory")
            UnsafeMutableRawBufferPointer(start: base + filled, count: bytes.count).copyMemory(from: bytes)
            filled += bytes.count
        }
        key.bytes.withUnsafeBytes(add)
        reason.withUnsafeBytes(add)
        head.lines.withUnsafeBytes(add)
        while isSmall, filled < byteCount, let piece = small(filled - names) { piece.withBytes(add) }
        precondition(filled == byteCount, "a body with a gap")
        let isUsual = isSmall && variant == nil && part == nil && length == UInt64(count)
        self.base = base
        more = isUsual ? nil : More(variant, large, file, part, length)
        bodyCount = count
        keyCount = UInt32(key.bytes.count)
        linesCount = UInt32(head.lines.count)
        reasonCount = UInt16(reason.count)
        statusCode = UInt16(clamping: head.status)
        received = terms.received
        initialAge = UInt32(clamping: terms.initialAge)
        lifetime = UInt32(clamping: terms.lifetime)
        staleWhileRevalidate = UInt32(clamping: terms.staleWhileRevalidate)
        staleIfError = UInt32(clamping: terms.staleIfError)
        source = terms.source
        mustAsk = terms.mustAsk
        mustNotBeStale = terms.mustNotBeStale
        isWritten = Atomic(file != nil)
        self.origin = origin
        self.cost = cost
    }

    deinit { base.deallocate() }

    private func bytes(at offset: Int, _ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base + offset, count: count)
    }

    private var reasonStart: Int { Int(keyCount) }
    private var linesStart: Int { reasonStart + Int(reasonCount) }
    private var bodyStart: Int { linesStart + Int(linesCount) }

    /// Nil where it varies in nothing.
    package var variant: VariantKey? { more?.variant }
    package var file: (any StoredFile)? { more?.file }
    /// The bytes of the whole that the body is; all of them but for a part (RFC 9111 3.3).
    package var part: Range<UInt64>? { more?.part }
    /// Of the whole.
    package var length: UInt64 { more?.length ?? UInt64(bodyCount) }
    package var status: Int { Int(statusCode) }

    /// A copy.
    package var key: CacheKey { CacheKey(bytes: Array(bytes(at: 0, Int(keyCount)))) }

    var keyHash: Int { CacheKey.hash(bytes(at: 0, Int(keyCount))) }

    package func hasKey(_ key: CacheKey) -> Bool {
        key.bytes.count == Int(keyCount)
            && key.bytes.withUnsafeBytes { memcmp($0.baseAddress ?? UnsafeRawPointer(base), base, $0.count) == 0 }
    }

    /// A copy.
    package var head: StoredHead {
        StoredHead(
            status: status, reason: Array(bytes(at: reasonStart, Int(reasonCount))),
            lines: Array(bytes(at: linesStart, Int(linesCount))))
    }

    /// Bytes of the head's lines.
    var lineCount: Int { Int(linesCount) }

    /// The head's lines to the end of a head that is being written.
    func writeLines(_ writer: inout HTTPHeadWriter) { writer.raw(bytes(at: linesStart, Int(linesCount))) }

    func writeReason(_ writer: inout HTTPHeadWriter) { writer.raw(bytes(at: reasonStart, Int(reasonCount))) }

    package var terms: StoredTerms {
        StoredTerms(
            source: source, received: received, initialAge: UInt64(initialAge), lifetime: UInt64(lifetime),
            staleWhileRevalidate: UInt64(staleWhileRevalidate), staleIfError: UInt64(staleIfError), mustAsk: mustAsk,
            mustNotBeStale: mustNotBeStale)
    }

    /// The bytes of the body from `offset` on that lie side by side; at most `limit`. Nil at the end, and for a body in a file.
    package func piece(at offset: Int, limit: Int) -> BodyPiece? {
        if let body = more?.body { return body.piece(at: offset, limit: limit) }
        guard more?.file == nil, offset >= 0, offset < bodyCount, limit > 0 else { return nil }
        return BodyPiece(self, bytes(at: bodyStart + offset, min(limit, bodyCount - offset)))
    }

    /// Some bytes of a body that is in memory.
    package func withContiguous<Result>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        if let blocks = more?.body { return blocks.withContiguous(range, body) }
        precondition(more?.file == nil && range.lowerBound >= 0 && range.upperBound <= bodyCount, "beyond the body")
        return withExtendedLifetime(self) { body(bytes(at: bodyStart + range.lowerBound, range.count)) }
    }

    /// The same, renewed.
    package func renewed(_ terms: StoredTerms, _ head: StoredHead) -> StoredResponse {
        StoredResponse(
            key, variant, terms, head, small: { self.piece(at: $0, limit: .max) }, large: more?.body, file: file,
            count: bodyCount, part: part, length: length, origin: origin, cost: cost)
    }

    /// Bytes of memory, with what the tables about it take.
    package var byteCount: Int {
        let variant = variant.map { $0.values.count + 64 * ($0.names.count + 1) } ?? 0
        let body = more.map { ($0.body?.byteCount ?? ($0.file == nil ? bodyCount : 0)) + 256 } ?? bodyCount
        return Self.overhead + bodyStart + variant + body
    }

    /// The object itself and its places in the tables: what a process grew by for thousands of small ones
    /// (docs/performance.md), less what is counted above.
    private static let overhead = 240

    /// Whether it is what a request asks for, as far as fields of the request decide.
    package func matches(_ request: HTTPHead) -> Bool { variant?.matches(request) ?? true }
}
