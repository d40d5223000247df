// Memory that the bytes of stored and growing answers lie in. Bytes are written once, behind those that readers know of, so
// readers on any thread need no lock and no copy.
internal import SSCommon

/// `@unchecked Sendable`: bytes below what a reader has been told of (through a lock) are never written again.
package final class BodyBlock: @unchecked Sendable {
    private let base: UnsafeMutableRawPointer
    package let capacity: Int

    package init(capacity: Int) {
        self.capacity = capacity
        base = .allocate(byteCount: max(1, capacity), alignment: 16)
    }

    deinit { base.deallocate() }

    /// Only by whoever fills the block, and only where nothing was before.
    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        precondition(offset >= 0 && offset + bytes.count <= capacity, "beyond the block")
        guard let source = bytes.baseAddress else { return }
        base.advanced(by: offset).copyMemory(from: source, byteCount: bytes.count)
    }

    /// All of it, before anybody reads it.
    package func fill(by body: (UnsafeMutableRawBufferPointer) -> Bool) -> Bool {
        body(UnsafeMutableRawBufferPointer(start: base, count: capacity))
    }

    package func piece(_ range: Range<Int>) -> BodyPiece {
        precondition(range.lowerBound >= 0 && range.upperBound <= capacity, "beyond the block")
        return BodyPiece(self, UnsafeRawBufferPointer(start: base.advanced(by: range.lowerBound), count: range.count))
    }

    package func withBytes<Result>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        piece(range).withBytes(body)
    }
}

/// Bytes in blocks, of which all but the last are full.
package struct BlockBytes: Sendable {
    /// Of all but the last, where it is known how many bytes will come.
    package static let blockSize = 256 * 1024
    /// Where it is not.
    package static let unknownBlockSize = 64 * 1024

    package private(set) var blocks: [BodyBlock] = []
    /// Bytes in each but the last, which the first may have fewer of where a small block was outgrown.
    private var ends: [Int] = []
    package private(set) var count = 0
    /// Where the first block begins.
    private var dropped = 0

    package init() {}

    /// `expected` is how many bytes will come in all, if that is known.
    package mutating func append(_ bytes: UnsafeRawBufferPointer, expected: Int?) {
        var rest = bytes
        while !rest.isEmpty {
            let start = ends.count > 1 ? ends[ends.count - 2] : dropped
            let room = blocks.last.map { $0.capacity - (count - start) } ?? 0
            guard room > 0 else {
                addBlock(expected)
                continue
            }
            let piece = min(room, rest.count)
            blocks[blocks.count - 1].write(UnsafeRawBufferPointer(rebasing: rest[..<piece]), at: count - start)
            count += piece
            ends[ends.count - 1] = count
            rest = UnsafeRawBufferPointer(rebasing: rest[piece...])
        }
    }

    private mutating func addBlock(_ expected: Int?) {
        let left = expected.map { min(max($0 - count, 1024), Self.blockSize) }
        blocks.append(BodyBlock(capacity: left ?? (blocks.isEmpty ? 4096 : Self.unknownBlockSize)))
        ends.append(count)
    }

    /// The bytes from `offset` on that lie in one block; at most `limit`. Nil at the end.
    package func piece(at offset: Int, limit: Int) -> BodyPiece? {
        guard offset >= dropped, offset < count, limit > 0 else { return nil }
        var (low, high) = (0, ends.count)
        while low < high {
            let middle = (low + high) / 2
            if ends[middle] <= offset { low = middle + 1 } else { high = middle }
        }
        let start = low > 0 ? ends[low - 1] : dropped
        let end = min(ends[low], offset + min(limit, count - offset))
        return BodyPiece(block: blocks[low], range: offset - start..<end - start)
    }

    /// Bytes that need not lie side by side.
    package func withContiguous<Result>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        if let piece = piece(at: range.lowerBound, limit: range.count), piece.count == range.count {
            return piece.withBytes(body)
        }
        return withUnsafeTemporaryAllocation(byteCount: range.count, alignment: 16) { room in
            var offset = range.lowerBound
            while offset < range.upperBound, let piece = piece(at: offset, limit: range.upperBound - offset) {
                let start = offset - range.lowerBound
                piece.withBytes { UnsafeMutableRawBufferPointer(rebasing: room[start...]).copyMemory(from: $0) }
                offset += piece.count
            }
            return body(UnsafeRawBufferPointer(room))
        }
    }

    /// Lets go of blocks that end at or before `offset`, which nobody reads any more. Offsets stay what they were.
    package mutating func drop(before offset: Int) {
        let over = ends.dropLast().prefix { $0 <= offset }.count
        guard over > 0 else { return }
        dropped = ends[over - 1]
        blocks.removeFirst(over)
        ends.removeFirst(over)
    }

    /// Bytes of memory that the blocks take.
    package var byteCount: Int { blocks.reduce(0) { $0 + $1.capacity } }

    /// Of bytes of which none were dropped: the same without much room at the end.
    package var fitted: BlockBytes {
        let start = ends.count > 1 ? ends[ends.count - 2] : 0
        guard let last = blocks.last, last.capacity - (count - start) > 2048 else { return self }
        let block = BodyBlock(capacity: count - start)
        last.withBytes(0..<count - start) { block.write($0, at: 0) }
        var fitted = self
        fitted.blocks[blocks.count - 1] = block
        return fitted
    }
}

/// Some bytes that lie side by side, for as long as this lives. `@unchecked Sendable`: they are never written again.
package struct BodyPiece: @unchecked Sendable {
    /// Whose memory it is.
    private let owner: AnyObject
    private let bytes: UnsafeRawBufferPointer

    /// `bytes` live as long as `owner`, and do not change.
    init(_ owner: AnyObject, _ bytes: UnsafeRawBufferPointer) {
        self.owner = owner
        self.bytes = bytes
    }

    package init(block: BodyBlock, range: Range<Int>) { self = block.piece(range) }

    package var count: Int { bytes.count }

    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withExtendedLifetime(owner) { body(bytes) }
    }
}
