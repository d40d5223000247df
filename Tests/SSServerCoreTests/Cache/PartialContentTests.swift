import SSCommon
import Testing

@testable import SSServerCore

@Suite("Parts of one object (RFC 9111 3.4)")
struct PartialContentTests {
    private static let whole = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }

    /// A part of `whole`, or all of it.
    private func part(_ range: Range<UInt64>, etag: String = "\"a\"") throws -> StoredResponse {
        let exchange = Exchange(["ETag: \(etag)", "Cache-Control: max-age=60"])
        var body = BlockBytes()
        Self.whole[Int(range.lowerBound)..<Int(range.upperBound)].withUnsafeBytes { body.append($0, expected: nil) }
        return StoredResponse(
            exchange.key, nil, try exchange.judged().get(), try exchange.head(), body,
            part: range == 0..<1000 ? nil : range, length: 1000, origin: nil, cost: 0)
    }

    private func bytes(_ stored: StoredResponse) -> [UInt8] {
        var all: [UInt8] = []
        while let piece = stored.piece(at: all.count, limit: .max) { piece.withBytes { all += $0 } }
        return all
    }

    @Test(
        "Parts that touch or overlap become one, byte for byte",
        arguments: [
            (0..<100, 100..<200, 0..<200), (100..<200, 0..<100, 0..<200), (0..<150, 100..<200, 0..<200),
            (100..<200, 0..<150, 0..<200), (0..<500, 500..<1000, nil), (500..<1000, 0..<500, nil),
            (0..<300, 100..<200, 0..<300), (10..<20, 19..<1000, 10..<1000), (999..<1000, 0..<999, nil),
        ] as [(Range<UInt64>, Range<UInt64>, Range<UInt64>?)])
    func combined(old: Range<UInt64>, new: Range<UInt64>, expected: Range<UInt64>?) throws {
        let combined = try #require(try part(new).combined(with: try part(old)))
        #expect(combined.part == expected && combined.length == 1000)
        let range = expected ?? 0..<1000
        #expect(bytes(combined) == Array(Self.whole[Int(range.lowerBound)..<Int(range.upperBound)]))
    }

    @Test("Parts that leave a gap, or bring nothing new, stay apart")
    func apart() throws {
        #expect(try part(0..<100).combined(with: try part(101..<200)) == nil)
        #expect(try part(300..<400).combined(with: try part(0..<299)) == nil)
        #expect(try part(0..<300).combined(with: try part(100..<200)) == nil)
    }

    @Test(
        "Only a strong tag that is the same joins parts",
        arguments: [("\"b\"", "\"a\""), ("W/\"a\"", "W/\"a\""), ("\"a\"", "W/\"a\"")])
    func tags(old: String, new: String) throws {
        #expect(try part(100..<200, etag: new).combined(with: try part(0..<100, etag: old)) == nil)
    }

    @Test(
        "What a 206 says of its part is read, or it is of no use",
        arguments: [
            ("bytes 0-9/100", "\"a\"", true), ("bytes 0-9/*", "\"a\"", false), ("bytes 0-9/100", "W/\"a\"", false),
            ("bytes 0-8/100", "\"a\"", false), ("bytes */100", "\"a\"", false), ("bytes 95-104/100", "\"a\"", false),
            ("items 0-9/100", "\"a\"", false), ("bytes 9-0/100", "\"a\"", false), ("", "\"a\"", false),
        ])
    func read(range: String, etag: String, isGood: Bool) throws {
        let response = try answer(["Content-Range: \(range)", "ETag: \(etag)", "Content-Length: 10"], status: 206)
        #expect((PartialContent(response) != nil) == isGood)
    }

    @Test("A kept part answers what lies in it, and nothing else")
    func answered() throws {
        let kept = try part(100..<200)
        func status(_ range: String) throws -> Int? {
            KeptAnswer(kept, to: CacheRequest(try question(["Range: \(range)"])), now: someTime)?.status
        }
        #expect(try status("bytes=100-199") == 206 && status("bytes=150-150") == 206)
        #expect(try status("bytes=99-199") == nil && status("bytes=100-200") == nil && status("bytes=-1") == nil)
        #expect(try status("bytes=1000-") == 416)
        #expect(KeptAnswer(kept, to: CacheRequest(try question()), now: someTime) == nil)
    }
}
