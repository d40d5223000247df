import SSCommon
import Testing

@testable import sslocal

struct ReadBody: Equatable {
    var data: [UInt8] = []
    var trailers: [String]?
    var ended = false
    var rest: [UInt8] = []
}

/// Feeds segments to a body reader like the exchange does.
func readBody(
    _ segments: [[UInt8]], _ framing: HTTPFraming, tolerant: Bool = false
) throws(HTTPFault) -> ReadBody {
    var reader = HTTPBodyReader(framing, tolerant: tolerant)
    var body = ReadBody()
    var input: [UInt8] = []
    for segment in segments {
        input += segment
        reading: while !body.ended {
            switch try reader.next(input.span.bytes) {
            case .needMore: break reading
            case .framing(let count): input.removeFirst(count)
            case .data(let count):
                body.data += input[..<count]
                input.removeFirst(count)
            case .end(let trailers, let consumed):
                input.removeFirst(consumed)
                body.trailers = trailers.map(described)
                body.ended = true
            }
        }
    }
    body.rest = input
    return body
}

@Suite struct HTTPBodyReaderTests {
    @Test("a counted body in every cut")
    func counted() throws {
        for cut in feeds(latin1("hello, next")) {
            #expect(
                try readBody(cut, .length(5)) == ReadBody(data: latin1("hello"), ended: true, rest: latin1(", next")))
        }
        #expect(try readBody([latin1("next")], .none) == ReadBody(ended: true, rest: latin1("next")))
    }

    @Test("a chunked body with extensions and trailers in every cut")
    func chunked() throws {
        let text = "5;a=b;c=\"d e\"\r\nhello\r\n00A\r\n, worldly \r\n0;x\r\nX-Sum: 1\r\nY: 2\r\n\r\nGET"
        for cut in feeds(latin1(text)) {
            #expect(
                try readBody(cut, .chunked)
                    == ReadBody(
                        data: latin1("hello, worldly "), trailers: ["X-Sum=1", "Y=2"], ended: true,
                        rest: latin1("GET")))
        }
    }

    @Test("a body until the close is everything and never ends by itself")
    func untilClose() throws {
        for cut in feeds(latin1("abc")) {
            #expect(try readBody(cut, .untilClose) == ReadBody(data: latin1("abc")))
        }
    }

    static let malformedChunks: [(String, HTTPFault)] = [
        ("\r\n", .chunkSizeInvalid), ("x\r\n", .chunkSizeInvalid), ("-1\r\n", .chunkSizeInvalid),
        ("+1\r\n", .chunkSizeInvalid), ("0x1\r\n", .chunkSizeInvalid), (" 1\r\n", .chunkSizeInvalid),
        ("1 \r\n", .chunkSizeInvalid), ("1\nx\r\n", .chunkSizeInvalid), ("1\rx", .chunkSizeInvalid),
        ("1;a\nx", .chunkSizeInvalid), ("1;a\0\r\nx", .chunkSizeInvalid), ("1;a\rb\r\nx", .chunkSizeInvalid),
        ("FFFFFFFFFFFFFFFF\r\n", .chunkSizeInvalid), ("8000000000000000\r\n", .chunkSizeInvalid),
        ("00000000000000001\r\n", .chunkSizeInvalid), ("10000000000000001\r\n", .chunkSizeInvalid),
        ("1;" + String(repeating: "a", count: 257) + "\r\nx\r\n", .chunkExtensionTooLong),
        ("1;" + String(repeating: "a", count: 5000), .chunkExtensionTooLong),
        ("1\r\nxx\r\n", .chunkEndMissing), ("1\r\nx\n0\r\n\r\n", .chunkEndMissing), ("1\r\nx\rx", .chunkEndMissing),
        ("0\r\nX : a\r\n\r\n", .spaceBeforeColon), ("0\r\nX: a\n\r\n", .bareLineFeed),
        ("0\r\n X: a\r\n\r\n", .leadingSpace),
        ("0\r\n" + String(repeating: "X: a\r\n", count: 101), .tooManyFields),
    ]

    @Test("malformed chunks are refused in every cut", arguments: malformedChunks)
    func malformed(text: String, fault: HTTPFault) {
        for cut in feeds(latin1(text)) {
            #expect(throws: fault) { try readBody(cut, .chunked) }
        }
    }

    @Test("the longest extension and the most digits pass")
    func limits() throws {
        let text = "0000000000000001;" + String(repeating: "a", count: 254) + "\r\nx\r\n0\r\n\r\n"
        #expect(try readBody([latin1(text)], .chunked).data == latin1("x"))
        var reader = HTTPBodyReader(.chunked, tolerant: false)
        let largest = latin1("7FFFFFFFFFFFFFFF\r\n")
        guard case .framing(18) = try reader.next(largest.span.bytes) else {
            Issue.record("2^63-1 is a size")
            return
        }
    }

    @Test("a response may pad its chunk sizes with spaces")
    func padded() throws {
        for cut in feeds(latin1("3  \r\nabc\r\n0 \r\n\r\n")) {
            #expect(try readBody(cut, .chunked, tolerant: true).data == latin1("abc"))
        }
    }
}
