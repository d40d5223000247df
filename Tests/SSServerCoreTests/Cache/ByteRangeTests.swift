import SSCommon
import Testing

@testable import SSServerCore

@Suite("Ranges of bytes (RFC 9110 14)")
struct ByteRangeTests {
    @Test(
        "One range of bytes is read",
        arguments: [
            ("bytes=0-0", .from(0, through: 0)), ("bytes=0-", .from(0, through: nil)),
            ("bytes=5-10", .from(5, through: 10)),
            ("bytes=-5", .last(5)), ("Bytes=1-2", .from(1, through: 2)), ("BYTES=-1", .last(1)),
            ("bytes= 1-2 ", .from(1, through: 2)), ("bytes=007-008", .from(7, through: 8)), ("bytes=-0", .last(0)),
            ("bytes=9223372036854775-", .from(9_223_372_036_854_775, through: nil)),
        ] as [(String, ByteRange)])
    func valid(text: String, expected: ByteRange) {
        #expect(ByteRange(within(text)) == expected)
    }

    @Test(
        "Several ranges, other units and what cannot be read are ignored (RFC 9110 14.2)",
        arguments: [
            "", "bytes", "bytes=", "bytes=-", "bytes", "=0-1", "byte=0-1", "bytess=0-1", "bytes 0-1", "bytes=0",
            "bytes=a-b",
            "bytes=0-b", "bytes=a-1", "bytes=--1", "bytes=0--1", "bytes=1-0", "bytes=+0-1", "bytes=0-+1", "bytes=0x0-1",
            "bytes=0.0-1", "bytes=0 -1", "bytes=0- 1", "bytes=0-1,2-3", "bytes=0-1,", "bytes=0-1, -5", "bytes=-5,0-1",
            "bytes=0-1;x", "items=0-1", "bytes=0-1\u{0}", "\u{0}", "bytes=\"0-1\"", "bytes =0-1",
        ])
    func ignored(text: String) {
        #expect(ByteRange(within(text)) == nil)
    }

    @Test(
        "Numbers beyond all bounds are ignored or mean the end, and no trap (RFC 9110 14.1.1)",
        arguments: [
            "9223372036854775806", "9223372036854775807", "9223372036854775808", "18446744073709551615",
            "18446744073709551616", String(repeating: "9", count: 500),
        ])
    func huge(digits: String) {
        for text in ["bytes=0-\(digits)", "bytes=-\(digits)"] {
            if let range = ByteRange(within(text)) { #expect(range.resolved(in: 10) == 0..<10) }
        }
        for text in ["bytes=\(digits)-", "bytes=\(digits)-\(digits)"] {
            if let range = ByteRange(within(text)) { #expect(range.resolved(in: 10) == nil) }
        }
    }

    @Test(
        "Which bytes a range means (RFC 9110 14.1.2)",
        arguments: [
            (.from(0, through: 9), 10, 0..<10), (.from(0, through: 0), 10, 0..<1), (.from(9, through: 9), 10, 9..<10),
            (.from(9, through: 100), 10, 9..<10), (.from(3, through: nil), 10, 3..<10),
            (.from(10, through: nil), 10, nil),
            (.from(10, through: 20), 10, nil), (.last(1), 10, 9..<10), (.last(10), 10, 0..<10), (.last(11), 10, 0..<10),
            (.last(0), 10, nil), (.from(0, through: nil), 0, nil), (.from(0, through: 5), 0, nil), (.last(0), 0, nil),
            (.last(.max), 10, 0..<10),
        ] as [(ByteRange, UInt64, Range<UInt64>?)])
    func resolution(range: ByteRange, length: UInt64, expected: Range<UInt64>?) {
        #expect(range.resolved(in: length) == expected)
    }

    @Test(
        "Content-Range of a part is read (RFC 9110 14.4)",
        arguments: [
            ("bytes 0-0/1", 0..<1, 1), ("bytes 42-1233/1234", 42..<1234, 1234), ("bytes 42-1233/*", 42..<1234, nil),
            ("BYTES 0-9/10", 0..<10, 10), ("bytes 00-09/010", 0..<10, 10),
        ] as [(String, Range<UInt64>, UInt64?)])
    func contentRange(text: String, range: Range<UInt64>, length: UInt64?) throws {
        let read = try #require(ContentRange(within(text)))
        #expect(read.range == range && read.length == length)
    }

    @Test(
        "A Content-Range that says nothing, or what cannot be, is none",
        arguments: [
            "", "bytes", "bytes ", "bytes */10", "bytes */*", "bytes 0-9", "bytes 0-9/", "bytes 0-/10", "bytes -9/10",
            "bytes 9-0/10", "bytes 0-10/10", "bytes 0-9/5", "bytes=0-9/10", "items 0-9/10", "bytes 0-9/10/10",
            "bytes 0-9-10/11", "bytes a-9/10", "bytes 0-9/a", "bytes 0-9/**", "bytes  0-9/10", "bytes 0 - 9/10",
            "bytes 0-9/ 10", "bytes +0-9/10", "bytes 0-9/10,bytes 0-9/10", "bytes 0-9/10\u{0}", "\u{0}",
            "bytes 0-99999999999999999999/999999999999999999999", "bytes 0-18446744073709551615/*",
            "bytes 18446744073709551615-18446744073709551615/*",
        ])
    func badContentRange(text: String) {
        #expect(ContentRange(within(text)) == nil)
    }

    @Test("What breaks off never means more bytes than are there")
    func truncated() {
        let text = "bytes 10-19/200"
        for end in text.indices {
            if let read = ContentRange(within(String(text[..<end]))), let length = read.length {
                #expect(read.range.upperBound <= length)
            }
        }
        #expect(ByteRange(within("bytes=10")) == nil && ByteRange(within("bytes=10-")) == .from(10, through: nil))
    }
}
