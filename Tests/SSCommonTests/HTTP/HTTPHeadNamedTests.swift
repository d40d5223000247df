import SSCommon
import Testing

@Suite("Fields of a head by name")
struct HTTPHeadNamedTests {
    private func head(_ fields: [String]) throws -> HTTPHead {
        let bytes = [UInt8]((["HTTP/1.1 200 OK"] + fields + ["", ""]).joined(separator: "\r\n").utf8)
        var parser = HTTPHeadParser(.response)
        return try #require(try parser.parse(bytes.span.bytes)).head
    }

    private func texts(_ slices: [ArraySlice<UInt8>]) -> [String] { slices.map { String(decoding: $0, as: UTF8.self) } }

    /// Of a list in the midst of other bytes, as in a head.
    private func members(_ text: String) -> [String] {
        let bytes = [UInt8]((",\"" + text + "\",").utf8)
        return texts(HTTPHead.members(bytes.dropFirst(2).dropLast(2)))
    }

    @Test("The values of all lines of a name come in order, in whatever case the name is written")
    func values() throws {
        let head = try head(["Vary: a", "X-Vary: no", "VARY:", "vary:  b, c\t", "Var: no"])
        #expect(texts(head.values(named: "vary")) == ["a", "", "b, c"])
        #expect(texts(head.values(named: "Vary")) == ["a", "", "b, c"])
        #expect(texts(head.values(named: [UInt8]("vArY".utf8)[...])) == ["a", "", "b, c"])
        #expect(head.values(named: "var-").isEmpty && head.values(named: "ary").isEmpty)
        #expect(head.values(named: ([] as [UInt8])[...]).isEmpty)
    }

    @Test("One value is one line, neither none nor several")
    func onlyOne() throws {
        let head = try head(["ETag: \"a\"", "Expires: 0", "expires: 0", "Empty:"])
        #expect(head.value(named: "etag").map { texts([$0]) } == ["\"a\""])
        #expect(head.value(named: "expires") == nil)
        #expect(head.value(named: "age") == nil)
        #expect(head.value(named: "empty")?.isEmpty == true)
    }

    @Test("A field is there in any case, empty or not")
    func presence() throws {
        let head = try head(["Set-Cookie:", "ETag: x"])
        #expect(head.has("set-cookie") && head.has("etag") && head.has("ETAG"))
        #expect(!head.has("set-cookie2") && !head.has("cookie") && !head.has("etags"))
    }

    @Test("Lists of several lines are one list")
    func manyLines() throws {
        let head = try head(["Vary: a , b", "Vary:", "vary: ,c,, d ,"])
        #expect(texts(head.members(named: "vary")) == ["a", "b", "c", "d"])
        #expect(head.members(named: "cache-control").isEmpty)
    }

    @Test("A quote that is left open on one line does not reach into the next")
    func openQuote() throws {
        let head = try head(["Cache-Control: private=\"a, no-cache", "Cache-Control: no-store"])
        #expect(texts(head.members(named: "cache-control")) == ["private=\"a, no-cache", "no-store"])
    }

    @Test(
        "A list is parted at commas that are not in quotes, and empty members are none (RFC 9110 5.6.1)",
        arguments: [
            ("", []), (" ", []), (",", []), (" ,\t, ,", []), ("a", ["a"]), (" a\t", ["a"]), ("a,b", ["a", "b"]),
            ("a,,b", ["a", "b"]), (",a,", ["a"]), ("a b , c", ["a b", "c"]), ("*", ["*"]),
            ("\"a,b\", c", ["\"a,b\"", "c"]), ("x=\"a, b\",y", ["x=\"a, b\"", "y"]),
            ("\"a\\\",b\", c", ["\"a\\\",b\"", "c"]), ("\"a\\\\\", c", ["\"a\\\\\"", "c"]),
            ("\"\", \"\"", ["\"\"", "\"\""]),
            ("\"a, b", ["\"a, b"]), ("a, \"", ["a", "\""]), ("'a,b'", ["'a", "b'"]), ("a\\,b", ["a\\", "b"]),
            ("\"a\\", ["\"a\\"]),
        ] as [(String, [String])])
    func lists(text: String, expected: [String]) {
        #expect(members(text) == expected)
    }

    @Test("However a list breaks off, what came before the last comma outside quotes is what it was")
    func truncated() {
        let text = "a, x=\"b, \\\"c\\\\\", d"
        let whole = members(text)
        for end in 0...text.utf8.count {
            let part = members(String(decoding: Array(text.utf8.prefix(end)), as: UTF8.self))
            #expect(part.count <= whole.count)
            for (member, other) in zip(part, whole) { #expect(other.hasPrefix(member)) }
        }
    }
}
