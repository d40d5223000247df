import SSCommon
import Testing

struct JSONDocumentTests {
    static func parse(_ text: String) -> JSONDocument { JSONDocument(Array(text.utf8), path: "t") }

    static func json(_ value: JSONValue) -> String {
        switch value.kind {
        case .null: "null"
        case .bool(let flag): "\(flag)"
        case .number(let digits): digits
        case .string(let text): "<\(text)>"
        case .array(let values): "[" + values.map(json).joined(separator: " ") + "]"
        case .object(let members): "{" + members.map { "\($0.key):\(json($0.value))" }.joined(separator: " ") + "}"
        }
    }

    @Test(
        "JSON and the liberties of configurations are read",
        arguments: [
            ("{}", "{}"), (" [ ] ", "[]"), ("null", "null"), ("-0.5e+3", "-0.5e+3"), ("0x1F", "0x1F"),
            (#"{"a":1,"b":[true,false,null]}"#, "{a:1 b:[true false null]}"),
            ("{\"a\":1,}", "{a:1}"), ("[1,2,]", "[1 2]"),
            ("// x\n{/* y */\"a\"/**/:/***/1// z\r\n}//", "{a:1}"),
            ("{'a':'b\"c'}", "{a:<b\"c>}"), ("{a_b$9:1, c-d:2}", "{a_b$9:1 c-d:2}"),
            (#""\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00\'""#, "<\"\\/\u{8}\u{c}\n\r\tAé😀'>"),
            ("\u{feff}{\u{a0}}", "{}"), (#"{"a":1,"a":2}"#, "{a:1 a:2}"), ("\"tab\there\"", "<tab\there>"),
        ])
    func reads(text: String, expected: String) throws {
        let document = Self.parse(text)
        #expect(document.faults.isEmpty)
        #expect(Self.json(try #require(document.root)) == expected)
    }

    @Test("every value and key knows its bytes")
    func spans() throws {
        let text = #"{"é": [1, "x"]}"#
        let document = Self.parse(text)
        guard case .object(let members) = try #require(document.root).kind,
            case .array(let values) = members[0].value.kind
        else {
            Issue.record("not an object with an array")
            return
        }
        #expect(members[0].keySpan == SourceSpan(1, 5))
        #expect(members[0].value.span == SourceSpan(7, 15))
        #expect(values.map(\.span) == [SourceSpan(8, 9), SourceSpan(11, 14)])
        #expect(document.source.position(of: 7) == (1, 7))
    }

    @Test(
        "what is not JSON is reported where it is",
        arguments: [
            ("", "C005 0 the file is empty"), (" // only\n", "C005 9 the file is empty"),
            ("{", "C003 0 this bracket is never closed"), ("[1,", "C003 0 this bracket is never closed"),
            (#"{"a""#, "C003 4 the file ends too early"), (#"{"a":"#, "C003 5 the file ends too early"),
            (#"{"a" 1}"#, "C003 5 unexpected \"1\""), (#"{"a"=1}"#, "C003 4 \"=\" between key and value"),
            (#"{"a":1 "b":2}"#, "C003 7 unexpected \"b\""),
            ("{\"a\":\"b\n}", "C003 5 this string never ends"), ("/*", "C003 0 this comment never ends"),
            ("[tru]", "C003 1 \"tru\" is no value"), ("[01]", "C003 1 \"01\" is no number"),
            ("[1.]x", "C003 4 unexpected \"x\""), ("[+]", "C003 1 \"+\" is no number"),
            (#"["\x"]"#, "C003 2 unknown escape in a string"), (#"["\u12"]"#, "C003 2 unknown escape in a string"),
            (#"["\ud800"]"#, "C003 2 unknown escape in a string"),
            (#"["\udc00"]"#, "C003 2 unknown escape in a string"),
            (#"["\ud800\u0041"]"#, "C003 2 unknown escape in a string"),
            (#"["\u0000"]"#, "C003 2 unknown escape in a string"),
            ("[\"\u{1}\"]", "C003 2 control character in a string"), ("{1:2}", "C003 1 unexpected \"1\""),
            ("[1]]", "C003 3 unexpected \"]\""), ("[}", "C003 1 unexpected \"}\""),
            ("{“a”:1}", "C003 1 typographic quotes"), ("[\"\\", "C003 1 this string never ends"),
            ("[1,,2]", "C003 3 a comma too many"), ("{,}", "C003 1 a comma too many"),
            ("[NaN]", "C003 1 \"NaN\" is no value"),
        ])
    func faults(text: String, expected: String) {
        let fault = Self.parse(text).faults.first
        #expect(fault.map { "\($0.code.rawValue) \($0.span.start) \($0.message)" } == expected)
    }

    @Test("a forgotten or superfluous comma does not hide what comes after")
    func commas() throws {
        let document = Self.parse("{\"a\":1\n\"b\":[1,,2],\n\"c\":3\n\"d\":4}")
        #expect(document.faults.count == 3)
        #expect(Self.json(try #require(document.root)) == "{a:1 b:[1 2] c:3 d:4}")
    }

    @Test(
        "bytes that are no UTF-8 are reported at the first of them",
        arguments: [
            ([0x22, 0xff], 1), ([0x22, 0xc3], 1), ([0x22, 0xc0, 0x80, 0x22], 1), ([0x22, 0xed, 0xa0, 0x80, 0x22], 1),
            ([0x22, 0xf4, 0x90, 0x80, 0x80], 1), ([0x7b, 0x7d, 0x00], 2), ([0xff, 0xfe, 0x7b, 0x00], 0),
            ([0x22, 0xe2, 0x82], 1), ([0x2f, 0x2f, 0x80], 2),
        ] as [([UInt8], Int)])
    func badText(bytes: [UInt8], offset: Int) {
        let document = JSONDocument(bytes, path: "t")
        #expect(document.root == nil)
        #expect(document.faults.map(\.code) == [.badText])
        #expect(document.faults.first?.span.start == offset)
    }

    @Test("a hundred thousand brackets are refused without a trap", arguments: ["[", "{\"a\":", "[{\"a\":["])
    func deep(piece: String) {
        let document = Self.parse(String(repeating: piece, count: 100_000))
        #expect(document.faults.map(\.code) == [.nestedTooDeep])
    }

    @Test("depth is refused beyond the limit and not at it")
    func depthLimit() {
        let limit = JSONDocument.depthLimit
        let nested = { (depth: Int) in String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        #expect(Self.parse(nested(limit)).root != nil)
        #expect(Self.parse(nested(limit + 1)).root == nil)
    }

    @Test("a file over the limit is refused and not kept")
    func tooLarge() {
        let document = JSONDocument([UInt8](repeating: 0x20, count: JSONDocument.sizeLimit + 1), path: "t")
        #expect(document.faults.map(\.code) == [.fileTooLarge])
        #expect(document.source.bytes.isEmpty)
    }

    @Test(
        "whole numbers are read in every spelling and nothing else is one",
        arguments: [
            ("0", 0), ("8388", 8388), ("-1", -1), ("+7", 7), ("0x20C4", 8388), ("0x", nil), ("1.0", nil), ("1e3", nil),
            ("99999999999999999999", nil), ("0x-5", nil), ("--1", nil), ("", nil),
        ] as [(String, Int?)])
    func integers(text: String, expected: Int?) {
        #expect(JSONNumber.integer(text) == expected)
    }

    @Test(
        "numbers of JSON and JSON5 are legal and near misses are not",
        arguments: [
            ("0", true), ("-0", true), ("0.5", true), (".5", true), ("5.", true), ("1e9", true), ("1E-9", true),
            ("0xff", true), ("", false), (".", false), ("-", false), ("1e", false), ("00", false), ("0x", false),
            ("1..2", false), ("1e+", false), ("0xg", false), ("1-", false),
        ])
    func legality(text: String, expected: Bool) {
        #expect(JSONNumber.isLegal(text) == expected)
    }
}
