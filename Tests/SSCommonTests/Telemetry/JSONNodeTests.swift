import Foundation
import Testing

@testable import SSCommon

struct JSONNodeTests {
    /// What our own reader makes of the text, as a node again; numbers as they are written.
    private static func read(_ value: JSONValue) -> JSONNode {
        switch value.kind {
        case .null: .null
        case .bool(let flag): .bool(flag)
        case .number(let text): Int64(text).map { .number($0) } ?? .decimal(Double(text) ?? .nan)
        case .string(let text): .string(text)
        case .array(let elements): .array(elements.map(read))
        case .object(let members): .object(members.map { .init(key: $0.key, value: read($0.value)) })
        }
    }

    private static func roundTrip(_ node: JSONNode) throws -> JSONNode {
        let document = JSONDocument(Array(node.text.utf8), path: "t")
        #expect(document.faults.isEmpty, "\(node.text)")
        return read(try #require(document.root))
    }

    @Test("Any text comes back as it was, and no line, quote or control byte gets out of its string")
    func text() throws {
        // Our reader takes no NUL, wherever it comes from.
        var texts = (1...0x600).compactMap { Unicode.Scalar($0).map { "a\(Character($0))\"\\b" } }
        texts += ["", "\r\n", "</script>", "\u{2028}\u{2029}", "👨‍👩‍👧", "\u{10ffff}", "\u{feff}", "\u{85}", "\\u0041"]
        for text in texts {
            let written = JSONNode.object([.init(key: text, value: .string(text))])
            #expect(try Self.roundTrip(written) == written)
            for scalar in written.text.unicodeScalars {
                #expect(scalar.value >= 0x20 && !(0x7f..<0xa0).contains(scalar.value), "\(text.debugDescription)")
                #expect(scalar != "\u{2028}" && scalar != "\u{2029}")
            }
        }
    }

    @Test("The escapes are JSON's own")
    func escapes() {
        #expect(JSONNode.string("\u{0}").text == #""\u0000""#)
        #expect(JSONNode.string("\"\\/\n\u{1}\u{7f}\u{9f}é\u{2028}").text == #""\"\\/\u000a\u0001\u007f\u009fé\u2028""#)
    }

    @Test("Trees of every kind come back, members in their order, and other readers take them too")
    func trees() throws {
        var random = SystemRandomNumberGenerator()
        func node(_ depth: Int) -> JSONNode {
            switch Int.random(in: 0..<(depth == 0 ? 4 : 6), using: &random) {
            case 0: .null
            case 1: .bool(.random(using: &random))
            case 2: .number(.random(in: (.min + 1)...(.max), using: &random))
            case 3: .string(String((0..<Int.random(in: 0...5)).map { _ in "\"\\a\n é😀".randomElement()! }))
            case 4: .array((0..<Int.random(in: 0...4)).map { _ in node(depth - 1) })
            default: .object((0..<Int.random(in: 0...4)).map { .init(key: "k\($0)", value: node(depth - 1)) })
            }
        }
        for _ in 0..<300 {
            let tree = node(4)
            #expect(try Self.roundTrip(tree) == tree)
            #expect(!tree.text.contains("\n"))
            #expect(throws: Never.self) {
                _ = try JSONSerialization.jsonObject(with: Data(tree.text.utf8), options: .fragmentsAllowed)
            }
        }
    }

    @Test("Numbers are written whole, decimals with three places, and nil is null")
    func numbers() {
        #expect(JSONNode.number(.min).text == "-9223372036854775808")
        #expect(JSONNode.count(.max).text == "18446744073709551615")
        #expect(JSONNode.decimal(0.1 + 0.2).text == "0.3")
        #expect(JSONNode.decimal(-1234.56789).text == "-1234.568")
        #expect(JSONNode.decimal(2).text == "2.0")
        for value in [1e300, -1e300, .leastNonzeroMagnitude, 123_456_789_012_345.6, .greatestFiniteMagnitude] {
            #expect(JSONNumber.isLegal(JSONNode.decimal(value).text), "\(value)")
        }
        #expect(JSONNode(nil as String?).text == "null")
        #expect(JSONNode(nil as UInt64?).text == "null")
        let node: JSONNode = .members(["b": 1, "a": .array(["x", .null, .bool(true)])])
        #expect(node.text == #"{"b":1,"a":["x",null,true]}"#)
    }
}
