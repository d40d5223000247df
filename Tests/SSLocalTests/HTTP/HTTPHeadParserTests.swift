import SSCommon
import Testing

@testable import sslocal

/// Feeds segments to a head parser; nil if they end before the head does.
func parseHead(
    _ segments: [[UInt8]], _ kind: HTTPHeadParser.Kind = .request
) throws(HTTPFault) -> (head: HTTPHead, rest: [UInt8])? {
    var parser = HTTPHeadParser(kind)
    var input: [UInt8] = []
    var found: (HTTPHead, Int)?
    for segment in segments {
        input += segment
        if found == nil, let (head, consumed) = try parser.parse(input.span.bytes) { found = (head, consumed) }
    }
    guard let (head, consumed) = found else { return nil }
    return (head, Array(input[consumed...]))
}

/// A head as text, for comparing: "name=value" per field.
func described(_ head: HTTPHead) -> [String] {
    head.fields.map {
        String(decoding: head.name($0), as: UTF8.self) + "=" + String(decoding: head.value($0), as: UTF8.self)
    }
}

@Suite struct HTTPHeadParserTests {
    @Test("a head in every cut, with what follows it left alone")
    func everyCut() throws {
        let text = "GET http://a/ HTTP/1.1\r\nHost: a\r\nX-Empty:\r\nX:  b\tc \r\n\r\nbody"
        for cut in feeds(latin1(text)) {
            let result = try #require(try parseHead(cut))
            #expect(described(result.head) == ["Host=a", "X-Empty=", "X=b\tc"])
            #expect(result.rest == latin1("body"))
        }
    }

    @Test("a value keeps bytes that are no UTF-8")
    func bytesSurvive() throws {
        let result = try #require(try parseHead([latin1("GET / HTTP/1.1\r\nX: caf\u{e9}\r\n\r\n")]))
        #expect(Array(result.head.value(result.head.fields[0])) == [99, 97, 102, 0xe9])
    }

    @Test("empty lines before a request are skipped, a few of them")
    func emptyLines() throws {
        let head = "GET / HTTP/1.1\r\n\r\n"
        for cut in feeds(latin1("\r\n\r\n" + head + "x")) {
            let result = try #require(try parseHead(cut))
            #expect(result.rest == latin1("x"))
            #expect(String(decoding: result.head.bytes[result.head.startLine], as: UTF8.self) == "GET / HTTP/1.1")
        }
        #expect(throws: HTTPFault.badRequestLine) {
            try parseHead([latin1(String(repeating: "\r\n", count: 5) + head)])
        }
    }

    static let malformedHeads: [(String, HTTPFault)] = [
        ("GET / HTTP/1.1\nHost: a\r\n\r\n", .bareLineFeed),
        ("GET / HTTP/1.1\r\nHost: a\n\r\n", .bareLineFeed),
        ("GET / HTTP/1.1\r\nHost: a\r\n\n", .bareLineFeed),
        ("\nGET / HTTP/1.1\r\n\r\n", .bareLineFeed),
        ("GET / HTTP/1.1\rHost: a\r\n\r\n", .bareCarriageReturn),
        ("GET / HTTP/1.1\r\nX: a\rb\r\n\r\n", .bareCarriageReturn),
        ("GET / HTTP/1.1\r\nX: a\r\r\n\r\n", .bareCarriageReturn),
        ("GET / HTTP/1.1\r\nX: a\0b\r\n\r\n", .controlByte),
        ("GET / HTTP/1.1\r\nX: a\u{b}\r\n\r\n", .controlByte),
        ("GET / HTTP/1.1\r\nX\u{7f}: a\r\n\r\n", .controlByte),
        ("GET /\0 HTTP/1.1\r\n\r\n", .controlByte),
        ("GET / HTTP/1.1\r\n X: a\r\n\r\n", .leadingSpace),
        ("GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n", .foldedLine),
        ("GET / HTTP/1.1\r\nX: a\r\n\tb\r\n\r\n", .foldedLine),
        ("GET / HTTP/1.1\r\nX\r\n\r\n", .missingColon),
        ("GET / HTTP/1.1\r\nX : a\r\n\r\n", .spaceBeforeColon),
        ("GET / HTTP/1.1\r\nX\t: a\r\n\r\n", .spaceBeforeColon),
        ("GET / HTTP/1.1\r\n: a\r\n\r\n", .badFieldName),
        ("GET / HTTP/1.1\r\nX Y: a\r\n\r\n", .badFieldName),
        ("GET / HTTP/1.1\r\nX\u{e9}: a\r\n\r\n", .badFieldName),
        ("GET / HTTP/1.1\r\nX(: a\r\n\r\n", .badFieldName),
        ("GET /\r\n", .badRequestLine),
        ("GET\r\n", .badRequestLine),
        ("GET  / HTTP/1.1\r\n", .badRequestLine),
        ("GET / HTTP/1.1 \r\n", .badRequestLine),
        ("GET /\t HTTP/1.1\r\n", .badRequestLine),
        ("G(T / HTTP/1.1\r\n", .badRequestLine),
        ("GET / http/1.1\r\n", .badVersion),
        ("GET / HTTP/1.10\r\n", .badVersion),
        ("GET / HTTP/0.9\r\n", .badVersion),
        ("GET / HTTP/2.0\r\n", .unsupportedVersion),
        ("PRI * HTTP/2.0\r\n", .unsupportedVersion),
    ]

    @Test("malformed heads are refused in every cut", arguments: malformedHeads)
    func malformed(text: String, fault: HTTPFault) {
        for cut in feeds(latin1(text)) {
            #expect(throws: fault) { try parseHead(cut) }
        }
    }

    @Test("sizes are bounded, and the largest allowed pass")
    func sizes() throws {
        let line = { (count: Int) in "GET /" + String(repeating: "a", count: count - 14) + " HTTP/1.1" }
        #expect(try parseHead([latin1(line(8192) + "\r\n\r\n")]) != nil)
        #expect(throws: HTTPFault.requestLineTooLong) { try parseHead([latin1(line(8193) + "\r\n\r\n")]) }
        #expect(throws: HTTPFault.requestLineTooLong) { try parseHead([[UInt8](repeating: 65, count: 9000)]) }

        let field = { (count: Int) in "GET / HTTP/1.1\r\nX: " + String(repeating: "a", count: count - 23) + "\r\n\r\n" }
        #expect(try parseHead([latin1(field(32 * 1024))]) != nil)
        #expect(throws: HTTPFault.headTooLarge) { try parseHead([latin1(field(32 * 1024 + 1))]) }
        #expect(throws: HTTPFault.headTooLarge) {
            try parseHead([latin1("GET / HTTP/1.1\r\nX: " + String(repeating: "a", count: 40_000))])
        }

        let fields = { (count: Int) in "GET / HTTP/1.1\r\n" + String(repeating: "X: a\r\n", count: count) + "\r\n" }
        #expect(try parseHead([latin1(fields(100))]) != nil)
        #expect(throws: HTTPFault.tooManyFields) { try parseHead([latin1(fields(101))]) }
    }

    @Test(
        "a fold leaves no space at an end of a value",
        arguments: [
            ("X: a\r\n \r\n", "X=a"), ("X:\r\n b\r\n", "X=b"), ("X:\r\n\t\r\n \r\n", "X="),
            ("X: a\n \n\t \n b \n \n", "X=a       b"), ("X: \r\n \r\n\tb\r\nY: c\r\n \r\n", "X=b"),
        ])
    func folds(fields: String, first: String) throws {
        for cut in feeds(latin1("HTTP/1.1 200 OK\r\n" + fields + "\r\n")) {
            let result = try #require(try parseHead(cut, .response))
            #expect(described(result.head).first == first)
        }
    }

    @Test("a response may end lines in LF, fold, and put space before a colon; it is written anew")
    func tolerance() throws {
        let text = "HTTP/1.1 200 Fine thanks\nX : a\r\n  b\nServer: s\r\n\nrest"
        for cut in feeds(latin1(text)) {
            let result = try #require(try parseHead(cut, .response))
            #expect(
                described(result.head) == ["X=a    b", "Server=s"] || described(result.head) == ["X=a   b", "Server=s"])
            #expect(!described(result.head).joined().contains("\n"))
            #expect(result.rest == latin1("rest"))
        }
    }

    @Test(
        "a broken response is refused",
        arguments: [
            "HTTP/1.1 20 x\r\n\r\n", "HTTP/1.1 2000 x\r\n\r\n", "HTTP/1.1 abc x\r\n\r\n", "HTTP/2 200\r\n\r\n",
            "HTTP/1.1 099 x\r\n\r\n", "HTTP/1.1 600 x\r\n\r\n", "SSH-2.0-OpenSSH\r\n",
            "HTTP/1.1 200 x\r\nX: \0\r\n\r\n",
            "HTTP/1.1 200 x\r\nX: a\rb\r\n\r\n", "HTTP/1.1 200 x\r\n X: a\r\n\r\n",
        ])
    func brokenResponses(text: String) {
        for cut in feeds(latin1(text)) {
            #expect(throws: HTTPFault.self) { try parseHead(cut, .response) }
        }
    }

    @Test("a status line may lack its reason")
    func noReason() throws {
        for line in ["HTTP/1.1 204", "HTTP/1.1 204 "] {
            let head = try #require(try parseHead([latin1(line + "\r\n\r\n")], .response)).head
            #expect(try HTTPResponse(head, toHEAD: false).status == 204)
        }
    }
}
