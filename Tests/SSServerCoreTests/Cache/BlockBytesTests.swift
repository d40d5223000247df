import Testing

@testable import SSServerCore

@Suite("Bytes in blocks")
struct BlockBytesTests {
    private func bytes(_ count: Int, _ random: inout SplitMix) -> [UInt8] {
        let start = Int.random(in: 0..<1 << 20, using: &random)
        return (start..<(start + count)).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
    }

    private func append(_ more: [UInt8], to blocks: inout BlockBytes, expected: Int? = nil) {
        more.withUnsafeBytes { blocks.append($0, expected: expected) }
    }

    /// All from `offset` on, in pieces of at most `limit`.
    private func read(_ blocks: BlockBytes, from offset: Int = 0, limit: Int = 1 << 30) -> [UInt8] {
        var result: [UInt8] = []
        while let piece = blocks.piece(at: offset + result.count, limit: limit) {
            #expect(piece.count > 0 && piece.count <= limit)
            piece.withBytes { result += $0 }
        }
        return result
    }

    @Test("What is appended is read from every offset, however it came", arguments: [1, 2, 3, 4] as [UInt64])
    func model(seed: UInt64) {
        var random = SplitMix(seed)
        for _ in 0..<20 {
            var blocks = BlockBytes()
            var model: [UInt8] = []
            let expected = Bool.random(using: &random) ? Int.random(in: 0...300_000, using: &random) : nil
            for _ in 0..<Int.random(in: 0...12, using: &random) {
                let largest = [1, 100, 5000, 70_000].randomElement(using: &random) ?? 1
                let more = bytes(Int.random(in: 0...largest, using: &random), &random)
                append(more, to: &blocks, expected: expected)
                model += more
                #expect(blocks.count == model.count)
            }
            #expect(read(blocks) == model && blocks.byteCount >= model.count)
            for _ in 0..<20 {
                let offset = Int.random(in: 0...model.count, using: &random)
                let limit = Int.random(in: 1...20_000, using: &random)
                #expect(blocks.piece(at: offset, limit: limit) != nil || offset == model.count)
                if limit > 100 { #expect(read(blocks, from: offset, limit: limit) == Array(model[offset...])) }
            }
        }
    }

    @Test("There is nothing at the end, beyond it, before the beginning, or without a limit")
    func outside() {
        var blocks = BlockBytes()
        #expect(blocks.piece(at: 0, limit: 1) == nil && blocks.count == 0 && blocks.byteCount == 0)
        append([1, 2, 3], to: &blocks)
        for offset in [3, 4, -1, Int.max, Int.min] { #expect(blocks.piece(at: offset, limit: 5) == nil) }
        #expect(blocks.piece(at: 0, limit: 0) == nil && blocks.piece(at: 0, limit: -1) == nil)
    }

    @Test("There is no limit that is too large", arguments: [0, 1, 4095, 4096, 69_999])
    func unlimited(offset: Int) throws {
        var random = SplitMix(9)
        let model = bytes(70_000, &random)
        var blocks = BlockBytes()
        append(model, to: &blocks)
        let piece = try #require(blocks.piece(at: offset, limit: .max))
        #expect(piece.withBytes { Array($0) } == Array(model[offset..<(offset + piece.count)]))
    }

    @Test("What is known to be this long takes no more than that", arguments: [1024, 5000, 65_536, 65_537, 200_000])
    func expected(count: Int) {
        var random = SplitMix(UInt64(count))
        let model = bytes(count, &random)
        var blocks = BlockBytes()
        for start in stride(from: 0, to: count, by: 777) {
            append(Array(model[start..<min(count, start + 777)]), to: &blocks, expected: count)
        }
        #expect(read(blocks) == model && blocks.byteCount < count + 1024)
    }

    @Test("More than was said to come is kept too")
    func moreThanExpected() {
        var random = SplitMix(5)
        let model = bytes(150_000, &random)
        var blocks = BlockBytes()
        append(model, to: &blocks, expected: 10)
        #expect(read(blocks) == model)
    }

    @Test("What readers hold stays what it was, whatever is appended or let go", arguments: [1, 2, 3] as [UInt64])
    func heldPieces(seed: UInt64) {
        var random = SplitMix(seed)
        var blocks = BlockBytes()
        var model: [UInt8] = []
        var dropped = 0
        var held: [(BodyPiece, [UInt8])] = []
        for _ in 0..<60 {
            let more = bytes(Int.random(in: 0...30_000, using: &random), &random)
            append(more, to: &blocks)
            model += more
            let offset = Int.random(in: dropped...model.count, using: &random)
            if let piece = blocks.piece(at: offset, limit: 40_000) {
                held.append((piece, Array(model[offset..<(offset + piece.count)])))
            }
            if Bool.random(using: &random) {
                dropped = Int.random(in: dropped...model.count, using: &random)
                blocks.drop(before: dropped)
            }
            #expect(blocks.count == model.count)
            #expect(read(blocks, from: dropped) == Array(model[dropped...]))
        }
        for (piece, expected) in held { #expect(piece.withBytes { Array($0) } == expected) }
    }

    @Test("What is let go takes no memory, and what is before it is nothing or what it was")
    func drop() {
        var random = SplitMix(3)
        let model = bytes(1_000_000, &random)
        var blocks = BlockBytes()
        append(model, to: &blocks)
        blocks.drop(before: 900_000)
        #expect(blocks.byteCount <= 100_000 + 2 * BlockBytes.blockSize)
        #expect(blocks.piece(at: 0, limit: 10) == nil)
        #expect(read(blocks, from: 900_000) == Array(model[900_000...]))
        blocks.drop(before: 100)
        #expect(read(blocks, from: 900_000) == Array(model[900_000...]))
        blocks.drop(before: .max)
        let more = bytes(100_000, &random)
        append(more, to: &blocks)
        #expect(read(blocks, from: 1_000_000) == more && blocks.count == 1_100_000)
    }

    @Test(
        "Fitted, the bytes are the same and take hardly more than they are",
        arguments: [0, 1, 100, 1024, 4095, 4096, 4097, 5000, 32_768, 32_769, 65_536, 69_632, 70_000, 200_000])
    func fitted(count: Int) {
        var random = SplitMix(UInt64(count) + 1)
        let model = bytes(count, &random)
        for expected in [nil, count, count / 2] as [Int?] {
            var blocks = BlockBytes()
            for start in stride(from: 0, to: count, by: 1500) {
                append(Array(model[start..<min(count, start + 1500)]), to: &blocks, expected: expected)
            }
            let fitted = blocks.fitted
            #expect(fitted.count == count && read(fitted) == model && read(blocks) == model)
            #expect(fitted.byteCount <= count + 2048)
            #expect(fitted.fitted.byteCount == fitted.byteCount)
        }
    }
}
